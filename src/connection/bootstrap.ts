/**
 * How a script gets to run on a node. It travels by standard input, so that nothing of it is in an argument list, and
 * is read to its end before any of it runs.
 */
import type { Script } from './script.ts'
import type { Target } from './target.ts'

/**
 * Reads the script to its end and evaluates it in the same shell. The shells a login may have all pass this on
 * unchanged. Compared with `sh -s`: no command of the script can read the rest of the script as its own input, and
 * nothing runs of a script that arrived in part. It costs 1 ms and another 2 ms for 200 kB (dash); `sh -c "$(cat)"`
 * would end at 128 KiB, the limit of one argument.
 */
const SHELL = `/bin/sh -c 'eval "$(cat)"'`

/** Printed by the shell when it starts on the script; what comes before is noise of the login (~/.bashrc). */
const START = Buffer.from('pvectl-start\n')

/** The fixed command to execute for a login as `target` says. */
export function shellCommand(target: Target): string {
  return needsSudo(target) ? `exec sudo -n -- ${SHELL}` : `exec ${SHELL}`
}

/** True when scripts run through sudo. */
export function needsSudo(target: Target): boolean {
  return target.become && target.user !== 'root'
}

/**
 * What to send. The braces make a script that was cut off a syntax error; a colon stands where the script is empty.
 */
export function frame(script: Script): Buffer {
  const head = Buffer.from('{ echo pvectl-start;exec </dev/null;:;')
  return Buffer.concat([head, script.bytes(), Buffer.from('\n}\n')])
}

/** Output of the script without what the login printed before; undefined when the script never started. */
export function afterStart(stdout: Buffer): Buffer | undefined {
  const at = stdout.indexOf(START)
  return at < 0 ? undefined : stdout.subarray(at + START.length)
}

/** Passes on chunks of output from the start mark on. */
export function skipToStart(onChunk: (chunk: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer | undefined = Buffer.alloc(0)
  return (chunk) => {
    if (held === undefined) return onChunk(chunk)
    held = Buffer.concat([held, chunk])
    const rest = afterStart(held)
    if (rest === undefined) return
    held = undefined
    if (rest.length > 0) onChunk(rest)
  }
}
