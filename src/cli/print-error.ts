/** Prints what ended a command, for people or as JSON, and knows its exit code. */
import { EXIT, type Problem, PvectlError } from '../errors.ts'
import { createPalette, wantsColor } from '../reporters/palette.ts'
import { problemLines } from '../reporters/problems.ts'
import { nearest } from '../suggest.ts'

/** An error made ready to print. */
export interface ReportedError {
  readonly exitCode: number
  readonly code: string
  readonly problems: readonly Problem[]
  /** Stack trace; only for bugs. */
  readonly stack?: string
}

/** Makes anything thrown ready to print. What is neither a PvectlError nor a wrong command line is a bug. */
export function describeError(error: unknown): ReportedError {
  if (error instanceof PvectlError && error.code !== 'INTERNAL') {
    return { exitCode: error.exitCode, code: error.code, problems: error.problems }
  }
  const thrown = error instanceof Error ? error : new Error(String(error))
  if (isUsageError(thrown)) {
    const hint = nearFlag(thrown) ?? 'see the command with --help'
    return { exitCode: EXIT.usage, code: 'USAGE', problems: [{ message: usageMessage(thrown.message), hint }] }
  }
  if ((thrown as NodeJS.ErrnoException).syscall === 'uv_cwd') {
    const problem = { message: 'the working directory is not there any more', hint: 'go to a folder that is there: cd' }
    return { exitCode: EXIT.usage, code: 'USAGE', problems: [problem] }
  }
  return {
    exitCode: EXIT.internal,
    code: 'INTERNAL',
    problems: [
      {
        message: `internal error: ${thrown.message}`,
        hint: 'this is a bug in pvectl, please report it; PVECTL_DEBUG=1 shows where it happened',
      },
    ],
    ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
  }
}

/** Writes an error to stderr, or as one line of JSON to stdout. */
export function printError(error: ReportedError, { json }: { readonly json: boolean }): void {
  const { code, problems } = error
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, problems } })}\n`)
  else {
    const palette = createPalette(wantsColor(process.stderr))
    const blocks = problems.map((problem) => problemLines(problem, palette).join('\n'))
    process.stderr.write(`${blocks.join('\n\n')}\n`)
  }
  if (error.stack !== undefined && isDebugging(process.env)) process.stderr.write(`${error.stack}\n`)
}

/** True when stack traces are wanted: PVECTL_DEBUG=1 or DEBUG=pvectl. */
export function isDebugging(env: NodeJS.ProcessEnv): boolean {
  const debug = env.PVECTL_DEBUG ?? ''
  return (
    (debug !== '' && debug !== '0') || (env.DEBUG ?? '').split(/[\s,]+/).some((name) => /^(\*|pvectl.*)$/.test(name))
  )
}

/** oclif marks its own errors (flags, arguments) with the exit code it wants. */
function isUsageError(error: Error & { oclif?: { exit?: number } }): boolean {
  return error.oclif?.exit === EXIT.usage
}

/** The flag that was meant by one that does not exist; oclif's error brings those that do. */
function nearFlag(
  error: Error & { flags?: readonly string[]; parse?: { input?: { flags?: object } } },
): string | undefined {
  const known = Object.keys(error.parse?.input?.flags ?? {}).map((name) => `--${name}`)
  const near = nearest(error.flags?.[0] ?? '', known)
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** oclif ends its messages with a pointer to --help, which comes as a hint here, and breaks lines on its own. */
function usageMessage(message: string): string {
  return message
    .replace(/\n*See more help with --help\s*$/, '')
    .replace(/^Parsing (\S+)\s+/, '$1: ')
    .trim()
}
