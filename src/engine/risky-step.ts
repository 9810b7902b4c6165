/** Steps that can cut the connection to a node. */
import type { PlannedStep } from './plan.ts'
import type { WayInVerdict } from './way-in.ts'

/** A step that can cut the connection, as the question about it shows it. */
export interface RiskyStep {
  /** Its changes in words. */
  readonly changes: readonly string[]
  readonly wayIn?: WayInVerdict
}

/** Those of the steps that can cut the connection. */
export function riskySteps(steps: readonly PlannedStep[]): readonly PlannedStep[] {
  return steps.filter(({ plan: { risk } }) => risk !== undefined)
}

/** A step for the question about it. */
export function shownRisk({ plan, wayIn }: PlannedStep): RiskyStep {
  return { changes: plan.changes.map(({ summary }) => summary), ...(wayIn === undefined ? {} : { wayIn }) }
}
