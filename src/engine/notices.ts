/** What an admin should know of a node beside the tasks, out of what was observed. Pure. */

import { type IfupdownState, ifupdownOf, ifupdownRefs, isPveBuild } from '../facts/ifupdown.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import { unfinishedRunsRef } from '../facts/run-records.ts'
import type { HostPlan } from './plan.ts'

/** When the observation was asked for and when it had come, milliseconds since the epoch on this machine. */
export interface Observed {
  readonly asked: number
  readonly came: number
}

/** Clocks that differ by less are nobody's business. */
const CLOCK_MS = 5 * 60_000

/** All there is to say of a plan, a sentence each. */
export function noticesOf({ after, tasks }: Pick<HostPlan, 'after' | 'tasks'>, times: Observed): readonly string[] {
  const unfinished = after
    .get(unfinishedRunsRef)
    .map((run) => `run ${run.id} of ${run.owner} (${run.playbook}, ${run.started}) broke off before its end`)
  const clock = clockNotice(after, times)
  const edits = tasks.some(({ resources }) =>
    resources.some(
      ({ plan }) => plan.kind === 'change' && plan.after.some(({ ref }) => ref.kind === interfacesRef.kind),
    ),
  )
  const isKnown = ifupdownRefs.every((ref) => after.has(ref))
  const ifupdown = edits && isKnown ? ifupdownNotice(ifupdownOf(after)) : undefined
  return [...unfinished, clock, ifupdown, ...saidOf({ after, tasks })].filter((notice) => notice !== undefined)
}

/** What resources have to say beside their plans. */
export function saidOf({ after, tasks }: Pick<HostPlan, 'after' | 'tasks'>): readonly string[] {
  return tasks.flatMap(({ resources }) =>
    resources.flatMap(({ resource, plan }) =>
      plan.kind === 'ok' || plan.kind === 'change' ? (resource.notices?.(after) ?? []) : [],
    ),
  )
}

/** How far the clock of the node is off this machine's, in words; undefined when it is not. */
export function clockNotice({ observedAt }: Pick<Model, 'observedAt'>, { asked, came }: Observed): string | undefined {
  const off = observedAt > came ? observedAt - came : Math.min(0, observedAt - asked)
  if (Number.isNaN(off) || Math.abs(off) < CLOCK_MS) return undefined
  const direction = off > 0 ? 'ahead of' : 'behind'
  return `the clock of the node is ${duration(Math.abs(off))} ${direction} this machine's: times in its records are off, and apt and TLS may refuse what is not valid at that time; see \`timedatectl\` there`
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`
}

function ifupdownNotice(state: IfupdownState | undefined): string | undefined {
  if (isPveBuild(state)) return undefined
  const what = state === undefined ? 'neither ifupdown2 nor ifupdown' : `${state.name} ${state.version}`
  return `the node has ${what}, not Proxmox VE's build of ifupdown2: the web interface refuses network changes there, and \`ifreload -a\` may detach guests; pvectl never runs it`
}
