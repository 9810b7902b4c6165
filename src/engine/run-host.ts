/** One host through one stage: observe, plan, execute, observe again. */
import { EXIT, PvectlError } from '../errors.ts'
import type { FactRef } from '../facts/fact.ts'
import type { HostStage } from '../playbook/job.ts'
import type { Canary } from './canary.ts'
import type { GuardOptions, RunInfo } from './compile.ts'
import { confirm, pathsNotBack, revertFailed } from './confirm.ts'
import type { Emit, HostPhase, HostStatus, ShownError, Status } from './events.ts'
import { type Execution, execute } from './execute.ts'
import { lostAtNextBoot } from './next-boot.ts'
import { noticesOf, type Observed, saidOf } from './notices.ts'
import { groupFacts, observe } from './observe.ts'
import { besidePeers, type Peers, type ShutOut, sharedFiles } from './peers.ts'
import {
  type HostPlan,
  hasPlan,
  type PlannedStep,
  type PlannedTask,
  planTasks,
  stepKey,
  stepsUntilBarrier,
} from './plan.ts'
import { riskySteps } from './risky-step.ts'
import type { Session } from './session.ts'
import { showError } from './show.ts'
import { TaskOutcomes } from './task-outcomes.ts'
import { type TurnOptions, waitForTurn } from './turn.ts'
import { blockedError, notConverged, recoveredNotice, stepFailed, stoppedError } from './verdicts.ts'
import { wantedFacts } from './wanted-facts.ts'
import type { WorkerEvent } from './worker-log.ts'

/** What a host's run needs to know. */
export interface HostRunOptions {
  readonly mode: 'apply' | 'check'
  readonly run: RunInfo
  readonly emit: Emit
  /** Asked before risky steps. */
  readonly approve?: NonNullable<TurnOptions['approve']>
  /** Milliseconds to wait for another run to leave the node; default 0. */
  readonly lockTimeoutMs?: number
  /** Guard round risky steps; none: changes are final at once. */
  readonly guard?: GuardOptions
  /** Who goes first among hosts with risky plans; none: all at once. */
  readonly canary?: Canary
  /** Finds the hosts of the run that share such files with this one; none: there are no others. */
  readonly peers?: (session: Session) => Promise<Peers>
  readonly signal?: AbortSignal
}

/** How a host came out of a stage. */
export interface HostResult {
  readonly status: HostStatus
  readonly tasks: Readonly<Partial<Record<Status, number>>>
  readonly error?: ShownError
  readonly exitCode: number
}

/** Takes a host through a stage. Never throws: what goes wrong is in the result. */
export async function runHost(stage: HostStage, session: Session, options: HostRunOptions): Promise<HostResult> {
  return new HostRun(stage, session, options).run()
}

/** Between two tries to get the lock of a node. */
const LOCK_POLL_MS = 2000

class HostRun {
  readonly #stage: HostStage
  readonly #session: Session
  readonly #options: HostRunOptions
  readonly #name: string
  readonly #refs: readonly FactRef<unknown>[]
  readonly #outcomes: TaskOutcomes
  readonly #lockDeadline: number
  readonly #told = new Set<string>()
  #executions = 0

  constructor(stage: HostStage, session: Session, options: HostRunOptions) {
    this.#stage = stage
    this.#session = session
    this.#options = options
    this.#name = stage.host.name
    this.#lockDeadline = performance.now() + (options.lockTimeoutMs ?? 0)
    this.#refs = wantedFacts(stage.tasks)
    this.#outcomes = new TaskOutcomes(this.#name, stage.tasks, options.emit)
  }

  async run(): Promise<HostResult> {
    try {
      this.#phase('connecting')
      await this.#session.open()
      this.#phase('observing')
      const asked = Date.now()
      const plan = await this.#plan(this.#options.signal)
      const isCheck = this.#options.mode === 'check'
      this.#notice(plan, { asked, came: Date.now() })
      await this.#outcomes.announce(plan, isCheck)
      this.#refuseBlocked(plan)
      if (isCheck) return this.#checked()
      if (hasPlan(plan, 'change') || hasPlan(plan, 'unknown')) await this.#converge(plan)
      return { status: this.#outcomes.changed ? 'changed' : 'ok', tasks: this.#outcomes.counts(), exitCode: 0 }
    } catch (error) {
      return this.#failure(error)
    }
  }

  #notice(plan: HostPlan, times: Observed): void {
    this.#tell(noticesOf(plan, times))
  }

