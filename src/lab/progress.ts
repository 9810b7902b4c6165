/** Shows what takes time: one line that is written over on a terminal, plain lines elsewhere. */

/** Says what is going on, in a few words. */
export type OnProgress = (text: string) => void

/** A progress display. */
export interface Progress {
  readonly show: OnProgress
  /** Clears the line on a terminal. */
  end(): void
}

/** Writes progress with the seconds since it began to a stream, stderr unless told otherwise. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const start = Date.now()
  const isTerminal = stream.isTTY === true && process.env.TERM !== 'dumb'
  const stamp = () => `[${((Date.now() - start) / 1000).toFixed(1).padStart(5)} s]`
  return {
    show(text) {
      if (!isTerminal) stream.write(`${stamp()} ${text}\n`)
      else stream.write(`\r\u001B[2K${`${stamp()} ${text}`.slice(0, (stream.columns || 80) - 1)}`)
    },
    end() {
      if (isTerminal) stream.write('\r\u001B[2K')
    },
  }
}
