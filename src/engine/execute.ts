/** Runs steps on a node and follows them to the true outcome, over as many connections as it takes. */

import { joinScripts, type Script } from '../connection/script.ts'
import { type ErrorCode, EXIT, PvectlError } from '../errors.ts'
import { executeScript, followScript, type GuardOptions, type RunInfo, stopScript } from './compile.ts'
import { randomMark } from './observe.ts'
import { type Patience, PatienceLost, persist } from './patience.ts'
import type { PlannedStep } from './plan.ts'
import type { Session } from './session.ts'
import { createLogReader, type Outcome, type WorkerEvent } from './worker-log.ts'

/** How the worker ended. */
export interface Execution {
  readonly outcome: Outcome
  /** Steps that ran to a good end. */
  readonly completed: ReadonlySet<number>
  /** The step that failed. */
  readonly failedStep?: number
  /** Last lines that the failed step printed, for the error. */
  readonly lastLines: readonly string[]
  /** What the end mark carried besides the outcome. */
  readonly detail: string
  /** Owner line of the lock, where that is what stopped it. */
  readonly lockedBy?: string
}

/** Longest that one run of steps may take before it counts as hung, milliseconds. */
const EXECUTE_TIMEOUT_MS = 30 * 60_000
/** Seconds for a lost node to answer again: a reboot takes one to three minutes. */
const RECONNECT_S = 180

/** How to follow a run. */
export interface ExecuteOptions {
  readonly signal?: AbortSignal | undefined
  readonly guard?: GuardOptions | undefined
  /** Called when the connection is lost, before each attempt to get it back. */
  readonly onLost?: () => void
}

interface Following extends ExecuteOptions {
  readonly session: Session
}

/**
 * Starts the steps detached on the node and follows the log. When the connection drops, it is opened again and the log
 * read from its start; only when that fails too is the outcome unknown (CONNECTION_LOST).
 */
