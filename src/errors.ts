/**
 * The one error type of pvectl: what went wrong, where, and what to do about it.
 * Codes are a closed set, and each belongs to one exit code.
 */

/** Exit codes, as documented in the README. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  input: 3,
  unreachable: 4,
  failed: 5,
  drift: 6,
  rolledBack: 7,
  interrupted: 130,
} as const

const EXIT_OF_CODE = {
  INTERNAL: EXIT.internal,
  USAGE: EXIT.usage,
  PLAYBOOK_INVALID: EXIT.input,
  INVENTORY_INVALID: EXIT.input,
  TEMPLATE_MISSING: EXIT.input,
  TEMPLATE_FAILED: EXIT.input,
  KEY_UNREADABLE: EXIT.input,
  SECRET_FAILED: EXIT.input,
  CONFLICT: EXIT.input,
  HOST_UNREACHABLE: EXIT.unreachable,
  AUTH_FAILED: EXIT.unreachable,
  HOST_KEY_UNKNOWN: EXIT.unreachable,
  HOST_KEY_MISMATCH: EXIT.unreachable,
  BECOME_FAILED: EXIT.unreachable,
  OBSERVE_FAILED: EXIT.failed,
  BLOCKED: EXIT.failed,
  STEP_FAILED: EXIT.failed,
  TIMEOUT: EXIT.failed,
  NOT_CONVERGED: EXIT.failed,
  CHECK_FAILED: EXIT.failed,
  CONNECTION_LOST: EXIT.failed,
  LOCKED: EXIT.failed,
  LAB_FAILED: EXIT.failed,
  ROLLED_BACK: EXIT.rolledBack,
  INTERRUPTED: EXIT.interrupted,
} as const

/** The closed set of error codes; `EXIT_OF_CODE` gives each its exit code. */
export type ErrorCode = keyof typeof EXIT_OF_CODE

/** A place in a file the user wrote. Line and column count from 1. */
export interface Location {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** One thing that is wrong, fit for printing on its own. */
export interface Problem {
  /** What happened, one sentence, no final full stop needed. */
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
  readonly location?: Location
}

/** Details beyond the message of a {@link PvectlError}. */
export interface ErrorOptions {
  readonly hint?: string
  readonly location?: Location
  readonly cause?: unknown
  /** Node the error belongs to. */
  readonly host?: string
  /** Milliseconds before which another attempt is in vain. */
  readonly backOffMs?: number
}

/** Any failure that pvectl expects and can explain. Anything else thrown is a bug (exit 1). */
export class PvectlError extends Error {
  override readonly name = 'PvectlError'
  readonly code: ErrorCode
  readonly problems: readonly Problem[]
  readonly host: string | undefined
  readonly backOffMs: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.host = options.host
    this.backOffMs = options.backOffMs
    this.problems = [problem(message, options)]
  }

  /** One error out of several problems of one code, so that a user can mend them all at once. */
  static of(code: ErrorCode, problems: readonly Problem[]): PvectlError {
    const error = new PvectlError(code, problems.map((p) => p.message).join('\n'))
    Object.assign(error, { problems })
    return error
  }

  /** The process exit code that this error leads to. */
  get exitCode(): number {
    return EXIT_OF_CODE[this.code]
  }
}

function problem(message: string, { hint, location }: ErrorOptions): Problem {
  return { message, ...(hint === undefined ? {} : { hint }), ...(location === undefined ? {} : { location }) }
}

/** `file:line:column`, as editors and terminals make clickable. */
export function formatLocation(location: Location): string {
  return [location.file, location.line, location.line === undefined ? undefined : location.column]
    .filter((part) => part !== undefined)
    .join(':')
}

/** The exit code for several outcomes: a failed or rolled-back node outranks an unreachable one. */
export function worstExit(codes: readonly number[]): number {
  const rank = [
    EXIT.ok,
    EXIT.drift,
    EXIT.unreachable,
    EXIT.input,
    EXIT.usage,
    EXIT.failed,
    EXIT.rolledBack,
    EXIT.internal,
    EXIT.interrupted,
  ] as readonly number[]
  return codes.reduce((worst, code) => (rank.indexOf(code) > rank.indexOf(worst) ? code : worst), 0)
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EISDIR: 'it is a folder',
  ENOTDIR: 'its path leads through something that is no folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
}

/** Why the system refused a file of this machine, in words; its own ones for what is rare. */
export function systemReason(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  return SYSTEM_REASONS[code] ?? message
}
