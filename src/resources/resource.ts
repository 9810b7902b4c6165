/** Resources: the small things on a node that tasks are made of, each compared with the model and brought to a state. */
import type { Script } from '../connection/script.ts'
import type { FactRef, FactUpdate } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'

/** One visible difference. */
export interface Change {
  /** One line: `net.ipv4.ip_forward: 0 → 1`. */
  readonly summary: string
  /** Content of a file before and after, shown as a unified diff; undefined on either side means absent. */
  readonly diff?: { readonly path: string; readonly before: Buffer | undefined; readonly after: Buffer | undefined }
}

/** What to do about a resource. */
export type Plan = PlanOk | PlanChange | PlanBlocked | PlanUnknown

/** Already as described. */
export interface PlanOk {
  readonly kind: 'ok'
}

/** Differs, and `script` makes it right. */
export interface PlanChange {
  readonly kind: 'change'
  readonly changes: readonly Change[]
  /** Runs on the node as root under `set -e`, with the functions of the prelude (`src/resources/prelude.ts`). */
  readonly script: Script
  /** What the facts will be afterwards. */
  readonly after: readonly FactUpdate[]
  /** `link`: the step can cut the connection that carries it. */
  readonly risk?: 'link'
  /** Of a risky step: what it touches, where `after` does not show that. Default: what `after` and the names say. */
  readonly touches?: Touches
  /** Facts that nobody can predict after this step; default none. */
  readonly disturbs?: readonly FactRef<unknown>[] | 'anything'
  /** The step has no observable state of its own (a bare command), so it is not planned again after the run. */
  readonly unverifiable?: true
}

/** What a risky step touches of a node, to be held against what the connection to it uses. */
export interface Touches {
  /** Links whose state, ports or settings change. */
  readonly links?: readonly string[]
  /** Local addresses that come, go or move, with or without prefix. */
  readonly addresses?: readonly string[]
  /** TCP ports whose service or filtering changes. */
  readonly ports?: readonly number[]
}

/** What a task says of a link, to be held against what others say of it and its neighbours. */
export interface LinkOutline {
  readonly name: string
  readonly mtu?: number | undefined
  /** Those that the node is to have on it, with prefix. */
  readonly addresses: readonly string[]
  /** Links that are plugged into it, and can have no address of their own: ports, slaves. */
  readonly plugged: readonly string[]
  /** Links that must carry packets as large as its own. */
  readonly carriedBy: readonly string[]
}

/** Cannot be done on this node as it is. */
export interface PlanBlocked {
  readonly kind: 'blocked'
  readonly reason: string
  readonly hint?: string
  /** Names what stands in the way, where it does so for many resources: it is told once a node. */
  readonly cause?: string
  /** What the facts would have been afterwards, so that what follows is judged as if this had been possible. */
  readonly after?: readonly FactUpdate[]
}

/** Whether there is anything to do depends on what earlier steps do; decided after those have run. */
export interface PlanUnknown {
  readonly kind: 'unknown'
  readonly reason: string
}

/** One thing on a node. Made by a task type; pure. */
export interface Resource {
  /** Kind of resource: `file`, `unit`, `nat_rule`. */
  readonly kind: string
  /** What it is the only one to own on a node, for conflict detection: `file:/etc/dnsmasq.d/x.conf`. */
  readonly key: string
  /** Several tasks of a host may hold this key (a package, a unit); default: a second one is a conflict. */
  readonly shared?: true
  /** Further things that only one task of a host may have, e.g. `port:eno1`. */
  readonly claims?: readonly string[]
  /** Of a link: what is asked for, as far as a playbook alone tells whether it can be. */
  readonly link?: LinkOutline
  /** Ranges that only one task of a host may have a part of; `shared` resources may share theirs. */
  readonly spans?: readonly Span[]
  /** One line for people: `file /etc/dnsmasq.d/vmbr1.conf`. */
  readonly title: string
  /** Facts that `plan` may read. */
  readonly reads: readonly FactRef<unknown>[]
  /** What people should know besides, given the node as it will be: a restart that a guest waits for. Pure. */
  notices?(model: Model): readonly string[]
  /** Compares desired and modelled state. Must be pure, and `ok` when run on its own `after`. */
  plan(model: Model): Plan
}

/** A range of numbers that a task has for itself. */
export interface Span {
  /** What the numbers are, for people: `tcp port`, `address`. */
  readonly space: string
  /** What they belong to: ranges of different owners do not meet. */
  readonly of: string
  readonly first: number | bigint
  /** Included. */
  readonly last: number | bigint
  /** The range in words; default: its numbers. */
  readonly text?: string
}

/** The plan of a resource that is as described. */
export const OK: PlanOk = { kind: 'ok' }
