/** What the rest of pvectl sees of the inventory. */
import type { Target } from '../connection/target.ts'

/** One variable with the place it came from. */
export interface VariableOrigin {
  readonly value: unknown
  /** Path of the file and line, or `group all`, as people look for it: `inventory/prod/group_vars/pve.yml:3`. */
  readonly from: string
}

/** A node of the inventory, with variables merged by the documented precedence. */
export interface Host {
  readonly name: string
  readonly target: Target
  /** Groups it belongs to, parents included, `all` first, nearest last. */
  readonly groups: readonly string[]
  readonly vars: Readonly<Record<string, unknown>>
  /** Where each top-level variable came from. */
  readonly origins: ReadonlyMap<string, VariableOrigin>
}

/** A loaded inventory. Host order is that of the files. */
export interface Inventory {
  /** As the user named it: `prod`. */
  readonly name: string
  /** Main file, for messages. */
  readonly file: string
  readonly hosts: readonly Host[]
  /** Group name to the names of all its hosts, nested groups included. */
  readonly groups: ReadonlyMap<string, readonly string[]>
}
