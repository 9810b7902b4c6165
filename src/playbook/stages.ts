/** Plays that can be done in one go. */
import type { Host } from '../inventory/host.ts'
import type { HostStage, HostTask, Serial, Stage } from './job.ts'

/** A play, expanded for its hosts. */
export interface ExpandedPlay {
  readonly title: string
  readonly serial: Serial
  readonly maxFailShare: number | undefined
  readonly hosts: readonly Host[]
  /** Tasks by name of host. */
  readonly tasks: ReadonlyMap<string, readonly HostTask[]>
}

/** Merges consecutive plays of the same hosts and batches; plays without hosts or tasks are left out. */
export function toStages(plays: readonly ExpandedPlay[]): readonly Stage[] {
  const runs: (readonly [ExpandedPlay, ...ExpandedPlay[]])[] = []
  for (const play of plays) {
    if (![...play.tasks.values()].some((tasks) => tasks.length > 0)) continue
    const run = runs.at(-1)
    if (run !== undefined && groupKey(run[0]) === groupKey(play)) runs[runs.length - 1] = [...run, play]
    else runs.push([play])
  }
  return runs.map(toStage)
}

function toStage(plays: readonly [ExpandedPlay, ...ExpandedPlay[]]): Stage {
  const [{ hosts, serial, maxFailShare }] = plays
  return {
    title: [...new Set(plays.map(({ title }) => title))].join(', '),
    serial,
    ...(maxFailShare === undefined ? {} : { maxFailShare }),
    hosts: hosts.map((host): HostStage => ({ host, tasks: plays.flatMap(({ tasks }) => tasks.get(host.name) ?? []) })),
  }
}

function groupKey({ hosts, serial, maxFailShare }: ExpandedPlay): string {
  return JSON.stringify([hosts.map(({ name }) => name), serial, maxFailShare])
}
