/** One host through one stage: observe, plan, execute, observe again. */
import { PvectlError } from '../errors.ts'
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { HostStage } from '../playbook/job.ts'
import type { GuardOptions, RunInfo } from './compile.ts'
import { confirm, revertFailed } from './confirm.ts'
import type { Emit, HostPhase, HostStatus, ShownError, Status } from './events.ts'
import { type Execution, execute } from './execute.ts'
import { groupFacts, observe } from './observe.ts'
import {
  type HostPlan,
  hasPlan,
  type PlannedStep,
  type PlannedTask,
  planTasks,
  stepKey,
  stepsUntilBarrier,
} from './plan.ts'
import type { Session } from './session.ts'
import { showError, showResource, taskStatus } from './show.ts'
import { notConverged, stepFailed, stoppedError } from './verdicts.ts'

/** What a host's run needs to know. */
export interface HostRunOptions {
  readonly mode: 'apply' | 'check'
  readonly run: RunInfo
  readonly emit: Emit
  /** Guard round risky steps; none: changes are final at once. */
  readonly guard?: GuardOptions
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

class HostRun {
  readonly #stage: HostStage
  readonly #session: Session
  readonly #options: HostRunOptions
  readonly #name: string
  readonly #refs: readonly FactRef<unknown>[]
  /** Final status by task id. */
  readonly #statuses = new Map<string, Status>()
  /** Steps that ran, by key; those without observable state are not planned again. */
  readonly #ran = new Map<string, PlannedStep>()
  readonly #unverifiable = new Set<string>()
  #executions = 0

  constructor(stage: HostStage, session: Session, options: HostRunOptions) {
    this.#stage = stage
    this.#session = session
    this.#options = options
    this.#name = stage.host.name
    this.#refs = stage.tasks.flatMap((task) => task.resources.flatMap((resource) => resource.reads))
  }

  async run(): Promise<HostResult> {
    try {
      this.#phase('connecting')
      await this.#session.open()
      const plan = await this.#plan()
      await this.#announce(plan)
      const blocked = firstBlocked(plan)
      if (blocked !== undefined) throw blocked
      if (this.#options.mode === 'check') return this.#checked()
      if (hasPlan(plan, 'change') || hasPlan(plan, 'unknown')) await this.#converge(plan)
      return this.#result()
    } catch (error) {
      return this.#failure(error)
    }
  }

  /** Executes up to the next barrier, observes, plans on, until nothing is left to do. */
  async #converge(first: HostPlan): Promise<void> {
    let plan = first
    while (!this.#options.signal?.aborted) {
      const steps = stepsUntilBarrier(plan)
      const repeated = steps.find((step) => this.#ran.has(stepKey(step.task.task, step.resource)))
      if (repeated !== undefined) throw await this.#blame(repeated, notConverged(repeated))
      if (steps.length > 0) await this.#execute(steps)
      this.#phase('verifying')
      plan = await this.#plan()
      const blocked = firstBlocked(plan)
      if (blocked !== undefined) throw blocked
      if (!hasPlan(plan, 'change') && !hasPlan(plan, 'unknown')) break
    }
    if (this.#options.signal?.aborted) throw stoppedError()
    await this.#settle(plan)
  }

  async #plan(): Promise<HostPlan> {
    const model = await this.#observe()
    return planTasks(this.#stage.tasks, model, this.#unverifiable)
  }

  async #observe(): Promise<Model> {
    if (this.#ran.size === 0) this.#phase('observing')
    const { signal } = this.#options
    return observe(
      this.#session.counted,
      groupFacts(this.#refs),
      signal === undefined || this.#ran.size > 0 ? {} : { signal },
    )
  }

  async #announce(plan: HostPlan): Promise<void> {
    for (const planned of plan.tasks) {
      const status = taskStatus(planned)
      const { id, title } = planned.task
      const resources = await Promise.all(planned.resources.map((resource) => showResource(resource)))
      this.#options.emit({ event: 'task:planned', host: this.#name, id, title, status, resources })
      if (status === 'ok' || status === 'skipped') this.#statuses.set(id, status)
      if (this.#options.mode === 'check') this.#statuses.set(id, status)
    }
  }

  async #execute(steps: readonly PlannedStep[]): Promise<void> {
    this.#phase('applying')
    const run = this.#nextRun()
    const guard = steps.some(({ plan }) => plan.risk !== undefined) ? this.#options.guard : undefined
    let started: PlannedTask | undefined
    const execution = await execute(
      this.#session,
      steps,
      run,
      (event) => {
        if (event.kind === 'start') {
          const { task } = steps[event.step] ?? {}
          if (task !== undefined && task !== started) this.#emitTask('task:started', task)
          started = task
        }
        if (event.kind === 'output' && started !== undefined) {
          this.#options.emit({ event: 'task:output', host: this.#name, id: started.task.id, line: event.line })
        }
      },
      { signal: this.#options.signal, guard },
    )
    for (const index of execution.completed) this.#remember(steps[index])
    if (execution.outcome !== 'ok') throw await this.#broken(steps, execution, run, guard)
    if (guard !== undefined) await this.#confirm(steps, run, guard)
  }

  async #blame(step: PlannedStep, error: PvectlError): Promise<PvectlError> {
    await this.#finishTasks(step, error)
    return error
  }

  /** Each execution of a host, one after each barrier, has a directory and record of its own. */
  #nextRun(): RunInfo {
    this.#executions += 1
    const { run } = this.#options
    return this.#executions === 1 ? run : { ...run, id: `${run.id}.${this.#executions}` }
  }

  #remember(step: PlannedStep | undefined): void {
    if (step === undefined) return
    const key = stepKey(step.task.task, step.resource)
    this.#ran.set(key, step)
    if (step.plan.unverifiable === true) this.#unverifiable.add(key)
  }

