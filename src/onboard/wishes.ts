/** What the user asked onboarding for, and what it needs of the outside. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import type { LoadedInventory } from '../inventory/load.ts'
import type { NodeAddress } from './address.ts'
import type { EmitOnboard } from './events.ts'
import type { Links } from './links.ts'
import type { MemberEntry } from './members.ts'

/** A cluster to join, by the name of a member in the inventory, or to found. */
export type ClusterWish =
  | { readonly kind: 'join'; readonly via: string }
  | { readonly kind: 'create'; readonly name: string }

/** What the user asked for. */
export interface OnboardWishes {
  readonly addresses: readonly NodeAddress[]
  /** Name in the inventory; default: the node's own. For a single node. */
  readonly name: string | undefined
  readonly cluster: ClusterWish | undefined
  readonly links: Links
  readonly joinTimeoutMs: number
  /** Ids of rows whose failure does not matter. */
  readonly ignored: readonly string[]
  /** Playbook to run; undefined: none. */
  readonly playbook: string | undefined
}

/** A run of a playbook that onboarding asks for. */
export interface PlaybookRequest {
  readonly playbook: string
  readonly inventory: LoadedInventory
  /** Names of the hosts. */
  readonly hosts: readonly string[]
  /** Only tasks with this tag; undefined: all. */
  readonly tag: string | undefined
  readonly members: readonly MemberEntry[]
  readonly connector: Connector<Target>
}

/** What onboarding needs of the outside. */
export interface OnboardTools {
  /** Runs a playbook to its exit code. */
  readonly runPlaybook: (request: PlaybookRequest) => Promise<number>
  /** Proves from outside that nodes work, to the exit code; undefined where that is not to be had. */
  readonly verify: ((hosts: readonly string[], inventory: LoadedInventory) => Promise<number>) | undefined
  /** Connects to hosts that were in the inventory before. */
  readonly rest: Connector<Target>
  /** Line for authorized_keys of the admin's key for a target. */
  readonly keyLine: (target: Target) => Promise<string>
  readonly emit: EmitOnboard
}
