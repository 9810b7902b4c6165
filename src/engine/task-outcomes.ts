/** What has become of each task of a host so far, and the events that say so. */
import type { PvectlError } from '../errors.ts'
import type { HostTask } from '../playbook/job.ts'
import type { Emit, ShownResource, Status } from './events.ts'
import { type HostPlan, type PlannedResource, type PlannedStep, type PlannedTask, stepKey } from './plan.ts'
import { showError, showResource, taskStatus } from './show.ts'

/** Kinds of resources that no revert takes back. */
const LASTING = ['package', 'user']

/** Keeps the outcome of each task of one host, and emits it. */
export class TaskOutcomes {
  readonly #host: string
  readonly #tasks: readonly HostTask[]
  readonly #emit: Emit
  readonly #statuses = new Map<string, Status>()
  readonly #ran = new Map<string, PlannedStep>()
  readonly #unverifiable = new Set<string>()
  readonly #finished = new Set<string>()
  readonly #lost = new Set<string>()

  constructor(host: string, tasks: readonly HostTask[], emit: Emit) {
    this.#host = host
    this.#tasks = tasks
    this.#emit = emit
  }

  /** True when some step has run. */
  get changed(): boolean {
    return this.#ran.size > 0
  }

  /** Keys of steps that ran and have no state to observe. */
  get unverifiable(): ReadonlySet<string> {
    return this.#unverifiable
  }

  /** Statuses that have been reached. */
  get statuses(): ReadonlySet<Status> {
    return new Set(this.#statuses.values())
  }

  /** True when the step ran earlier in this run. */
  hasRun(step: PlannedStep): boolean {
    return this.#ran.has(stepKey(step.task.task, step.resource))
  }

  /** Emits the plan of each task; in check mode that is its outcome. */
  async announce(plan: HostPlan, final: boolean): Promise<void> {
    for (const planned of plan.tasks) {
      const status = taskStatus(planned)
      const { id, title } = planned.task
      const resources = await Promise.all(planned.resources.map((resource) => showResource(resource)))
      this.#emit({ event: 'task:planned', host: this.#host, id, title, status, resources })
      if (final || (status !== 'would change' && status !== 'unknown')) this.#statuses.set(id, status)
    }
  }

  /** Notes that a step ran to a good end. */
  remember(step: PlannedStep): void {
    const key = stepKey(step.task.task, step.resource)
    this.#ran.set(key, step)
    if (step.plan.unverifiable === true) this.#unverifiable.add(key)
  }

  /** Notes that nobody knows which of the steps ran. */
  lose(steps: readonly PlannedStep[]): void {
    for (const { task } of steps) this.#lost.add(task.task.id)
  }

  /** Emits the end of each task that had a step; `failed` is the step that broke the run. */
  async finish(failed?: PlannedStep, error?: PvectlError): Promise<void> {
    const steps = [...this.#ran.values(), ...(failed === undefined ? [] : [failed])]
    for (const planned of new Map(steps.map((step) => [step.task.task.id, step.task])).values()) {
      if (this.#finished.has(planned.task.id)) continue
      const isFailed = planned.task.id === failed?.task.task.id
      const resources = await Promise.all(planned.resources.map((resource) => this.#showRan(planned, resource, failed)))
      this.#end(planned.task, isFailed ? 'failed' : 'changed', resources, isFailed ? error : undefined)
    }
  }

  /**
   * The node put back what ran, but for packages and accounts, and for the paths `notBack`: those stay. `failed` is the
   * step that broke the run.
   */
  async rollBack(failed?: PlannedStep, notBack: readonly string[] = []): Promise<void> {
    if (failed !== undefined) {
      const { task, resources } = failed.task
      const shown = await Promise.all(resources.map((resource) => this.#showRan(failed.task, resource, failed)))
      this.#end(task, 'failed', shown)
    }
    for (const { task } of this.#ran.values()) {
      const ran = [...this.#ran.values()].filter((step) => step.task.task.id === task.task.id)
      const staying = ran.filter((step) => isLasting(step) || leaves(step, notBack))
      const stays = staying.length === ran.length || staying.some((step) => leaves(step, notBack))
      const shown = stays ? await Promise.all(staying.map((step) => this.#showRan(task, step, undefined))) : []
      this.#end(task.task, stays ? 'changed' : 'rolled back', shown)
    }
  }

  /** After convergence: tasks without a step are `ok` after all. */
  async settle(plan: HostPlan): Promise<void> {
    await this.finish()
    for (const { task } of plan.tasks) if (!this.#statuses.has(task.id)) this.#end(task, 'ok', [])
  }

  /** Tasks without an outcome: those that ran were not seen afterwards, the others did not run, as far as is known. */
  closeRest(): void {
    const ran = new Set([...this.#ran.values()].map(({ task }) => task.task.id))
    for (const { id } of this.#tasks) {
      if (!this.#statuses.has(id)) this.#statuses.set(id, ran.has(id) || this.#lost.has(id) ? 'unknown' : 'skipped')
    }
  }

  /** Number of tasks by status. */
  counts(): Partial<Record<Status, number>> {
    const counts: Partial<Record<Status, number>> = {}
    for (const status of this.#statuses.values()) counts[status] = (counts[status] ?? 0) + 1
    return counts
  }

  #end({ id, title }: HostTask, status: Status, resources: readonly ShownResource[], error?: PvectlError): void {
    if (this.#finished.has(id)) return
    this.#finished.add(id)
    this.#statuses.set(id, status)
    const shown = error === undefined ? {} : { error: showError(error) }
    this.#emit({ event: 'task:finished', host: this.#host, id, title, status, resources, ...shown })
  }

  #showRan(task: PlannedTask, resource: PlannedResource, failed: PlannedStep | undefined): Promise<ShownResource> {
    const ran = this.#ran.get(stepKey(task.task, resource.resource))
    // The plan that ran is the one to show: after a barrier, a later plan of the same resource is `ok`.
    const isFailed = failed?.task.task.id === task.task.id && failed.resource.key === resource.resource.key
    if (isFailed) return showResource({ resource: resource.resource, plan: failed.plan }, 'failed')
    if (ran !== undefined) return showResource({ resource: resource.resource, plan: ran.plan }, 'changed')
    return showResource(resource, resource.plan.kind === 'ok' ? 'ok' : 'skipped')
  }
}

function leaves({ plan }: PlannedStep, paths: readonly string[]): boolean {
  return plan.after.some(({ ref }) => ref.kind.name === 'file' && paths.includes(ref.id))
}

/** The account of the way in is put back, others are not. */
function isLasting({ resource, plan }: PlannedStep): boolean {
  return LASTING.includes(resource.kind) && plan.risk === undefined
}
