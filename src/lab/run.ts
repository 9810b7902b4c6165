/** Runs programs of this machine for the lab: never through a shell, always with their output at hand when they fail. */
import { spawn } from 'node:child_process'
import { PvectlError } from '../errors.ts'

/** How to run a program. */
export interface ProgramOptions {
  /** Text for standard input; empty when left out. */
  readonly input?: string
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Milliseconds until the program is killed; default 60 000. */
  readonly timeoutMs?: number
  /** Called with each line of standard error as it comes. */
  readonly onLine?: (line: string) => void
}

/** Outcome of a program that ran. */
export interface ProgramResult {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program and resolves whatever its exit status. Rejects with LAB_FAILED when it can't be started or hangs. */
export function tryRun(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const { input = '', env = {}, cwd, timeoutMs = 60_000, onLine } = options
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe', cwd, env: { ...process.env, LC_ALL: 'C.UTF-8', ...env } })
    const output = { stdout: '', stderr: '' }
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text
      if (onLine !== undefined) for (const line of text.split('\n')) if (line.trim() !== '') onLine(line.trim())
    })
    child.stdin.on('error', () => {
      // The program may end without reading its input; its exit status tells the story.
    })
    child.stdin.end(input)
    child.on('error', (cause) => {
      clearTimeout(timer)
      reject(new PvectlError('LAB_FAILED', `cannot run ${file}: ${cause.message}`, { cause }))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (timedOut) reject(failure(`${shown(file, args)} did not end within ${timeoutMs / 1000} s`, output.stderr))
      else resolve({ code, ...output })
    })
  })
}

/** Runs a program that has to succeed and returns its standard output. Rejects with LAB_FAILED otherwise. */
export async function run(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryRun(file, args, options)
  if (code !== 0) throw failure(`${shown(file, args)} failed with exit status ${code}`, stderr)
  return stdout
}

function shown(file: string, args: readonly string[]): string {
  const line = [file, ...args].join(' ').replaceAll(/\s+/g, ' ')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}

function failure(message: string, stderr: string): PvectlError {
  const tail = stderr.trim().split('\n').slice(-8).join('\n')
  return new PvectlError('LAB_FAILED', message, tail === '' ? {} : { hint: `it said:\n${tail}` })
}
