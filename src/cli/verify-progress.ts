/** What a verification is busy with: one line on a terminal that is written over, nothing elsewhere. */

/** Shows progress on stderr; results go to stdout. */
export interface VerifyProgress {
  readonly phase: (host: string, phase: string) => void
  readonly done: (host: string) => void
  readonly notice: (message: string) => void
  readonly end: () => void
}

const CLEAR = '\r\u001B[2K'

/** Starts to show the progress of these hosts. */
export function verifyProgress(hosts: readonly string[], stream: NodeJS.WriteStream = process.stderr): VerifyProgress {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb'
  const busy = new Map<string, string>()
  let done = 0
  const started = Date.now()
  const paint = () => {
    const [first] = [...busy].at(-1) === undefined ? [] : [[...busy].at(-1)?.join(' ')]
    const text = `verifying ${done}/${hosts.length}  ${((Date.now() - started) / 1000).toFixed(0)}s  ${first ?? ''}`
    stream.write(`${CLEAR}${text.slice(0, (stream.columns || 80) - 1)}`)
  }
  const timer = live ? setInterval(paint, 250) : undefined
  timer?.unref()
  const clear = () => {
    if (live) stream.write(CLEAR)
  }
  return {
    phase: (host, phase) => void busy.set(host, phase),
    done(host) {
      busy.delete(host)
      done += 1
      clear()
    },
    notice(message) {
      clear()
      stream.write(`${message}\n`)
    },
    end() {
      clearInterval(timer)
      clear()
    },
  }
}
