/** When a host may carry out a risky plan: somebody is asked, and one host goes before the others. */
import type { Canary } from './canary.ts'
import { sharedFiles } from './peers.ts'
import { type HostPlan, stepsUntilBarrier } from './plan.ts'
import { type RiskyStep, riskySteps, shownRisk } from './risky-step.ts'
import { canaryFailed, declinedError, stoppedError } from './verdicts.ts'

/** Who waits, and for what. */
export interface TurnOptions {
  readonly host: string
  /** The host has carried out an earlier part of its plan. */
  readonly begun: boolean
  /** Asked before risky steps; none: yes. */
  readonly approve?: (steps: readonly RiskyStep[]) => Promise<boolean>
  /** Who goes first; none: all at once. */
  readonly canary?: Canary
  readonly signal?: AbortSignal
  /** Called when the host has to wait for another. */
  readonly onWait: () => void
}

/** A plan older than this is made anew before it is carried out; steps check what they replace in any case. */
const STALE_PLAN_MS = 60_000

/**
 * Resolves when the plan may be carried out: `go`, or `plan again` where that took long, or where the host that went
 * first has changed files of the whole cluster. Those are done then, for all: a host that did them once more would keep
 * what stood there before, and put it back for all when something else of its own fails.
 */
export async function waitForTurn(plan: HostPlan, options: TurnOptions): Promise<'go' | 'plan again'> {
  const { host, begun, approve, canary, signal, onWait } = options
  const steps = stepsUntilBarrier(plan)
  const risky = riskySteps(steps)
  if (risky.length === 0) return 'go'
  if (approve !== undefined && !(await approve(risky.map(shownRisk)))) throw declinedError(begun)
  const shares = sharedFiles(steps).length > 0
  if (canary === undefined || (canary.waitsFor === 'shared files' && !shares)) return 'go'
  const waiting = canary.waits(host)
  const since = performance.now()
  if (waiting) onWait()
  const bad = await canary.enter(host)
  if (signal?.aborted) throw stoppedError()
  if (bad !== undefined) throw canaryFailed(bad, begun)
  return waiting && (shares || performance.now() - since > STALE_PLAN_MS) ? 'plan again' : 'go'
}
