/** A Connection over SSH: scripts framed for the node's shell, failures told apart. */
import { setMaxListeners } from 'node:events'
import { startFailure } from './become.ts'
import { afterStart, frame, shellCommand, skipToStart } from './bootstrap.ts'
import type { Connection, RunOptions, RunResult } from './connection.ts'
import { execute } from './exec.ts'
import type { Link } from './link.ts'
import type { Script } from './script.ts'
import type { Target } from './target.ts'

const TIMEOUT_MS = 60_000
const MAX_OUTPUT = 64 * 2 ** 20

/** Wraps a logged-in link. `maxOutput` bounds what a script may print, in bytes; default 64 MiB. */
export function sshConnection(target: Target, link: Link, maxOutput = MAX_OUTPUT): Connection {
  return {
    peer: link.peer,
    run: (script, options) => run(target, link, script, { ...options, maxOutput }),
    close: () => link.close(),
  }
}

async function run(
  target: Target,
  link: Link,
  script: Script,
  options: RunOptions & { maxOutput: number },
): Promise<RunResult> {
  const { signal, onStdout } = options
  // All hosts of a run share one signal; more than ten listeners are no leak here.
  if (signal !== undefined) setMaxListeners(0, signal)
  const result = await execute(link, {
    name: target.name,
    command: shellCommand(target),
    stdin: frame(script),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxOutput: options.maxOutput,
    signal,
    onStdout: onStdout && skipToStart(onStdout),
  })
  const stdout = afterStart(result.stdout)
  if (stdout !== undefined) return { ...result, stdout }
  const failure = startFailure(target, result)
  if (failure !== undefined) throw failure
  return result
}
