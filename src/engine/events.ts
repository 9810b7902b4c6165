/** What a run says while it goes on. Plain JSON data: reporters and `--json` see exactly this. */
import type { ErrorCode, Problem } from '../errors.ts'

/** Words on screen for a task or resource. */
export type Status = 'ok' | 'changed' | 'would change' | 'unknown' | 'skipped' | 'failed' | 'rolled back'

/** Words on screen for a host at the end. */
export type HostStatus =
  | 'ok'
  | 'changed'
  | 'would change'
  | 'unknown'
  | 'failed'
  | 'unreachable'
  | 'rolled back'
  | 'skipped'

/** A difference, ready to show: `diff` is a unified diff without file header. */
export interface ShownChange {
  readonly summary: string
  readonly path?: string
  readonly diff?: string
}

/** An error, ready to show. */
export interface ShownError {
  readonly code: ErrorCode
  readonly problems: readonly Problem[]
}

/** One resource of a task as planned. */
export interface ShownResource {
  readonly title: string
  readonly status: Status
  readonly changes: readonly ShownChange[]
  /** The step can cut the connection, so it runs under the guard. */
  readonly risk?: 'link'
  /** Of a step with risk: whether it touches what this very connection uses, where that can be told. */
  readonly wayIn?: { readonly touches: boolean; readonly reasons: readonly string[] }
  /** Why `unknown` or `failed`. */
  readonly reason?: string
}

/** One thing that was to be seen working after the changes, and what was seen. */
export interface ShownCheck {
  readonly title: string
  readonly status: 'passed' | 'failed' | 'skipped'
  /** Of a skipped check, why it could not be made. */
  readonly saw: string
  /** Likely cause of a failure. */
  readonly cause?: string
  readonly hint?: string
}

/** What became of hosts and tasks, by status. */
export type Tally = Readonly<Partial<Record<HostStatus, number>>>

/** Everything that can happen in a run, in the order in which it can. */
export type RunEvent =
  | {
      readonly event: 'run:started'
      /** Unique and sortable by time: `20261121T043006-1a2b3c`. */
      readonly id: string
      /** Who started it: `user@controller`. */
      readonly owner: string
      readonly mode: 'apply' | 'check'
      readonly playbook: string
      readonly inventory: string
      readonly hosts: readonly string[]
    }
  | {
      readonly event: 'stage:started'
      readonly stage: number
      readonly title: string
      readonly hosts: readonly string[]
    }
  | {
      readonly event: 'host:started'
      readonly host: string
      readonly stage: number
      /** Tasks in order, those that are skipped with the reason. */
      readonly tasks: readonly { readonly id: string; readonly title: string; readonly skipped?: string }[]
    }
  /** A phase that takes time began on a host. */
  | {
      readonly event: 'host:phase'
      readonly host: string
      readonly phase: HostPhase
    }
  /** Something that the admin should know, and that is no error of this run. */
  | { readonly event: 'host:notice'; readonly host: string; readonly message: string }
  /** The plan of a task is known. In check mode, this is also its result. */
  | {
      readonly event: 'task:planned'
      readonly host: string
      readonly id: string
      readonly title: string
      /** `would change` here means: is going to be changed, when the mode is apply. */
      readonly status: 'ok' | 'would change' | 'unknown' | 'skipped' | 'failed'
      readonly resources: readonly ShownResource[]
    }
  | { readonly event: 'task:started'; readonly host: string; readonly id: string; readonly title: string }
  /** A line that a step printed on the node. */
  | { readonly event: 'task:output'; readonly host: string; readonly id: string; readonly line: string }
  | {
      readonly event: 'task:finished'
      readonly host: string
      readonly id: string
      readonly title: string
      readonly status: Status
      readonly resources: readonly ShownResource[]
      readonly error?: ShownError
    }
  /** The host has converged, and its checks were made (`apply --verify`). */
  | { readonly event: 'host:proven'; readonly host: string; readonly checks: readonly ShownCheck[] }
  | {
      readonly event: 'host:finished'
      readonly host: string
      readonly status: HostStatus
      /** Number of tasks by status. */
      readonly tasks: Readonly<Partial<Record<Status, number>>>
      readonly seconds: number
      /** Round trips made with the node, connection set-up not counted. */
      readonly exchanges: number
      readonly error?: ShownError
    }
  | { readonly event: 'run:finished'; readonly hosts: Tally; readonly seconds: number; readonly exitCode: number }

/**
 * What a host is busy with. `reconnecting`: the connection was lost while the node works on. `confirming`: over a new
 * connection, while the node's revert timer runs. `proving`: checks after the changes, from the outside.
 */
export type HostPhase =
  | 'connecting'
  | 'observing'
  | 'applying'
  | 'reconnecting'
  | 'confirming'
  | 'verifying'
  | 'proving'
  | 'waiting'

/** Gets every event of a run, in order. */
export type Emit = (event: RunEvent) => void

/** Turns events into something to read. Must not throw. */
export interface Reporter {
  handle(event: RunEvent): void
  /** Called once after `run:finished`, or when the run broke off; flushes and leaves the terminal usable. */
  close(): Promise<void>
}
