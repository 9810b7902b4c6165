/** What templates can name: `vars`, `host`, `groups`, `hosts`, `item`, `loop_index`, `get`, `has`, `net`. */
import { revealed } from '../connection/secret.ts'
import type { Locals } from './engine.ts'
import { guard, undefinedVariable } from './guard.ts'
import { net } from './net.ts'
import { TemplateProblem } from './problem.ts'

/** Names that every template may use. */
export const SCOPE_NAMES = ['vars', 'host', 'hosts', 'groups', 'get', 'has', 'net'] as const

/** Names that templates within a loop may use. */
export const LOOP_SCOPE_NAMES = [...SCOPE_NAMES, 'item', 'loop_index'] as const

/** The data of a scope. */
export interface ScopeData {
  /** Effective variables; properties may be getters. */
  readonly vars: Readonly<Record<string, unknown>>
  readonly host: { readonly name: string; readonly address: string; readonly groups: readonly string[] }
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** All hosts of the inventory with their inventory variables. */
  readonly hosts: Readonly<Record<string, HostView>>
  /** Names of variables to the hosts that have them, for better messages. */
  readonly definedOn: ReadonlyMap<string, readonly string[]>
}

/** Another host, as templates see it. */
export interface HostView {
  readonly name: string
  readonly address: string
  readonly vars: Readonly<Record<string, unknown>>
}

/** One turn of a loop. */
export interface LoopTurn {
  readonly item: unknown
  readonly index: number
}

/** Locals for templates of one host. */
export interface Scope {
  /** For values and template files: every name must be defined. */
  readonly locals: Locals
  /** For conditions: a variable that only other hosts have is `undefined`. */
  readonly conditionLocals: Locals
  /** The same scope within a turn of a loop. */
  within(turn: LoopTurn): Scope
}

/** Makes the scope of a host. */
export function createScope(data: ScopeData): Scope {
  const missing = (path: string, name: string, known: readonly string[]) => {
    const others = data.definedOn.get(name)
    if (others === undefined) return undefinedVariable(path, name, known)
    throw new TemplateProblem(`undefined variable: ${path}`, elsewhereHint(name, others))
  }
  const shared = {
    host: guard(data.host, 'host'),
    hosts: guard(data.hosts, 'hosts'),
    groups: guard(data.groups, 'groups'),
    net,
  }
  const roots = { vars: data.vars, host: data.host, hosts: data.hosts, groups: data.groups }
  const lenient = guard(data.vars, 'vars', (path, name, known) =>
    data.definedOn.has(name) ? undefined : undefinedVariable(path, name, known),
  )
  return layer({ ...shared, vars: guard(data.vars, 'vars', missing) }, { ...shared, vars: lenient }, roots)
}

function layer(strict: Locals, lenient: Locals, roots: Locals, turn?: LoopTurn): Scope {
  const inLoop = turn === undefined ? {} : { item: turn.item, loop_index: turn.index }
  const lookups = lookup({ ...roots, ...inLoop })
  const loop = turn === undefined ? {} : { item: guard(turn.item, 'item'), loop_index: turn.index }
  return {
    locals: { ...strict, ...lookups, ...loop },
    conditionLocals: { ...lenient, ...lookups, ...loop },
    within: (inner) => layer(strict, lenient, roots, inner),
  }
}

/** `get(path, default)` and `has(path)`: the two ways to ask for what may be missing. */
function lookup(roots: Locals): Locals {
  const find = (path: unknown): unknown => {
    if (typeof path !== 'string') throw new TemplateProblem("get() and has() take a path in quotes: get('vlan', 1)")
    const steps = path.split(/[.[\]'"]+/).filter((step) => step !== '')
    const [first = ''] = steps
    const start = Object.hasOwn(roots, first) ? roots : roots.vars
    return steps.reduce<unknown>((value, step) => own(value, step), start)
  }
  return {
    /** Value at a path below the variables (`net.gw`) or the scope (`item.vlan`); the default where it is missing or null. */
    get: (path: unknown, fallback: unknown = null) => {
      const found = find(path)
      return found === undefined || found === null ? fallback : revealed(found)
    },
    /** True when there is a value other than null at the path. */
    has: (path: unknown) => {
      const found = find(path)
      return found !== undefined && found !== null
    },
  }
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

function elsewhereHint(name: string, others: readonly string[]): string {
  const some = others.length > 3 ? `${others.slice(0, 3).join(', ')} and ${others.length - 3} more` : others.join(', ')
  return `only ${some} ${others.length === 1 ? 'has' : 'have'} it; get('${name}', DEFAULT) gives the others a value`
}
