/** Ctrl-C during onboarding: runs of playbooks end in order by themselves, everything else can be broken off at once. */
import { EXIT } from '../errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Listens for signals outside of runs. */
export interface RunInterrupts {
  /** Leaves signals to `work`, which hears them itself. */
  within<T>(work: () => Promise<T>): Promise<T>
  /** Gives the signals back. */
  dispose(): void
}

/** Starts to listen; a signal ends the process with a word on what goes on. */
export function betweenRuns(): RunInterrupts {
  let busy = 0
  const onSignal = () => {
    if (busy > 0) return
    process.stderr.write(
      'interrupted; run the same command again to go on. A join that was begun goes on on its node (systemctl status pvectl-join)\n',
    )
    process.exit(EXIT.interrupted)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    async within(work) {
      busy += 1
      try {
        return await work()
      } finally {
        busy -= 1
      }
    },
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
