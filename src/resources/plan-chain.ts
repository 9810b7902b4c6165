/** Plans in one resource that build on each other. */
import { joinScripts } from '../connection/script.ts'
import type { Model } from '../facts/model.ts'
import { OK, type Plan, type PlanChange } from './resource.ts'

/** One plan out of several, each made on what the ones before leave; the first that is no change nor ok ends it. */
export function planChain(start: Model, parts: readonly ((model: Model) => Plan)[]): Plan {
  let model = start
  let whole: PlanChange | undefined
  for (const part of parts) {
    const plan = part(model)
    if (plan.kind === 'blocked' || plan.kind === 'unknown') return plan
    if (plan.kind === 'ok') continue
    model = model.with(plan.after)
    whole = whole === undefined ? plan : joined(whole, plan)
  }
  return whole ?? OK
}

function joined(first: PlanChange, second: PlanChange): PlanChange {
  return {
    ...first,
    ...second,
    changes: [...first.changes, ...second.changes],
    script: joinScripts([first.script, second.script]),
    after: [...first.after, ...second.after],
  }
}
