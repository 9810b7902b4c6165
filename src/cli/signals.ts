/** Ctrl-C and its kin: the first asks the run to end in order, the second ends the process. */
import { EXIT, PvectlError, systemReason } from '../errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What a signal means to a run in progress. */
export interface Interrupts {
  /** Aborted, with an INTERRUPTED error, by the first signal. */
  readonly signal: AbortSignal
  /** Gives the signals back. */
  dispose(): void
}

/** Where to say what happens, and how to leave; replaceable in tests. */
export interface InterruptHooks {
  readonly notice: (message: string) => void
  /** Must end the process. Default `process.exit`. */
  readonly exit?: (code: number) => void
}

const STOPPED_WAITING =
  'stopped waiting: a step that was running on a node goes on there, and a change under the guard that nobody confirms is put back by the node; `pvectl history --host NODE` and `pvectl check` show what became of it'

/** Starts to listen for signals. */
export function listenForInterrupts({ notice, exit = process.exit }: InterruptHooks): Interrupts {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      notice(STOPPED_WAITING)
      exit(EXIT.interrupted)
      return
    }
    const again = name === 'SIGINT' ? 'press Ctrl-C again' : `send ${name} again`
    notice(`interrupted: finishing the current step on each node (${again} to stop waiting)`)
    controller.abort(new PvectlError('INTERRUPTED', 'interrupted by the user'))
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}

/**
 * What becomes of output must neither crash a run nor stop it half-way. A reader that went away (`| head`) or a terminal
 * that was closed is nothing to tell; what a full disk does not take is told once on stderr, and the exit code is 1
 * where the command has no other to say.
 */
export function ignoreBrokenPipes(streams: readonly NodeJS.WriteStream[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    let isTold = false
    // oclif's own listener lets EPIPE pass, but throws when a terminal is closed (EIO) or a disk is full.
    stream.removeAllListeners('error')
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '')) return
      if (error.syscall !== 'write') throw error
      if (isTold || stream === process.stderr) return
      isTold = true
      process.exitCode ??= EXIT.internal
      process.stderr.write(`error: what is printed is lost: ${systemReason(error)}\n`)
    })
  }
}
