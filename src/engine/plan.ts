/** Plans the tasks of a host against the model, each as the ones before it leave the node. Pure. */
import { PvectlError } from '../errors.ts'
import type { Model } from '../facts/model.ts'
import type { HostTask } from '../playbook/job.ts'
import type { Plan, PlanChange, Resource } from '../resources/resource.ts'
import { judgeWayIn, type WayInVerdict } from './way-in.ts'

/** A resource with its plan. */
export interface PlannedResource {
  readonly resource: Resource
  readonly plan: Plan
  /** Of a risky change: what it means for the connection to the node. */
  readonly wayIn?: WayInVerdict
}

/** A task with the plans of its resources. */
export interface PlannedTask {
  readonly task: HostTask
  readonly resources: readonly PlannedResource[]
}

/** What a host's tasks come to, and the node as it will be. */
export interface HostPlan {
  readonly tasks: readonly PlannedTask[]
  /** The node as observed. */
  readonly before: Model
  readonly after: Model
}

/** A change that is going to run, with where it belongs. */
export interface PlannedStep {
  readonly task: PlannedTask
  readonly resource: Resource
  readonly plan: PlanChange
  readonly wayIn?: WayInVerdict
}

/**
 * Plans all tasks in order.
 * `done`: keys ({@link stepKey}) of steps without observable state that have run already.
 */
export function planTasks(tasks: readonly HostTask[], model: Model, done: ReadonlySet<string> = new Set()): HostPlan {
  let current = model
  const planned = tasks.map((task): PlannedTask => {
    const resources = task.resources.map((resource): PlannedResource => {
      const plan = done.has(stepKey(task, resource)) ? ({ kind: 'ok' } as const) : planResource(resource, current)
      const wayIn = plan.kind === 'change' ? judgeWayIn(resource, plan, current) : undefined
      current = modelAfter(resource, plan, current)
      return { resource, plan, ...(wayIn === undefined ? {} : { wayIn }) }
    })
    return { task, resources }
  })
  return { tasks: planned, before: model, after: current }
}

/** Names a resource within a job. */
export function stepKey(task: HostTask, resource: Resource): string {
  return `${task.id} ${resource.key}`
}

/** The changes that can run now: those before the first resource whose plan is unknown. */
export function stepsUntilBarrier(plan: HostPlan): readonly PlannedStep[] {
  const steps: PlannedStep[] = []
  for (const task of plan.tasks) {
    for (const { resource, plan: planned, wayIn } of task.resources) {
      if (planned.kind === 'unknown') return steps
      if (planned.kind === 'change')
        steps.push({ task, resource, plan: planned, ...(wayIn === undefined ? {} : { wayIn }) })
    }
  }
  return steps
}

/** True when some resource has a plan of this kind. */
export function hasPlan(plan: HostPlan, kind: Plan['kind']): boolean {
  return plan.tasks.some((task) => task.resources.some((resource) => resource.plan.kind === kind))
}

function planResource(resource: Resource, model: Model): Plan {
  const uncertain = resource.reads.some((ref) => model.isUncertain(ref))
  if (uncertain) return { kind: 'unknown', reason: 'depends on what an earlier step does' }
  try {
    return resource.plan(model)
  } catch (cause) {
    if (cause instanceof PvectlError) throw cause
    throw new PvectlError('INTERNAL', `planning ${resource.title} failed: ${String(cause)}`, { cause })
  }
}

function modelAfter(resource: Resource, plan: Plan, model: Model): Model {
  if (plan.kind === 'unknown') return model.disturbed(resource.reads)
  if (plan.kind === 'blocked') return model.with(plan.after ?? [])
  if (plan.kind !== 'change') return model
  return model.disturbed(plan.disturbs ?? []).with(plan.after)
}
