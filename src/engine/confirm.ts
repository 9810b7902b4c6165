/** The controller's half of the guard: a new connection, a look at the node, and then the word that disarms it. */
import { type ErrorCode, PvectlError } from '../errors.ts'
import type { GuardOptions } from './compile.ts'
import { confirmScript, holdScript, NOTHING_ARMED, revertNowScript } from './guard.ts'
import { PatienceLost, persist } from './patience.ts'
import type { Session } from './session.ts'

/** What the confirmation needs of the run it confirms. */
export interface ConfirmOptions {
  readonly session: Session
  readonly runId: string
  readonly guard: GuardOptions
  /** Observes over the new connection; returns what is still not as described, or undefined. */
  readonly look: () => Promise<string | undefined>
  /** When the last look saw the node, milliseconds by the node's own clock. */
  readonly lookedAt?: () => number | undefined
  /** Hosts that the change shuts out too, a line each; asked once the node itself is as described. */
  readonly shutOut?: () => Promise<readonly string[]>
}

/** Seconds beyond the timer in which a node that reverted must answer again. */
const GRACE_S = 45

/**
 * Confirms a guarded run, or reverts it when the node is not as described.
 * Rejects with ROLLED_BACK and the node's own report, or CONNECTION_LOST when the node never answered again.
 */
export async function confirm(options: ConfirmOptions): Promise<void> {
  const { session, runId, guard } = options
  await session.close()
  const fires = performance.now() + guard.timeoutSeconds * 1000
  const deadline = fires + GRACE_S * 1000
  const wrong = await retry(deadline, session, options.look).catch(unlessLost)
  const late = performance.now() > fires
  const shut = wrong === undefined ? await askOthers(options) : undefined
  const script = wrong === undefined && shut === undefined ? confirmScript(runId) : revertNowScript(runId)
  const answer = await retry(deadline, session, async () => {
    const { stdout } = await session.counted.run(script, { timeoutMs: 60_000 })
    return stdout.toString('utf8')
  })
  if (/^reverted by timer/m.test(answer)) {
    // A look that got through after the revert finds the node as it was, which is not what went wrong.
    const seen = late || sawReverted(options, answer) ? undefined : wrong
    const nobody = `no new connection could confirm the change within ${guard.timeoutSeconds} s`
    throw rolledBack(seen ?? shut ?? nobody, answer)
  }
  const why = wrong ?? shut
  if (why !== undefined) throw rolledBack(why, answer)
  if (/^confirmed$/m.test(answer)) return
  throw rolledBack('the node did not take the confirmation', answer)
}

/** The connection may have been lost before, so that the timer fired while the run was still followed. */
function sawReverted({ lookedAt }: ConfirmOptions, answer: string): boolean {
  const reverted = Date.parse(/^reverted by timer at (\S+)/m.exec(answer)?.[1] ?? '')
  return (lookedAt?.() ?? 0) >= reverted
}

async function askOthers({ session, runId, shutOut }: ConfirmOptions): Promise<string | undefined> {
  if (shutOut === undefined) return undefined
  await session.counted.run(holdScript(runId)).catch(() => undefined)
  const lines = await shutOut()
  return lines.length === 0 ? undefined : `after the change, ${lines.join('; ')}`
}

/** An observation that fails for another reason than the link proves nothing, so the change must not stay. */
function unlessLost(error: unknown): string {
  if (error instanceof PvectlError && error.code === 'CONNECTION_LOST') throw error
  return `the node can't be observed after the change: ${error instanceof Error ? error.message : String(error)}`
}

/** Reverts a guarded run that failed or was stopped. Resolves to the error to report, with the node's report. */
export async function revertFailed(
  session: Session,
  runId: string,
  guard: GuardOptions,
  why: string,
): Promise<PvectlError> {
  const deadline = performance.now() + (guard.timeoutSeconds + GRACE_S) * 1000
  try {
    const answer = await retry(deadline, session, async () => {
      const { stdout } = await session.counted.run(revertNowScript(runId), { timeoutMs: 60_000 })
      return stdout.toString('utf8')
    })
    return rolledBack(why, answer)
  } catch (error) {
    return error instanceof PvectlError ? error : rolledBack(why, '')
  }
}

/** What the change itself may have caused, and the revert will mend: also a login that the node no longer takes. */
const PASSING: readonly ErrorCode[] = [
  'CONNECTION_LOST',
  'HOST_UNREACHABLE',
  'TIMEOUT',
  'AUTH_FAILED',
  'BECOME_FAILED',
  'HOST_KEY_MISMATCH',
  'HOST_KEY_UNKNOWN',
  'KEY_UNREADABLE',
]

/** Until well after the revert timer, each time over a new connection. Rejects with CONNECTION_LOST when it stays lost. */
function retry<T>(deadline: number, session: Session, work: () => Promise<T>): Promise<T> {
  return persist(session, { deadline, passing: PASSING }, work).catch((error: unknown) => {
    throw error instanceof PatienceLost ? lost(error.last) : error
  })
}

function rolledBack(why: string, answer: string): PvectlError {
  const report = answer
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'reverted')
  if (report.includes(NOTHING_ARMED)) return guardLost(why)
  const whole = !report.some((line) => line.startsWith('NOT put back'))
  const told = report.length === 0 ? 'the node gave no report' : report.join('; ')
  const state =
    report.length === 0
      ? 'it was to be reverted'
      : whole
        ? 'the node is back as it was'
        : 'the node is back, but for some of it'
  return new PvectlError('ROLLED_BACK', `${why}; ${state}: ${told}`, {
    hint: whole
      ? 'mend the cause and run again; packages, accounts and what commands did besides stay'
      : 'put back by hand what is named there, mend the cause, then run again',
  })
}

/** Paths that an error of a rollback names as not put back. */
export function pathsNotBack({ message }: PvectlError): readonly string[] {
  return [...message.matchAll(/NOT put back: (\/[^\s,;]+)/g)].flatMap(([, path]) => path ?? [])
}

function guardLost(why: string): PvectlError {
  return new PvectlError(
    'STEP_FAILED',
    `${why}; nothing was put back, since there is no guard of this run on the node: what was done stays`,
    { hint: 'did something remove /var/lib/pvectl/guard? look at what the node is like now, then run again' },
  )
}

function lost(cause: PvectlError): PvectlError {
  const [problem] = cause.problems
  return new PvectlError(
    'CONNECTION_LOST',
    `nobody could log in to the node after the change, nor after its revert timer, by which it should have gone back: ${cause.message}`,
    {
      cause,
      hint: `${problem?.hint === undefined ? '' : `${problem.hint}; `}the report of the revert is on the node, in /var/lib/pvectl/guard`,
    },
  )
}
