/** Paces handshakes with one SSH server, which turns away too many at once (MaxStartups, by default from 10 on). */
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import { AttemptFailed } from './connect-errors.ts'

/** Runs attempts to connect to one server, a bounded number at a time and again where that may help. */
export type Gate = <T>(attempt: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Pauses before the next attempt, in milliseconds: a reloading sshd is back within a second. */
const REFUSED_MS = [300, 900]
const DROPPED_MS = [150, 300, 600, 1200]
/** Second attempts run nearly alone, so that a server that admits few at once admits them. */
const NARROW = 2

/** A gate that lets `width` first attempts through at a time. Rejects with the error to show of the last attempt. */
export function createGate(width: number): Gate {
  const wide = pLimit(width)
  const narrow = pLimit(Math.min(NARROW, width))
  return async (attempt, signal) => {
    let lane = wide
    for (let failures = 0; ; failures++) {
      try {
        return await lane(attempt)
      } catch (error) {
        if (!(error instanceof AttemptFailed)) throw error
        const pause = pauseAfter(error, failures)
        if (pause === undefined) throw error.shown
        // Jitter keeps those that were turned away together from coming back together.
        await sleep(pause * (0.5 + Math.random()), undefined, signal === undefined ? {} : { signal }).catch(() => {})
        lane = narrow
      }
    }
  }
}

function pauseAfter({ retry }: AttemptFailed, failures: number): number | undefined {
  if (retry === 'never') return undefined
  return (retry === 'refused' ? REFUSED_MS : DROPPED_MS)[failures]
}