export async function execute(
  session: Session,
  steps: readonly PlannedStep[],
  run: RunInfo,
  listen: (event: WorkerEvent) => void,
  options: ExecuteOptions = {},
): Promise<Execution> {
  const mark = randomMark()
  const follower = new Follower(mark, listen)
  const stop = () => void requestStop(session, run.id)
  options.signal?.addEventListener('abort', stop, { once: true })
  session.seeThrough()
  try {
    const start = executeScript(steps, run, mark, options.guard)
    await followToEnd(start, run.id, mark, follower, { session, ...options })
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
  return follower.execution()
}

async function followToEnd(start: Script, runId: string, mark: string, follower: Follower, options: Following) {
  const { session, guard, signal, onLost } = options
  let lostAt = performance.now()
  const patience: Patience = {
    get deadline() {
      return lostAt + 1000 * (RECONNECT_S + (guard?.timeoutSeconds ?? 0))
    },
    // A login that the steps broke comes back when the guard reverts.
    passing: ['CONNECTION_LOST', 'HOST_UNREACHABLE', ...(guard === undefined ? [] : LOGIN_ERRORS)],
    ...(onLost === undefined ? {} : { onPause: onLost }),
  }
  let first = true
  const attempt = async () => {
    const script = first ? start : followScript(runId, mark)
    let held = first
    // Whatever becomes of this attempt, the steps may have begun: they are never sent again.
    first = false
    const listen = follower.restart()
    try {
      const { stdout, stderr } = await session.counted.run(
        script === start || !signal?.aborted ? script : joinScripts([stopScript(runId), script]),
        {
          timeoutMs: EXECUTE_TIMEOUT_MS,
          onStdout: (chunk) => {
            held = true
            listen(chunk)
          },
        },
      )
      if (!follower.ended && stdout.includes(`\n${mark} torn\n`)) throw torn()
      if (!follower.ended && !follower.started) throw notStarted(stderr.toString('utf8').trim())
    } catch (error) {
      if (held) lostAt = performance.now()
      if (!follower.ended) throw error
    }
  }
  await persist(session, patience, attempt).catch((error: unknown) => {
    if (error instanceof PatienceLost) throw outcomeUnknown(error.last)
    const isLogin =
      error instanceof PvectlError && [EXIT.input, EXIT.unreachable].some((code) => code === error.exitCode)
    throw isLogin ? outcomeUnknown(error) : error
  })
}

const LOGIN_ERRORS: readonly ErrorCode[] = ['AUTH_FAILED', 'BECOME_FAILED', 'HOST_KEY_MISMATCH', 'HOST_KEY_UNKNOWN']

function torn(): PvectlError {
  return new PvectlError('CONNECTION_LOST', 'the log of the run could not be followed, while the run goes on')
}

function notStarted(said: string): PvectlError {
  return new PvectlError('STEP_FAILED', `the run could not be started on the node: ${said || 'no reason given'}`, {
    hint: 'is /run or the root file system full or read-only? look with: df -h /run / ; df -i /run / ; findmnt -no OPTIONS /',
  })
}

function outcomeUnknown(last: PvectlError): PvectlError {
  return new PvectlError(
    'CONNECTION_LOST',
    `the connection broke off while the run went on, and the node did not answer any more: ${last.message}`,
    {
      cause: last,
      hint: 'what became of the run is unknown: the node goes on with it alone, unless it went down; `pvectl history --host` asks the node once it answers',
    },
  )
}

async function requestStop(session: Session, runId: string): Promise<void> {
  await session.counted.run(stopScript(runId), { timeoutMs: 10_000 }).catch(() => undefined)
}

/** Ends that the worker did not choose: the step that was running is what they are about. */
const CUT_SHORT: readonly Outcome[] = ['died', 'reverted', 'rebooted', 'vanished']

/** Collects worker events; after a reconnect the log comes again from the start, and what is known is skipped. */
class Follower {
  readonly #mark: string
  readonly #listen: (event: WorkerEvent) => void
  readonly #completed = new Set<number>()
  #seen = 0
  #lines: string[] = []
  #end: Extract<WorkerEvent, { kind: 'end' }> | undefined
  #failedStep: number | undefined
  #running: number | undefined
  #lockedBy: string | undefined

  constructor(mark: string, listen: (event: WorkerEvent) => void) {
    this.#mark = mark
    this.#listen = listen
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  /** True when the worker has said anything at all. */
  get started(): boolean {
    return this.#seen > 0
  }

  /** A reader for the log from its start. */
  restart(): (chunk: Buffer) => void {
    let index = 0
    return createLogReader(this.#mark, (event) => {
      index += 1
      // The end is told once only, and a log that is gone tells nothing but that.
      if (index <= this.#seen && event.kind !== 'end') return
      this.#seen = Math.max(index, this.#seen)
      this.#take(event)
    })
  }

  execution(): Execution {
    const { outcome = 'died' } = this.#end ?? {}
    const failedStep = this.#failedStep ?? (CUT_SHORT.includes(outcome) ? this.#running : undefined)
    return {
      outcome,
      completed: this.#completed,
      detail: this.#end?.detail ?? '',
      lastLines: this.#lines.slice(-20),
      ...(failedStep === undefined ? {} : { failedStep }),
      ...(this.#lockedBy === undefined ? {} : { lockedBy: this.#lockedBy }),
    }
  }

  #take(event: WorkerEvent): void {
    if (event.kind === 'start') {
      this.#lines = []
      this.#running = event.step
    }
    if (event.kind === 'done') this.#running = undefined
    if (event.kind === 'output') this.#lines.push(event.line)
    if (event.kind === 'done' && event.code === 0) this.#completed.add(event.step)
    if (event.kind === 'done' && event.code !== 0) this.#failedStep = event.step
    if (event.kind === 'locked') this.#lockedBy = event.by
    if (event.kind === 'end') this.#end = event
    this.#listen(event)
  }
}
