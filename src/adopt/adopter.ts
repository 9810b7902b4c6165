/** The contract of adopters: each describes one kind of thing on a node by tasks. Pure. */
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'

/** Plain data of a parameter, in which a {@link Variable} may stand anywhere. */
export type ParamValue =
  | string
  | number
  | boolean
  | Variable
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue | undefined }

/** A value that belongs into a variable of the host, where the shipped playbooks look for it too. */
export class Variable {
  readonly name: string
  readonly value: ParamValue

  constructor(name: string, value: ParamValue) {
    this.name = name
    this.value = value
  }
}

/** A task as it may come to stand in the playbook. */
export interface TaskDraft {
  /** Title. */
  readonly name: string
  readonly type: string
  readonly params: Readonly<Record<string, ParamValue | undefined>>
  /** Files beside the playbook that `source:` parameters name, by their path there. */
  readonly files?: ReadonlyMap<string, Buffer>
}

/** One way to describe a thing. */
export interface Way {
  readonly tasks: readonly TaskDraft[]
  /** What this way does not describe. */
  readonly leaves?: readonly LeftOver[]
  /** What another way describes as well: `addresses of vmbr1`. */
  readonly partial?: { readonly what: string; readonly fuller: Way }
}

/** A thing that was found, with ways to describe it, best first: the first that the node agrees with is taken. */
export interface Finding {
  /** `bridge vmbr1`. */
  readonly what: string
  readonly ways: readonly [Way, ...Way[]]
  /**
   * When no way fits: `suggest` shows it commented out only, since the thing itself is spoken of elsewhere; `silent` says
   * nothing, since there is no such thing. Default: it is named as left over, and shown.
   */
  readonly otherwise?: 'suggest' | 'silent'
}

/** Something that no task describes. */
export interface LeftOver {
  /** `bond0 (bond)`. */
  readonly what: string
  readonly why: string
}

/** What an adopter came to. */
export interface Adoption {
  readonly findings: readonly Finding[]
  readonly leftOvers: readonly LeftOver[]
}

/** What an adopter may know of the node. */
export interface AdoptView {
  /** Name of the host in the inventory. */
  readonly host: string
  readonly model: Model
}

/** Describes one kind of thing. */
export interface Adopter {
  /** Heading in the playbook: `Network`. */
  readonly title: string
  /** Facts that {@link Adopter.adopt} reads. */
  readonly reads: readonly FactRef<unknown>[]
  adopt(view: AdoptView): Adoption
}