  /** A new connection sees whether what ran now holds; only then the node is told to keep it. */
  async #confirm(steps: readonly PlannedStep[], run: RunInfo, guard: GuardOptions): Promise<void> {
    this.#phase('confirming')
    const ran = new Set(steps.map((step) => stepKey(step.task.task, step.resource)))
    await confirm({
      session: this.#session,
      runId: run.id,
      guard,
      look: async () => {
        const plan = await this.#plan()
        const open = plan.tasks.flatMap(({ task, resources }) =>
          resources.filter(({ resource, plan: { kind } }) => kind !== 'ok' && ran.has(stepKey(task, resource))),
        )
        return open[0] === undefined ? undefined : `${open[0].resource.title} is not as described after the change`
      },
    })
  }

  async #broken(
    steps: readonly PlannedStep[],
    execution: Execution,
    run: RunInfo,
    guard: GuardOptions | undefined,
  ): Promise<PvectlError> {
    const step = execution.failedStep === undefined ? undefined : steps[execution.failedStep]
    const verdict = stepFailed(step, execution)
    const armed = guard !== undefined && (execution.outcome === 'failed' || execution.outcome === 'stopped')
    const error = armed ? await revertFailed(this.#session, run.id, guard, verdict.message) : verdict
    await this.#finishTasks(step, error)
    return error
  }

  /** After convergence: each task that had a step is `changed`, the rest `ok`. */
  async #settle(plan: HostPlan): Promise<void> {
    await this.#finishTasks()
    for (const { task } of plan.tasks) {
      if (!this.#statuses.has(task.id)) {
        this.#statuses.set(task.id, 'ok')
        this.#options.emit({
          event: 'task:finished',
          host: this.#name,
          id: task.id,
          title: task.title,
          status: 'ok',
          resources: [],
        })
      }
    }
  }

  async #finishTasks(failed?: PlannedStep, error?: PvectlError): Promise<void> {
    const tasks = new Map(
      [...this.#ran.values(), ...(failed === undefined ? [] : [failed])].map((step) => [step.task.task.id, step.task]),
    )
    for (const planned of tasks.values()) {
      const isFailed = planned === failed?.task
      const status = isFailed ? 'failed' : 'changed'
      const resources = await Promise.all(planned.resources.map((resource) => this.#showRan(planned, resource, failed)))
      const { id, title } = planned.task
      this.#statuses.set(id, status)
      this.#options.emit({
        event: 'task:finished',
        host: this.#name,
        id,
        title,
        status,
        resources,
        ...(isFailed && error !== undefined ? { error: showError(error) } : {}),
      })
    }
  }

  async #showRan(task: PlannedTask, resource: PlannedTask['resources'][number], failed: PlannedStep | undefined) {
    const ran = this.#ran.has(stepKey(task.task, resource.resource))
    if (ran) return showResource(resource, 'changed')
    const isFailed = failed?.task === task && failed.resource === resource.resource
    return showResource(resource, isFailed ? 'failed' : resource.plan.kind === 'ok' ? 'ok' : 'skipped')
  }

  #checked(): HostResult {
    const statuses = [...this.#statuses.values()]
    const status = statuses.includes('unknown') ? 'unknown' : statuses.includes('would change') ? 'would change' : 'ok'
    return { status, tasks: this.#counts(), exitCode: 0 }
  }

  #result(): HostResult {
    return { status: this.#ran.size > 0 ? 'changed' : 'ok', tasks: this.#counts(), exitCode: 0 }
  }

  #failure(error: unknown): HostResult {
    const shown = showError(error)
    const exitCode = error instanceof PvectlError ? error.exitCode : 1
    this.#skipRest()
    const status = exitCode === 4 ? 'unreachable' : exitCode === 7 ? 'rolled back' : 'failed'
    return { status, tasks: this.#counts(), error: shown, exitCode }
  }

  /** Tasks without an outcome did not run. */
  #skipRest(): void {
    for (const { id } of this.#stage.tasks) if (!this.#statuses.has(id)) this.#statuses.set(id, 'skipped')
  }

  #counts(): Partial<Record<Status, number>> {
    const counts: Partial<Record<Status, number>> = {}
    for (const status of this.#statuses.values()) counts[status] = (counts[status] ?? 0) + 1
    return counts
  }

  #phase(phase: HostPhase): void {
    this.#options.emit({ event: 'host:phase', host: this.#name, phase })
  }

  #emitTask(event: 'task:started', { task }: PlannedTask): void {
    this.#options.emit({ event, host: this.#name, id: task.id, title: task.title })
  }
}

function firstBlocked(plan: HostPlan): PvectlError | undefined {
  const problems = plan.tasks.flatMap(({ task, resources }) =>
    resources.flatMap(({ resource, plan: planned }) =>
      planned.kind === 'blocked'
        ? [
            {
              message: `${task.title}: ${resource.title}: ${planned.reason}`,
              location: task.location,
              ...(planned.hint === undefined ? {} : { hint: planned.hint }),
            },
          ]
        : [],
    ),
  )
  return problems.length === 0 ? undefined : PvectlError.of('BLOCKED', problems)
}
