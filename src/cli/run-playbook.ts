/** What `apply` and `check` do: load everything, then run it with a reporter. They differ in `mode` alone. */
import { loadInventory } from '../inventory/load.ts'
import { parseExtraVars } from '../playbook/extra-vars.ts'
import type { Job } from '../playbook/job.ts'
import { loadJob } from '../playbook/load.ts'
import { withPending } from '../playbook/pending.ts'
import type { PendingChoice } from '../resources/pending-interfaces.ts'
import { maskError } from '../secrets/mask-data.ts'
import { SecretStore } from '../secrets/store.ts'
import { taskTypes } from '../tasks/index.ts'
import { type JobRun, runJob, withConnector } from './run-job.ts'

/** Which playbook, for which hosts. */
export interface PlaybookChoice {
  readonly playbook: string
  readonly inventory: string
  readonly limit: string | undefined
  readonly tags: readonly string[]
  readonly skipTags: readonly string[]
  /** As given on the command line. */
  readonly extraVars: readonly string[]
}

/** What the user asked for. */
export interface PlaybookRun extends PlaybookChoice, JobRun {
  /** What to do about a network change staged in the web interface. */
  readonly pending: 'refuse' | PendingChoice
  /** Verify each host that has converged, before the next batch goes. */
  readonly verify?: boolean
}

/** Runs a playbook from files to exit code. Throws what is wrong before any node is contacted. */
export async function runPlaybook(options: PlaybookRun): Promise<number> {
  const secrets = new SecretStore()
  try {
    const loaded = await loadPlaybook(options, secrets)
    const job = options.pending === 'refuse' ? loaded : withPending(loaded, options.pending)
    const prover = options.verify === true ? (await import('./prove-hosts.ts')).proveHosts(job) : undefined
    return await withConnector(
      job.hosts.map(({ target }) => target),
      (connector) => {
        const prove = prover === undefined ? {} : { prove: prover(connector) }
        return runJob({ ...options, mask: secrets.mask, ...prove }, job, connector)
      },
    )
  } catch (error) {
    throw maskError(error, secrets.mask)
  }
}

/** Loads the inventory and the playbook. Throws everything that is wrong with them; secrets are opened by `secrets`. */
export async function loadPlaybook(
  { playbook, inventory: name, limit, tags, skipTags, extraVars }: PlaybookChoice,
  secrets: SecretStore,
): Promise<Job> {
  const cwd = process.cwd()
  const vars = await secrets.open(parseExtraVars(extraVars, cwd))
  const inventory = await loadInventory(name, { cwd, secrets })
  return loadJob({
    playbook,
    inventory,
    cwd,
    registry: taskTypes,
    tags,
    skipTags,
    extraVars: vars,
    secrets,
    ...(limit === undefined ? {} : { limit }),
  })
}
