/** Facts about Open vSwitch, as its database has them. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A bridge and the names of its ports; the one that is named as the bridge is its own end. */
export interface OvsBridge {
  readonly name: string
  readonly ports: readonly string[]
}

/** A port: a card, an internal one, a bond, a guest. */
export interface OvsPort {
  readonly name: string
  /** Names of its interfaces; a bond has several. */
  readonly interfaces: readonly string[]
  /** Options as `ovs-vsctl set Port` takes them: `tag`, `trunks`, `vlan_mode`, `bond_mode`, `lacp`, `other_config:KEY`. */
  readonly options: Readonly<Record<string, string>>
  /** `internal` for the node's own ends, `` for cards and guests, else a tunnel's or patch's kind. */
  readonly type: string
}

/** What Open vSwitch knows; not available when it is not installed or does not run. */
export interface OvsState {
  readonly available: boolean
  readonly bridges: readonly OvsBridge[]
  readonly ports: readonly OvsPort[]
}

/** Just installed. */
export const EMPTY_OVS: OvsState = { available: true, bridges: [], ports: [] }

const COLUMNS = '_uuid,name,interfaces,tag,trunks,vlan_mode,bond_mode,lacp,other_config'

/** One instance: the id is always empty. One process on nodes that have it. */
export const ovsFact: FactKind<OvsState> = {
  name: 'ovs',
  observe: (): Script => sh`if [ -e /usr/bin/ovs-vsctl ]; then
	ovs-vsctl -t 5 -f json -- --columns=name,ports list Bridge -- ${`--columns=${COLUMNS}`} list Port -- --columns=_uuid,name,type list Interface 2>/dev/null || :
fi`,
  parse(output, ids) {
    const tables = output
      .toString('utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => readTable(JSON.parse(line) as RawTable))
    const state = tables.length < 3 ? { ...EMPTY_OVS, available: false } : readState(tables)
    return ids.map(() => state)
  },
}

/** The one reference to this fact. */
export const ovsRef: FactRef<OvsState> = { kind: ovsFact, id: '' }

/** The bridge that a port belongs to. */
export function ovsBridgeOf({ bridges }: OvsState, port: string): string | undefined {
  return bridges.find(({ name, ports }) => name !== port && ports.includes(port))?.name
}

/** The port that a link is an interface of: itself, or the bond that it is a slave of. */
export function ovsPortOf({ ports }: OvsState, link: string): OvsPort | undefined {
  return ports.find(({ interfaces }) => interfaces.includes(link))
}

/** A value of the database: `["uuid", …]`, `["set", […]]`, `["map", [[key, value], …]]`, or a plain one. */
type RawValue = string | number | boolean | readonly [string, unknown]

interface RawTable {
  readonly headings: readonly string[]
  readonly data: readonly (readonly RawValue[])[]
}

type Row = Readonly<Record<string, RawValue>>

function readTable({ headings, data }: RawTable): readonly Row[] {
  return data.map((values) => Object.fromEntries(headings.map((heading, i) => [heading, values[i] ?? ''])))
}

function readState([bridges = [], ports = [], interfaces = []]: readonly (readonly Row[])[]): OvsState {
  const nameOf = new Map([...ports, ...interfaces].map((row) => [listOf(row._uuid)[0], String(row.name)]))
  const typeOf = new Map(interfaces.map((row) => [String(row.name), listOf(row.type)[0] ?? '']))
  const names = (value: RawValue | undefined) => listOf(value).flatMap((uuid) => nameOf.get(uuid) ?? [])
  return {
    available: true,
    bridges: bridges.map((row) => ({ name: String(row.name), ports: names(row.ports).sort() })),
    ports: ports.map((row) => {
      const own = names(row.interfaces).sort()
      return {
        name: String(row.name),
        interfaces: own,
        options: readOptions(row),
        type: typeOf.get(own[0] ?? '') ?? '',
      }
    }),
  }
}

function readOptions(row: Row): Readonly<Record<string, string>> {
  const plain = ['tag', 'trunks', 'vlan_mode', 'bond_mode', 'lacp'].flatMap((key) => {
    const values = listOf(row[key])
    return values.length === 0 ? [] : [[key, values.join(',')] as const]
  })
  const other = mapOf(row.other_config).map(([key, value]) => [`other_config:${key}`, value] as const)
  return Object.fromEntries([...plain, ...other])
}

function listOf(value: RawValue | undefined): readonly string[] {
  if (value === undefined || value === '') return []
  if (typeof value !== 'object') return [String(value)]
  const [kind, content] = value
  if (kind === 'uuid') return [String(content)]
  return kind === 'set' ? (content as readonly RawValue[]).flatMap((item) => listOf(item)) : []
}

function mapOf(value: RawValue | undefined): readonly (readonly [string, string])[] {
  return typeof value === 'object' && value[0] === 'map' ? (value[1] as readonly (readonly [string, string])[]) : []
}
