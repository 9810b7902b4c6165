/** Runs a small job without a reporter of its own, and tells what came of it. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import type { RunEvent, ShownResource } from '../engine/events.ts'
import { run } from '../engine/run.ts'
import { PvectlError } from '../errors.ts'
import type { Job } from '../playbook/job.ts'

/** Changes that were made, or would be. */
export interface QuietResult {
  readonly changes: readonly string[]
}

/** Runs a job for one host. Rejects with the error of the first task that fails. */
export async function runQuietly(
  job: Job,
  connector: Connector<Target>,
  mode: 'apply' | 'check',
  signal?: AbortSignal,
): Promise<QuietResult> {
  const changes: string[] = []
  let failure: PvectlError | undefined
  let refusal: PvectlError | undefined
  const emit = (event: RunEvent) => {
    if (event.event === 'task:planned') changes.push(...event.resources.flatMap(changesOf))
    // The end of the host tells the remedy as well.
    const broken = event.event === 'task:finished' || event.event === 'host:finished' ? event.error : undefined
    if (broken !== undefined) failure ??= PvectlError.of(broken.code, broken.problems)
    if (event.event === 'task:planned' && event.status === 'failed') refusal ??= blocked(event.resources)
  }
  const report = await run({ job, connector, mode, emit, ...(signal === undefined ? {} : { signal }) })
  if (report.exitCode !== 0) throw failure ?? refusal ?? new PvectlError('STEP_FAILED', `${job.playbook} failed`)
  return { changes }
}

function changesOf({ changes }: ShownResource): readonly string[] {
  return changes.map(({ summary }) => summary)
}

function blocked(resources: readonly ShownResource[]): PvectlError {
  const reason = resources.find(({ status }) => status === 'failed')?.reason ?? 'a task cannot be done'
  return new PvectlError('BLOCKED', reason)
}
