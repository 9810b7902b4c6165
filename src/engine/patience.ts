/** Trying again over new connections, with pauses that grow, until it works or a deadline passes. */
import { type ErrorCode, PvectlError } from '../errors.ts'
import type { Session } from './session.ts'

/** How long to try, and after what. */
export interface Patience {
  /** By `performance.now()`, milliseconds. */
  readonly deadline: number
  /** Errors that may pass. */
  readonly passing: readonly ErrorCode[]
  /** Called before each pause. */
  readonly onPause?: () => void
}

/** Failed logins make sshd penalize the address (OpenSSH 9.8 and later), so they are not repeated quickly. */
const LOGIN_PAUSE_MS = 10_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5000

/** Thrown when the deadline passed; `last` is the error of the last attempt. */
export class PatienceLost extends Error {
  readonly last: PvectlError

  constructor(last: PvectlError) {
    super(last.message)
    this.last = last
  }
}

/**
 * Repeats `work`, each time over a new connection. Rejects with {@link PatienceLost} after the deadline, and at once with
 * errors that do not pass.
 */
export async function persist<T>(session: Session, patience: Patience, work: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PvectlError) || !patience.passing.includes(error.code)) throw error
      await session.close().catch(() => undefined)
      if (performance.now() + pause > patience.deadline) throw new PatienceLost(error)
      patience.onPause?.()
      await new Promise((resolve) => setTimeout(resolve, pauseAfter(error, pause)))
    }
  }
}

function pauseAfter({ code, backOffMs = 0 }: PvectlError, pause: number): number {
  const login = /^(AUTH|BECOME|HOST_KEY)_/.test(code)
  return Math.max(pause, backOffMs, login ? LOGIN_PAUSE_MS : 0)
}
