/** A time limit that can be set anew while it runs. */
import { DeadlinePassed } from './connect-errors.ts'

/** Bounds promises by one clock and one AbortSignal. */
export interface Deadline {
  /** Settles with `promise`, unless the clock runs out (DeadlinePassed) or the signal aborts first. */
  race<T>(promise: Promise<T>): Promise<T>
  /** Starts the clock again with `ms` milliseconds. */
  restart(ms: number): void
  stop(): void
}

/** Starts a clock of `ms` milliseconds. Stop it in the end, or it keeps the process alive. */
export function startDeadline(ms: number, signal?: AbortSignal): Deadline {
  let expire: (error: Error) => void = () => {}
  const expired = new Promise<never>((_, reject) => {
    expire = reject
  })
  expired.catch(() => {})
  const pass = () => expire(new DeadlinePassed())
  const abort = () => expire(new Error('interrupted'))
  let timer = setTimeout(pass, ms)
  let stopped = false
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  return {
    race: (promise) => Promise.race([promise, expired]),
    restart(next) {
      clearTimeout(timer)
      if (!stopped) timer = setTimeout(pass, next)
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    },
  }
}
