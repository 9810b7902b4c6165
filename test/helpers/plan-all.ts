/** Planning of whole tasks in tests. */
import type { Model } from '../../src/facts/model.ts'
import type { PlanChange, Resource } from '../../src/resources/resource.ts'

/**
 * The changes of resources planned one after the other, each against the model as the ones before it leave it. Throws
 * when one is blocked or unknown, and when planning everything again on the outcome is not all `ok`.
 */
export function planAll(resources: readonly Resource[], model: Model): readonly PlanChange[] {
  const { plans, after } = planOnce(resources, model)
  const again = planOnce(resources, after).plans
  if (again.length > 0) throw new Error(`not ok on the outcome: ${JSON.stringify(again)}`)
  return plans
}

function planOnce(resources: readonly Resource[], model: Model) {
  const plans: PlanChange[] = []
  let after = model
  for (const resource of resources) {
    const plan = resource.plan(after)
    if (plan.kind === 'ok') continue
    if (plan.kind !== 'change') throw new Error(`${resource.title} is ${plan.kind}: ${plan.reason}`)
    plans.push(plan)
    after = after.with(plan.after)
  }
  return { plans, after }
}