  /** Each notice once: what resources say of the node as it became may be what they said before. */
  #tell(messages: readonly string[]): void {
    for (const message of messages.filter((one) => !this.#told.has(one))) {
      this.#told.add(message)
      this.#options.emit({ event: 'host:notice', host: this.#name, message })
    }
  }

  #refuseBlocked(plan: HostPlan): void {
    const lost = this.#options.guard === undefined || hasPlan(plan, 'unknown') ? undefined : lostAtNextBoot(plan)
    const error = blockedError(plan) ?? lost
    if (error !== undefined) throw error
  }

  /** Executes up to the next barrier, observes, plans on, until nothing is left to do. */
  async #converge(first: HostPlan): Promise<void> {
    let plan = first
    while (!this.#options.signal?.aborted) {
      plan = await this.#turn(plan).catch(async (error) => {
        await this.#outcomes.finish()
        throw error
      })
      const steps = stepsUntilBarrier(plan)
      const repeated = steps.find((step) => this.#outcomes.hasRun(step))
      if (repeated !== undefined) throw await this.#blame(repeated, notConverged(repeated))
      const seen = steps.length > 0 ? await this.#execute(steps) : undefined
      if (seen === undefined) this.#phase('verifying')
      plan = seen ?? (await this.#plan())
      this.#refuseBlocked(plan)
      if (!hasPlan(plan, 'change') && !hasPlan(plan, 'unknown')) {
        this.#tell(saidOf(plan))
        return this.#outcomes.settle(plan)
      }
    }
    await this.#outcomes.finish()
    throw stoppedError()
  }

  async #turn(plan: HostPlan): Promise<HostPlan> {
    const again = await waitForTurn(plan, {
      ...this.#options,
      host: this.#name,
      begun: this.#executions > 0,
      onWait: () => this.#phase('waiting'),
    })
    if (again === 'go') return plan
    const now = await this.#plan(this.#options.signal)
    this.#refuseBlocked(now)
    return now
  }

  async #plan(signal?: AbortSignal): Promise<HostPlan> {
    const model = await observe(this.#session.counted, groupFacts(this.#refs), signal === undefined ? {} : { signal })
    return planTasks(this.#stage.tasks, model, this.#outcomes.unverifiable)
  }

  /** Runs steps. Resolves to the plan after them where the guard's confirmation has made one. */
  async #execute(steps: readonly PlannedStep[]): Promise<HostPlan | undefined> {
    this.#phase('applying')
    const guard = riskySteps(steps).length > 0 ? this.#options.guard : undefined
    const files = guard === undefined ? [] : sharedFiles(steps)
    const tell = (messages: readonly string[]) => this.#tell(messages)
    const find = () => this.#options.peers?.(this.#session)
    return besidePeers({ files, find, tell }, (shutOut) => this.#executeGuarded(steps, guard, shutOut))
  }

  async #executeGuarded(
    steps: readonly PlannedStep[],
    guard: GuardOptions | undefined,
    shutOut: ShutOut,
  ): Promise<HostPlan | undefined> {
    const run = this.#nextRun()
    const { signal } = this.#options
    const execution = await execute(this.#session, steps, run, this.#listener(steps), {
      signal,
      guard,
      onLost: () => this.#phase('reconnecting'),
    }).catch((error) => {
      if (error instanceof PvectlError && error.code === 'CONNECTION_LOST') this.#outcomes.lose(steps)
      throw error
    })
    for (const index of execution.completed) {
      const step = steps[index]
      if (step !== undefined) this.#outcomes.remember(step)
    }
    if (['locked', 'guarded'].includes(execution.outcome) && performance.now() < this.#lockDeadline) {
      this.#phase('waiting')
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
      return undefined
    }
    if (execution.outcome === 'recovered') {
      this.#tell([recoveredNotice(execution)])
      return undefined
    }
    if (execution.outcome !== 'ok') throw await this.#broken(steps, execution, run, guard)
    return guard === undefined ? undefined : this.#confirm(steps, run, guard, shutOut)
  }

  #listener(steps: readonly PlannedStep[]): (event: WorkerEvent) => void {
    let current: PlannedTask | undefined
    return (event) => {
      if (event.kind === 'start') {
        const task = steps[event.step]?.task
        if (task === undefined || task === current) return
        current = task
        this.#options.emit({ event: 'task:started', host: this.#name, id: task.task.id, title: task.task.title })
      }
      if (event.kind === 'output' && current !== undefined) {
        this.#options.emit({ event: 'task:output', host: this.#name, id: current.task.id, line: event.line })
      }
    }
  }

  /** A new connection sees whether what ran now holds; only then the node is told to keep it. */
  async #confirm(
    steps: readonly PlannedStep[],
    run: RunInfo,
    guard: GuardOptions,
    shutOut: ShutOut,
  ): Promise<HostPlan | undefined> {
    this.#phase('confirming')
    const ran = new Set(steps.map((step) => stepKey(step.task.task, step.resource)))
    let seen: HostPlan | undefined
    await confirm({
      session: this.#session,
      runId: run.id,
      guard,
      ...(shutOut === undefined ? {} : { shutOut }),
      lookedAt: () => seen?.before.observedAt,
      look: async () => {
        seen = await this.#plan()
        const open = seen.tasks.flatMap(({ task, resources }) =>
          resources.filter(({ resource, plan: { kind } }) => kind !== 'ok' && ran.has(stepKey(task, resource))),
        )
        return open[0] === undefined ? undefined : `${open[0].resource.title} is not as described after the change`
      },
    })
    return seen
  }

  async #broken(
    steps: readonly PlannedStep[],
    execution: Execution,
    run: RunInfo,
    guard: GuardOptions | undefined,
  ): Promise<PvectlError> {
    const step = execution.failedStep === undefined ? undefined : steps[execution.failedStep]
    const verdict = stepFailed(step, execution)
    const armed =
      guard !== undefined &&
      ['failed', 'stopped', 'reverted', 'died', 'rebooted', 'vanished', 'guardless'].includes(execution.outcome)
    const error = armed ? await revertFailed(this.#session, run.id, guard, verdict.message) : verdict
    if (error.code !== 'ROLLED_BACK') return this.#blame(step, error)
    await this.#outcomes.rollBack(step, pathsNotBack(error))
    return error
  }

  async #blame(step: PlannedStep | undefined, error: PvectlError): Promise<PvectlError> {
    await this.#outcomes.finish(step, error)
    return error
  }

  /** Each execution of a host, one after each barrier, has a directory and record of its own. */
  #nextRun(): RunInfo {
    this.#executions += 1
    const { run } = this.#options
    return this.#executions === 1 ? run : { ...run, id: `${run.id}.${this.#executions}` }
  }

  #checked(): HostResult {
    const { statuses } = this.#outcomes
    const status = statuses.has('unknown') ? 'unknown' : statuses.has('would change') ? 'would change' : 'ok'
    return { status, tasks: this.#outcomes.counts(), exitCode: 0 }
  }

  async #failure(error: unknown): Promise<HostResult> {
    const exitCode = error instanceof PvectlError ? error.exitCode : 1
    if (error instanceof PvectlError && exitCode === 7) await this.#outcomes.rollBack(undefined, pathsNotBack(error))
    // Nothing was put back, and that is known.
    if (error instanceof PvectlError && error.code === 'STEP_FAILED') await this.#outcomes.finish()
    this.#outcomes.closeRest()
    const untouched = exitCode === EXIT.interrupted && this.#executions === 0
    const status = exitCode === 4 ? 'unreachable' : exitCode === 7 ? 'rolled back' : untouched ? 'skipped' : 'failed'
    return { status, tasks: this.#outcomes.counts(), error: showError(error), exitCode }
  }

  #phase(phase: HostPhase): void {
    this.#options.emit({ event: 'host:phase', host: this.#name, phase })
  }
}
