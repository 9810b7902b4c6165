/** Rules of nftables, from `nft -j list ruleset`, but for the tables that iptables keeps there. */
import { ipContains, parseIpCidr } from '../../net/ip-cidr.ts'
import {
  type Action,
  all,
  type Chain,
  type Chains,
  icmpType,
  type Match,
  not,
  type Packet,
  type Rule,
  truth,
} from './packet.ts'

/** A chain that the kernel begins with. */
export interface BaseChain {
  /** Family and name of the table: `inet filter`. */
  readonly table: string
  readonly chain: string
  readonly hook: string
  /** Interfaces whose packets it sees; of a `netdev` table alone. */
  readonly devices: readonly string[]
  readonly type: string
  readonly chains: Chains
}

type Json = Readonly<Record<string, unknown>>

/** Base chains of families that see packets of `family`. Text that is no JSON gives none. */
export function parseNft(text: string, family: 4 | 6, ignored: (table: string) => boolean): readonly BaseChain[] {
  const entries = readEntries(text)
  const families = family === 4 ? ['ip', 'inet', 'bridge', 'netdev'] : ['ip6', 'inet', 'bridge', 'netdev']
  const tables = new Map<string, Map<string, { policy?: 'accept' | 'drop'; rules: Rule[] }>>()
  const bases: Json[] = []
  for (const entry of entries) {
    const chain = entry.chain as Json | undefined
    const rule = entry.rule as Json | undefined
    const owner = chain ?? rule
    if (owner === undefined || !families.includes(String(owner.family))) continue
    const name = `${owner.family} ${owner.table}`
    if (ignored(name)) continue
    const table = tables.get(name) ?? new Map()
    tables.set(name, table)
    if (chain !== undefined) {
      table.set(String(chain.name), { ...policyOf(chain.policy), rules: [] })
      if (chain.hook !== undefined) bases.push(chain)
    }
    if (rule !== undefined) table.get(String(rule.chain))?.rules.push(readRule(rule))
  }
  return bases.map((base) => {
    const table = `${base.family} ${base.table}`
    const chains: ReadonlyMap<string, Chain> = tables.get(table) ?? new Map()
    const devices = [base.dev ?? []].flat().map(String)
    return { table, chain: String(base.name), hook: String(base.hook), devices, type: String(base.type), chains }
  })
}

function readEntries(text: string): readonly Json[] {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: readonly Json[] }
    return nftables ?? []
  } catch {
    return []
  }
}

function policyOf(word: unknown): { policy?: 'accept' | 'drop' } {
  return word === 'accept' || word === 'drop' ? { policy: word } : {}
}

function readRule(rule: Json): Rule {
  const expressions = (rule.expr ?? []) as readonly Json[]
  return {
    text: `${rule.family} ${rule.table} ${rule.chain}: ${expressions.map(wording).join(' ')}`,
    match: (packet) => all(expressions.map((expression) => matches(expression, packet))),
    action: (packet) => actionOf(expressions, packet),
  }
}

const HARMLESS = [
  ...['accept', 'drop', 'reject', 'return', 'jump', 'goto', 'vmap', 'queue'],
  ...['counter', 'log', 'mangle', 'masquerade', 'snat', 'dnat', 'redirect', 'notrack'],
]

function matches(expression: Json, packet: Packet): Match {
  const match = expression.match as { op: string; left: unknown; right: unknown } | undefined
  if (match === undefined) return HARMLESS.some((name) => name in expression) ? 'yes' : 'maybe'
  const value = fieldOf(match.left, packet)
  if (value === undefined) return 'maybe'
  const equal = value === 'none' ? 'no' : equals(match.right, value)
  return match.op === '!=' ? not(equal) : ['==', 'in'].includes(match.op) ? equal : 'maybe'
}

