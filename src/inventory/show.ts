/** `pvectl inventory show`: all that is known of a host, as YAML with the origin of each variable, or as data. */
import { stringify } from 'yaml'
import type { Target } from '../connection/target.ts'
import { PvectlError } from '../errors.ts'
import { suggestion } from '../suggest.ts'
import type { Host, Inventory } from './host.ts'

/** A host as data, for `--json`. */
export interface HostDescription {
  readonly name: string
  readonly groups: readonly string[]
  readonly connection: ConnectionDescription
  /** Effective variables: value and where it was set. */
  readonly vars: Readonly<Record<string, { readonly value: unknown; readonly from: string }>>
}

/** How a host is connected to, defaults filled in. */
export interface ConnectionDescription {
  readonly address: string
  readonly port: number
  readonly user: string
  /** Key files; none stands for the agent and the usual files in ~/.ssh. */
  readonly key: readonly string[]
  /** None stands for the files of ssh. */
  readonly known_hosts: readonly string[]
  readonly become: boolean
  /** Seconds. */
  readonly connect_timeout: number
  readonly jump?: ConnectionDescription & { readonly name: string }
}

/** The host of a name. Throws USAGE. */
export function findHost({ hosts }: Inventory, name: string): Host {
  const host = hosts.find((each) => each.name === name)
  if (host !== undefined) return host
  const hint = suggestion(
    name,
    hosts.map((each) => each.name),
    'hosts',
  )
  throw new PvectlError('USAGE', `no host is called \`${name}\``, { hint })
}

/** Everything about a host as data. */
export function describeHost({ name, groups, target, origins }: Host): HostDescription {
  const vars = [...origins].map(([key, { value, from }]) => [key, { value, from }] as const)
  return { name, groups, connection: describeTarget(target), vars: Object.fromEntries(vars) }
}

/** Everything about a host as YAML. */
export function showText(host: Host): string {
  const { name, groups, connection, vars } = describeHost(host)
  const head = stringify({ name, groups, connection: connectionForPeople(connection) }, STYLE).trimEnd()
  const entries = Object.entries(vars)
  if (entries.length === 0) return `${head}\nvars: {}`
  const blocks = entries.map(([key, { value, from }]) => ({
    lines: stringify({ [key]: value }, STYLE)
      .trimEnd()
      .split('\n')
      .map((line) => (line === '' ? '' : `  ${line}`)),
    from,
  }))
  const widths = blocks.map(({ lines: [first = ''] }) => first.length).filter((width) => width <= MAX_COLUMN)
  const width = Math.max(0, ...widths)
  const body = blocks.flatMap(({ lines: [first = '', ...rest], from }) => [
    `${first.padEnd(width)}  # ${from}`,
    ...rest,
  ])
  return `${head}\nvars:\n${body.join('\n')}`
}

/** Long lines must not be folded, or there would be no place for the comment. */
const STYLE = { lineWidth: 0, aliasDuplicateObjects: false } as const

/** Comments are aligned as long as the values are no longer than this. */
const MAX_COLUMN = 48

function describeTarget(target: Target): ConnectionDescription {
  return {
    address: target.address,
    port: target.port,
    user: target.user,
    key: target.keyFiles,
    known_hosts: target.knownHostsFiles,
    become: target.become,
    connect_timeout: target.connectTimeoutMs / 1000,
    ...(target.jump === undefined ? {} : { jump: { name: target.jump.name, ...describeTarget(target.jump) } }),
  }
}

/** Leaves out lists of files that are empty: then the files of ssh are used. */
function connectionForPeople({ key, known_hosts, jump, ...rest }: ConnectionDescription): object {
  return {
    ...rest,
    ...(key.length === 0 ? {} : { key }),
    ...(known_hosts.length === 0 ? {} : { known_hosts }),
    ...(jump === undefined ? {} : { jump: { name: jump.name, ...connectionForPeople(jump) } }),
  }
}
