/** Resources that others on the node may keep from working. */
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { PlanBlocked, Resource } from './resource.ts'

/** Who else has a say. */
export interface Others {
  readonly reads: readonly FactRef<unknown>[]
  /** Why what is asked for would be no use, or somebody else's. */
  readonly blocked: (model: Model) => PlanBlocked | undefined
}

/** The resource, blocked where others stand in its way; what is in place already stays as it is. */
export function besideOthers(resource: Resource, { reads, blocked }: Others): Resource {
  return {
    ...resource,
    reads: [...resource.reads, ...reads],
    plan(model) {
      const plan = resource.plan(model)
      if (plan.kind === 'ok' || plan.kind === 'unknown') return plan
      const reason = blocked(model)
      return reason === undefined ? plan : { ...reason, ...(plan.after === undefined ? {} : { after: plan.after }) }
    },
  }
}
