/** Explains why a script did not start on the node. Pure. */
import { PvectlError } from '../errors.ts'
import { needsSudo } from './bootstrap.ts'
import type { RunResult } from './connection.ts'
import type { Target } from './target.ts'

/**
 * The error for a session that ended before the script began, or undefined when the script itself is at fault (a
 * syntax error, which keeps all of it from running).
 */
export function startFailure(target: Target, result: RunResult): PvectlError | undefined {
  const said = result.stderr.toString().trim()
  if (result.code === 2 && /syntax error/i.test(said)) return undefined
  return needsSudo(target) ? becomeFailed(target, result, said) : noShell(target, result, said)
}

function becomeFailed(target: Target, result: RunResult, said: string): PvectlError {
  const { name, user } = target
  const allow = `as root on the node: echo '${user} ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/pvectl`
  if (result.code === 127) {
    const hint = 'install sudo on the node, or log in as root'
    return failed(target, `${name}: cannot become root: sudo is not installed (${lastLine(said)})`, hint)
  }
  if (/must have a tty/i.test(said)) {
    const hint = `as root on the node: echo 'Defaults:${user} !requiretty' >/etc/sudoers.d/pvectl-tty`
    return failed(target, `${name}: cannot become root: sudo wants a terminal (requiretty)`, hint)
  }
  if (/password|terminal|askpass/i.test(said)) {
    return failed(target, `${name}: cannot become root: sudo wants a password of ${user}`, allow)
  }
  const why = said === '' ? ending(result) : lastLine(said)
  return failed(target, `${name}: cannot become root by sudo -n as ${user}: ${why}`, allow)
}

function noShell(target: Target, result: RunResult, said: string): PvectlError {
  const printed = [said, result.stdout.toString().trim()].find((text) => text !== '')
  const why = printed === undefined ? ending(result) : lastLine(printed)
  return new PvectlError('HOST_UNREACHABLE', `${target.name}: logged in, but the node ran no shell: ${why}`, {
    hint: 'does the key force a command (authorized_keys), or do the login shell or ~/.bashrc end the session?',
    host: target.name,
  })
}

function failed(target: Target, message: string, hint: string): PvectlError {
  return new PvectlError('BECOME_FAILED', message, { hint, host: target.name })
}

function ending({ code, signal }: RunResult): string {
  return signal === null ? `exit status ${code}` : `killed by ${signal}`
}

function lastLine(text: string): string {
  return (text.split('\n').at(-1) ?? '').slice(0, 200)
}
