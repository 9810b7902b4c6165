/** The contract of a task type: what a playbook names (`bridge`, `dnsmasq`), expanded into resources. Pure. */
import type { z } from 'zod'
import type { Resource } from '../resources/resource.ts'
import type { Check } from '../verify/check.ts'

/** What a task type may know of the host it is expanded for. */
export interface HostContext {
  readonly name: string
  /** Effective variables of the host, inventory and playbook merged. */
  readonly vars: Readonly<Record<string, unknown>>
  /** Other hosts of the inventory, and the names of the hosts of each group; undefined where there is no inventory. */
  readonly inventory?: InventoryView
  /** Renders a template file by name (search path: beside the playbook, then the shipped ones). Throws TEMPLATE_*. */
  template(name: string, locals: Readonly<Record<string, unknown>>): string
  /** Reads a file of the controller, relative to the playbook. Throws PLAYBOOK_INVALID. */
  readFile(path: string): Buffer
}

/** What a task type may know of the inventory. */
export interface InventoryView {
  readonly hosts: Readonly<
    Record<string, { readonly address: string; readonly vars: Readonly<Record<string, unknown>> }>
  >
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/** One kind of task. */
export interface TaskType<Params = unknown> {
  /** Key in playbooks, e.g. `masquerade`. */
  readonly name: string
  /** One line for `pvectl tasks`. */
  readonly summary: string
  /** Validates and documents the parameters; every field carries `.describe()`. */
  readonly params: z.ZodType<Params>
  /** A YAML example for the reference, starting at the task's own key. */
  readonly example: string
  /** Parameter that a bare scalar or list stands for (`package: nginx`); default none. */
  readonly shorthand?: string
  /**
   * Tasks that this one stands for, run before its own resources and shown each by itself: names of task types with
   * parameters as a playbook would have them. Pure; default: none.
   */
  expand?(params: Params, host: HostContext): readonly TaskPart[]
  /** Resources in the order in which they must hold. Throws {@link ParamProblem} for what the schema can't express. */
  resources(params: Params, host: HostContext): readonly Resource[]
  /** What `pvectl verify` proves about a host that has the task, as users and guests see it. Pure; default: nothing. */
  checks?(params: Params, host: HostContext): readonly Check[]
}

/** A task that another one stands for. */
export interface TaskPart {
  /** Name of its type. */
  readonly type: string
  readonly params: unknown
}

/** Wrong parameters found while expanding a task; the loader adds the place in the playbook. */
export class ParamProblem extends Error {
  /** Where in the parameters, e.g. `['ranges', 0, 'start']`. */
  readonly path: readonly (string | number)[]
  readonly hint: string | undefined

  constructor(path: readonly (string | number)[], message: string, hint?: string) {
    super(message)
    this.path = path
    this.hint = hint
  }
}

/** Declares a task type with its parameter type inferred from the schema. */
export function defineTask<Schema extends z.ZodType>(
  type: Omit<TaskType<z.output<Schema>>, 'params'> & { readonly params: Schema },
): TaskType {
  return type as unknown as TaskType
}
