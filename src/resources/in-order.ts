/** Resources whose plans only make sense in one step: planned one after the other, carried out in that order. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactUpdate } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Change, PlanChange, Resource } from './resource.ts'

/** What several resources come to. */
export interface InOrder {
  readonly changes: readonly Change[]
  /** One script a resource that changes; each in a subshell of its own. */
  readonly script: Script
  readonly after: readonly FactUpdate[]
  /** The model afterwards. */
  readonly model: Model
  /** Why a resource was left out, a line each. */
  readonly leftOut: readonly string[]
}

/** Plans resources in order; those that cannot be done here, or not yet, are left out and named. */
export function planInOrder(resources: readonly Resource[], start: Model): InOrder {
  const plans: PlanChange[] = []
  const leftOut: string[] = []
  let model = start
  for (const resource of resources) {
    const plan = resource.plan(model)
    if (plan.kind === 'blocked' || plan.kind === 'unknown') leftOut.push(`${resource.title}: ${plan.reason}`)
    if (plan.kind !== 'change') continue
    plans.push(plan)
    model = model.with(plan.after)
  }
  return {
    changes: plans.flatMap(({ changes }) => changes),
    script: joinScripts(
      plans.map(
        ({ script }) => sh`(
${script}
)`,
      ),
    ),
    after: plans.flatMap(({ after }) => after),
    model,
    leftOut,
  }
}
