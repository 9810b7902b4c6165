/** Models for planning tests. */
import { becomes, type FactRef, type FactUpdate, factKey } from '../../src/facts/fact.ts'
import type { FileState } from '../../src/facts/file.ts'
import { Model } from '../../src/facts/model.ts'
import type { UnitState } from '../../src/facts/unit.ts'
import type { PlanChange, Resource } from '../../src/resources/resource.ts'

/** When the model was observed, in tests. */
export const NOW = Date.UTC(2026, 0, 1)

/** A model that knows just these facts. */
export function modelOf(...updates: FactUpdate[]): Model {
  return new Model(new Map(updates.map(({ ref, state }) => [factKey(ref), state])), NOW)
}

/** A fact with its state; short for `becomes`. */
export function fact<State>(ref: FactRef<State>, state: State): FactUpdate {
  return becomes(ref, state)
}

/** A regular file, changed an hour ago unless told otherwise. */
export function fileState(content: string, more: Partial<FileState> = {}): FileState {
  const state = {
    type: 'file',
    content: Buffer.from(content),
    mode: '0644',
    owner: 'root:root',
    ctime: NOW - 3_600_000,
  }
  return { ...state, ...more } as FileState
}

/** An enabled, running unit, started half an hour ago. */
export function unitState(more: Partial<UnitState> = {}): UnitState {
  const since = NOW - 1_800_000
  return {
    load: 'loaded',
    active: 'active',
    enabled: 'enabled',
    activeSince: since,
    changedAt: since,
    needsDaemonReload: false,
    ...more,
  }
}

/** The plan of a resource that must be a change, and that must be `ok` on its own outcome. */
export function planChange(resource: Resource, model: Model): PlanChange {
  const plan = resource.plan(model)
  if (plan.kind !== 'change') throw new Error(`expected a change of ${resource.title}, got ${JSON.stringify(plan)}`)
  const again = resource.plan(model.with(plan.after))
  if (again.kind !== 'ok') throw new Error(`${resource.title} is not ok on its own outcome: ${JSON.stringify(again)}`)
  return plan
}

/** Summaries of a plan's changes. */
export function summaries(plan: PlanChange): string[] {
  return plan.changes.map(({ summary }) => summary)
}
