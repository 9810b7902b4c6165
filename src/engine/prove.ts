/** Proof after the fact: what `apply --verify` does with a host that has converged, before the next hosts go. */
import type { Connection } from '../connection/connection.ts'
import { type Problem, PvectlError } from '../errors.ts'
import type { HostStage } from '../playbook/job.ts'
import type { Emit, ShownCheck } from './events.ts'
import type { HostResult } from './run-host.ts'
import type { Session } from './session.ts'
import { showError } from './show.ts'

/** Makes the checks of the tasks of a host. Rejects with what keeps them from being made. */
export type Prove = (stage: HostStage, connection: Connection) => Promise<readonly ShownCheck[]>

/** The result of a host after its checks: as it was, or failed. Never throws. */
export async function proveHost(
  result: HostResult,
  stage: HostStage,
  session: Session,
  { prove, emit }: { readonly prove: Prove; readonly emit: Emit },
): Promise<HostResult> {
  const { name } = stage.host
  emit({ event: 'host:phase', host: name, phase: 'proving' })
  try {
    const checks = await prove(stage, session.counted)
    emit({ event: 'host:proven', host: name, checks })
    const problems = checks.filter(({ status }) => status === 'failed').map(problem)
    if (problems.length === 0) return result
    throw PvectlError.of('CHECK_FAILED', problems)
  } catch (error) {
    const exitCode = error instanceof PvectlError ? error.exitCode : 1
    return { ...result, status: exitCode === 4 ? 'unreachable' : 'failed', error: showError(error), exitCode }
  }
}

function problem({ title, saw, cause, hint }: ShownCheck): Problem {
  return {
    message: `check failed: ${title}: ${saw}${cause === undefined ? '' : `; likely cause: ${cause}`}`,
    ...(hint === undefined ? {} : { hint }),
  }
}
