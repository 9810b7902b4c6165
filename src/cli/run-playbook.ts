/** What `apply` and `check` do: load everything, then run it with a reporter. They differ in `mode` alone. */
import { createSshConnector, type SshConnector } from '../connection/ssh-connector.ts'
import type { Emit, HostStatus } from '../engine/events.ts'
import { run } from '../engine/run.ts'
import { EXIT, PvectlError } from '../errors.ts'
import { loadInventory } from '../inventory/load.ts'
import { parseExtraVars } from '../playbook/extra-vars.ts'
import type { Job } from '../playbook/job.ts'
import { loadJob } from '../playbook/load.ts'
import { type ChosenReporter, chooseReporter } from '../reporters/create.ts'
import { taskTypes } from '../tasks/index.ts'

import { passphrasePrompt } from './passphrase.ts'
import { ignoreBrokenPipes, listenForInterrupts } from './signals.ts'

/** What the user asked for. */
export interface PlaybookRun {
  readonly mode: 'apply' | 'check'
  readonly playbook: string
  readonly inventory: string
  readonly limit: string | undefined
  readonly tags: readonly string[]
  readonly skipTags: readonly string[]
  /** As given on the command line. */
  readonly extraVars: readonly string[]
  readonly forks: number
  readonly diff: boolean
  readonly verbose: boolean
  readonly json: boolean
  /** End with 6 when a dry run finds something to change. */
  readonly driftExit: boolean
}

/** Runs a playbook from files to exit code. Throws what is wrong before any node is contacted. */
export async function runPlaybook(options: PlaybookRun): Promise<number> {
  const job = await load(options)
  const askPassphrase = passphrasePrompt()
  const connector = createSshConnector(askPassphrase === undefined ? {} : { askPassphrase })
  try {
    await unlock(connector, job)
    return await report(options, job, connector)
  } finally {
    await connector.close()
  }
}

async function load({ playbook, inventory: name, limit, tags, skipTags, extraVars }: PlaybookRun): Promise<Job> {
  const cwd = process.cwd()
  const vars = parseExtraVars(extraVars, cwd)
  const inventory = await loadInventory(name, { cwd })
  return loadJob({
    playbook,
    inventory,
    cwd,
    registry: taskTypes,
    tags,
    skipTags,
    extraVars: vars,
    ...(limit === undefined ? {} : { limit }),
  })
}

/** Keys come first: a question on a screen full of progress would not be seen. */
async function unlock(connector: SshConnector, job: Job): Promise<void> {
  const problems = await connector.unlockKeys(job.hosts.map(({ target }) => target))
  if (problems.length > 0) throw PvectlError.of('KEY_UNREADABLE', problems)
}

async function report(options: PlaybookRun, job: Job, connector: SshConnector): Promise<number> {
  ignoreBrokenPipes()
  const chosen = await chooseReporter(options)
  const interrupts = listenForInterrupts(chosen)
  try {
    return await execute(options, job, connector, chosen, interrupts.signal)
  } finally {
    await chosen.reporter.close()
    interrupts.dispose()
  }
}

async function execute(
  { mode, forks, driftExit }: PlaybookRun,
  job: Job,
  connector: SshConnector,
  { reporter }: ChosenReporter,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.ok
  // The last event and the process must say the same.
  const emit: Emit = (event) => {
    if (event.event !== 'run:finished') return reporter.handle(event)
    exitCode = driftExit && event.exitCode === EXIT.ok && hasDrift(event.hosts) ? EXIT.drift : event.exitCode
    reporter.handle({ ...event, exitCode })
  }
  await run({ job, connector, mode, forks, emit, signal })
  return exitCode
}

function hasDrift(hosts: Readonly<Partial<Record<HostStatus, number>>>): boolean {
  return (hosts['would change'] ?? 0) + (hosts.unknown ?? 0) > 0
}
