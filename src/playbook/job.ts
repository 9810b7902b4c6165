/** What a loaded playbook comes to: for each host, the tasks in order, already expanded to resources. */
import type { Location } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { Resource } from '../resources/resource.ts'
import type { Check } from '../verify/check.ts'

/** One task on one host (one item of a loop). */
export interface HostTask {
  /** Same for the same task (and loop item) on every host; unique in the job. */
  readonly id: string
  /** `name:` of the task, else its type and main parameter. */
  readonly title: string
  readonly type: string
  readonly tags: readonly string[]
  readonly location: Location
  /** Why it does not run here (`when`, tags); then `resources` is empty. */
  readonly skipped?: string
  readonly resources: readonly Resource[]
  /** What is proven of the host when the task is in effect. Default: nothing. */
  readonly checks?: readonly Check[]
}

/** Tasks of one host within a stage. */
export interface HostStage {
  readonly host: Host
  readonly tasks: readonly HostTask[]
}

/** Batch sizes: each a number of hosts or a share (`0.25`); the last repeats. Empty: all at once. */
export type Serial = readonly (number | { readonly share: number })[]

/**
 * Consecutive plays with the same hosts and batches, merged, so that they cost one round trip and not one each.
 * All hosts finish a stage before the next begins.
 */
export interface Stage {
  readonly title: string
  readonly serial: Serial
  /**
   * Share of the hosts that may fail; beyond it no further batch or stage is begun. Default: none where there are
   * batches, else all: later stages go on with the hosts that came through.
   */
  readonly maxFailShare?: number
  readonly hosts: readonly HostStage[]
}

/** All that a run is going to do, known before the first connection. */
export interface Job {
  /** Playbook file as named by the user. */
  readonly playbook: string
  /** SHA-256 of that file, for the record of the run. */
  readonly digest?: string
  /** Id of the run that this job rolls back. */
  readonly undoes?: string
  readonly inventory: string
  readonly stages: readonly Stage[]
  /** Hosts of all stages, in inventory order. */
  readonly hosts: readonly Host[]
  /** The variable `verify` of hosts, by name, where a play or the command line has it. Default: that of the inventory. */
  readonly verify?: ReadonlyMap<string, unknown>
}
