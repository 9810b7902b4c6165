/** Runs a job that is ready: with keys unlocked, a reporter, the record of the run, and signals heard. */
import type { Connection, Connector } from '../connection/connection.ts'
import { createSshConnector, type SshConnector } from '../connection/ssh-connector.ts'
import type { Target } from '../connection/target.ts'
import type { GuardOptions } from '../engine/compile.ts'
import type { Emit, HostStatus } from '../engine/events.ts'
import type { Prove } from '../engine/prove.ts'
import { run } from '../engine/run.ts'
import { EXIT, PvectlError } from '../errors.ts'
import { createJournal } from '../history/journal.ts'
import type { HostStage, Job } from '../playbook/job.ts'
import { type ChosenReporter, chooseReporter } from '../reporters/create.ts'
import type { Mask } from '../secrets/mask.ts'
import { approvalPrompt } from './approval.ts'
import { passphrasePrompt } from './passphrase.ts'
import { listenForInterrupts } from './signals.ts'

/** How to run a job, and how to show it. */
export interface JobRun {
  readonly mode: 'apply' | 'check'
  readonly forks: number
  readonly diff: boolean
  readonly verbose: boolean
  readonly json: boolean
  /** End with 6 when a dry run finds something to change. */
  readonly driftExit: boolean
  /** Ask before changes that can cut the connection, where there is somebody to ask. */
  readonly ask?: boolean
  /** Guard round risky steps; default 90 s. */
  readonly guard?: GuardOptions | 'off'
  /** Milliseconds to wait for another run to leave a node; default 0. */
  readonly lockTimeoutMs?: number
  /** Hides the secrets of the job. */
  readonly mask?: Mask
  /** Makes the checks of each host that has converged; the signal is that of Ctrl-C. */
  readonly prove?: (stage: HostStage, connection: Connection, signal: AbortSignal) => ReturnType<Prove>
}

/**
 * Gives `work` a connector for these targets, and closes it afterwards. Keys come first: a question on a screen full of
 * progress would not be seen. Throws KEY_UNREADABLE.
 */
export async function withConnector<T>(
  targets: readonly Target[],
  work: (connector: SshConnector) => Promise<T>,
): Promise<T> {
  const askPassphrase = passphrasePrompt()
  const connector = createSshConnector(askPassphrase === undefined ? {} : { askPassphrase })
  try {
    const problems = await connector.unlockKeys(targets)
    if (problems.length > 0) throw PvectlError.of('KEY_UNREADABLE', problems)
    return await work(connector)
  } finally {
    await connector.close()
  }
}

/** Runs a job to its exit code. */
export async function runJob(options: JobRun, job: Job, connector: Connector<Target>): Promise<number> {
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
  { mode, forks, driftExit, ask = false, guard, lockTimeoutMs = 0, mask, prove }: JobRun,
  job: Job,
  connector: Connector<Target>,
  { reporter, notice, suspend }: ChosenReporter,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.ok
  const journal = createJournal({ onProblem: notice })
  const tell: Emit = (event) => {
    reporter.handle(event)
    journal(event)
  }
  // The last event and the process must say the same.
  const emit: Emit = (event) => {
    if (event.event !== 'run:finished') return tell(event)
    exitCode = driftExit && event.exitCode === EXIT.ok && hasDrift(event.hosts) ? EXIT.drift : event.exitCode
    tell({ ...event, exitCode })
  }
  const approve = ask ? approvalPrompt(suspend, guard !== 'off') : undefined
  const optional = {
    ...(approve === undefined ? {} : { approve }),
    ...(guard === undefined ? {} : { guard }),
    ...(mask === undefined ? {} : { mask }),
    ...(prove === undefined
      ? {}
      : { prove: (stage: HostStage, connection: Connection) => prove(stage, connection, signal) }),
  }
  await run({ job, connector, mode, forks, emit, signal, lockTimeoutMs, ...optional })
  return exitCode
}

function hasDrift(hosts: Readonly<Partial<Record<HostStatus, number>>>): boolean {
  return (hosts['would change'] ?? 0) + (hosts.unknown ?? 0) > 0
}