/** Value of a field of the packet; `none` when it has no such field, undefined when nobody knows. */
function fieldOf(left: unknown, packet: Packet): string | number | undefined {
  const { meta, payload, ct } = left as { meta?: Json; payload?: Json; ct?: Json }
  switch (meta?.key ?? (ct?.key === 'state' ? 'state' : `${payload?.protocol} ${payload?.field}`)) {
    case 'iifname':
    case 'iif':
      return packet.bridged ? undefined : packet.from
    case 'ibrname':
      return packet.from
    case 'ether type':
    case 'protocol':
      return packet.family === 4 ? 'ip' : 'ip6'
    case 'oifname':
    case 'oif':
      return packet.to ?? 'none'
    case 'l4proto':
    case 'ip protocol':
    case 'ip6 nexthdr':
      return packet.family === 6 && packet.protocol === 'icmp' ? 'ipv6-icmp' : packet.protocol
    case 'nfproto':
      return packet.family === 4 ? 'ipv4' : 'ipv6'
    case 'state':
      return packet.state ?? 'new'
    case 'ip saddr':
    case 'ip6 saddr':
      return packet.source
    case 'ip daddr':
    case 'ip6 daddr':
      return packet.destination
    case 'th dport':
      return packet.port ?? 'none'
    case 'tcp dport':
    case 'udp dport':
      return payload?.protocol === packet.protocol ? (packet.port ?? 'none') : 'none'
    case 'tcp sport':
    case 'udp sport':
      return payload?.protocol === packet.protocol ? (packet.sourcePort ?? 'none') : 'none'
    case 'icmp type':
      return packet.family === 4 && packet.protocol === 'icmp' ? icmpType(packet)[1] : 'none'
    case 'icmpv6 type':
      return packet.family === 6 && packet.protocol === 'icmp' ? icmpType(packet)[1] : 'none'
    default:
      return undefined
  }
}

function equals(right: unknown, value: string | number): Match {
  if (Array.isArray(right)) return any(right.map((item) => equals(item, value)))
  if (typeof right === 'object' && right !== null) {
    const { set, range, prefix } = right as {
      set?: unknown[]
      range?: unknown[]
      prefix?: { addr: string; len: number }
    }
    if (set !== undefined) return any(set.map((item) => equals(item, value)))
    if (prefix !== undefined) return within(`${prefix.addr}/${prefix.len}`, String(value))
    if (range !== undefined && typeof value === 'number')
      return truth(value >= Number(range[0]) && value <= Number(range[1]))
    return 'maybe'
  }
  if (typeof right === 'string' && right.startsWith('@')) return 'maybe'
  if (typeof right === 'string' && right.endsWith('*')) return truth(String(value).startsWith(right.slice(0, -1)))
  return truth(String(right === 'icmpv6' ? 'ipv6-icmp' : right) === String(value))
}

function any(matches: readonly Match[]): Match {
  return not(all(matches.map(not)))
}

function within(network: string, address: string): Match {
  const [outer, inner] = [parseIpCidr(network), parseIpCidr(address)]
  return outer === undefined || inner === undefined
    ? 'maybe'
    : truth(outer.family === inner.family && ipContains(outer, inner))
}

function actionOf(expressions: readonly Json[], packet: Packet): Action {
  for (const expression of expressions) {
    const action = verdict(expression, packet)
    if (action !== undefined) return action
  }
  return { kind: 'none' }
}

function verdict(expression: Json, packet: Packet): Action | undefined {
  const [name = '', value] = Object.entries(expression)[0] ?? []
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
      return { kind: name }
    case 'reject':
      return { kind: 'drop' }
    case 'jump':
    case 'goto':
      return { kind: name, chain: String((value as Json).target) }
    case 'masquerade':
    case 'snat':
    case 'dnat':
      return { kind: 'translate', how: wording(expression) }
    case 'vmap':
      return mapped(value as { key: unknown; data: { set?: readonly (readonly [unknown, Json])[] } }, packet)
    default:
      return undefined
  }
}

function mapped(
  { key, data }: { key: unknown; data: { set?: readonly (readonly [unknown, Json])[] } },
  packet: Packet,
) {
  const value = fieldOf(key, packet)
  const hit = value === undefined ? undefined : data.set?.find(([right]) => equals(right, value) === 'yes')
  return hit === undefined ? undefined : verdict(hit[1], packet)
}

/** A part of a rule, near to what nft prints. */
function wording(expression: Json): string {
  const [name = '', value] = Object.entries(expression)[0] ?? []
  if (name !== 'match') return value === null || name === 'counter' ? name : `${name} ${plain(value)}`
  const { op, left, right } = value as { op: string; left: Json; right: unknown }
  const { meta, payload, ct } = left as { meta?: Json; payload?: Json; ct?: Json }
  const field = meta?.key ?? (ct === undefined ? `${payload?.protocol ?? ''} ${payload?.field ?? ''}` : `ct ${ct.key}`)
  return `${field} ${op === '==' || op === 'in' ? '' : `${op} `}${plain(right)}`.trim()
}

function plain(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  const members = (value as { set?: unknown } | null)?.set
  const isPlain = Array.isArray(members) && members.every((one) => typeof one === 'string' || typeof one === 'number')
  return isPlain ? `{ ${members.join(', ')} }` : JSON.stringify(value)
}
