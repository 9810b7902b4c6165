/** Runs steps on a node and follows them to the true outcome, over as many connections as it takes. */

import type { Script } from '../connection/script.ts'
import { PvectlError } from '../errors.ts'
import { executeScript, followScript, type GuardOptions, type RunInfo, stopScript } from './compile.ts'
import { randomMark } from './observe.ts'
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
const RECONNECT_ATTEMPTS = 5

/**
 * Starts the steps detached on the node and follows the log. When the connection drops, it is opened again and the log
 * read from its start; only when that fails too is the outcome unknown (CONNECTION_LOST).
 */
export async function execute(
  session: Session,
  steps: readonly PlannedStep[],
  run: RunInfo,
  listen: (event: WorkerEvent) => void,
  options: { readonly signal?: AbortSignal | undefined; readonly guard?: GuardOptions | undefined } = {},
): Promise<Execution> {
  const mark = randomMark()
  const follower = new Follower(mark, listen)
  const stop = () => void requestStop(session, run.id)
  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    await followToEnd(session, executeScript(steps, run, mark, options.guard), run.id, mark, follower)
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
  return follower.execution()
}

async function followToEnd(session: Session, first: Script, runId: string, mark: string, follower: Follower) {
  let script = first
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await session.counted.run(script, {
        timeoutMs: EXECUTE_TIMEOUT_MS,
        onStdout: follower.restart(),
      })
      if (follower.ended || follower.started) return
      const said = result.stderr.toString('utf8').trim()
      throw new PvectlError('STEP_FAILED', `the run could not be started on the node: ${said || 'no reason given'}`, {
        hint: 'is /run or the root file system full or read-only?',
      })
    } catch (error) {
      if (follower.ended) return
      const lost = error instanceof PvectlError && ['CONNECTION_LOST', 'HOST_UNREACHABLE'].includes(error.code)
      if (!lost || attempt >= RECONNECT_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt))
      script = followScript(runId, mark)
    }
  }
}

async function requestStop(session: Session, runId: string): Promise<void> {
  await session.counted.run(stopScript(runId), { timeoutMs: 10_000 }).catch(() => undefined)
}

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
      if (index <= this.#seen) return
      this.#seen = index
      this.#take(event)
    })
  }

  execution(): Execution {
    const failedStep = this.#failedStep ?? (this.#end === undefined ? this.#running : undefined)
    return {
      outcome: this.#end?.outcome ?? 'died',
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
    if (event.kind === 'output') this.#lines.push(event.line)
    if (event.kind === 'done' && event.code === 0) this.#completed.add(event.step)
    if (event.kind === 'done' && event.code !== 0) this.#failedStep = event.step
    if (event.kind === 'locked') this.#lockedBy = event.by
    if (event.kind === 'end') this.#end = event
    this.#listen(event)
  }
}
