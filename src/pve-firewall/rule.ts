/** Rules of the firewall: one a line, read loosely as PVE reads them and written as PVE writes them. */
import { normalAddress } from './addresses.ts'
import { macroNamed } from './macros.ts'

/** Which packets a rule looks at; `group` brings in the rules of a security group. */
export type Direction = 'in' | 'out' | 'forward' | 'group'

/** One rule. */
export interface FirewallRule {
  readonly enabled: boolean
  readonly direction: Direction
  /** `ACCEPT`, `DROP`, `REJECT`, or the name of the group. */
  readonly action: string
  readonly macro?: string | undefined
  readonly iface?: string | undefined
  /** Address, network, range, list of those, `+set` or alias. */
  readonly source?: string | undefined
  readonly dest?: string | undefined
  readonly proto?: string | undefined
  readonly dport?: string | undefined
  readonly sport?: string | undefined
  readonly log?: string | undefined
  readonly icmpType?: string | undefined
  readonly comment?: string | undefined
}

/** Names of the options after the action, in the order in which PVE writes them. */
const OPTIONS = [
  ['iface', 'i'],
  ['source', 'source'],
  ['dest', 'dest'],
  ['proto', 'p'],
  ['dport', 'dport'],
  ['sport', 'sport'],
  ['log', 'log'],
  ['icmpType', 'icmp-type'],
] as const

type OptionKey = (typeof OPTIONS)[number][0]

/** Reads a line as PVE::Firewall::parse_fw_rule does; undefined for what it cannot parse. */
export function parseRule(line: string): FirewallRule | undefined {
  const hash = line.indexOf('#')
  const comment = hash < 0 ? '' : line.slice(hash + 1).trim()
  const text = (hash < 0 ? line : line.slice(0, hash)).trim()
  const enabled = !text.startsWith('|')
  const [, type = '', target = '', rest = ''] = /^\|?(\S+)\s+(\S+)\s*(.*)$/.exec(text) ?? []
  const direction = directionOf(type)
  const options = parseOptions(rest)
  if (direction === undefined || options === undefined) return undefined
  const [, macro, verdict] = direction === 'group' ? [] : (/^(\S+)\((ACCEPT|DROP|REJECT)\)$/.exec(target) ?? [])
  return {
    enabled,
    direction,
    action: verdict ?? target,
    ...(macro === undefined ? {} : { macro }),
    ...options,
    ...(comment === '' ? {} : { comment }),
  }
}

/** The line for a rule, as PVE::Firewall writes it. */
export function formatRule(rule: FirewallRule): string {
  const target = rule.macro === undefined ? rule.action : `${rule.macro}(${rule.action})`
  const options = OPTIONS.flatMap(([key, flag]) => (rule[key] === undefined ? [] : [`-${flag} ${rule[key]}`]))
  const comment = rule.comment === undefined ? [] : [`# ${rule.comment}`]
  return [`${rule.enabled ? '' : '|'}${rule.direction.toUpperCase()}`, target, ...options, ...comment].join(' ')
}

/**
 * What a rule matches and does, in one spelling: rules of the same meaning have the same. Whether it is enabled, its
 * log level and its comment are no part of it.
 */
export function ruleMeaning(rule: FirewallRule): string {
  const proto = rule.proto === undefined ? undefined : (PROTOCOLS[rule.proto.toLowerCase()] ?? rule.proto.toLowerCase())
  const isIcmp = proto === 'icmp' || proto === 'icmpv6'
  const icmpType = rule.icmpType ?? (isIcmp ? rule.dport : undefined)
  return JSON.stringify([
    rule.direction,
    rule.action,
    rule.macro === undefined ? '' : (macroNamed(rule.macro) ?? rule.macro),
    rule.iface ?? '',
    rule.source === undefined ? '' : normalAddress(rule.source),
    rule.dest === undefined ? '' : normalAddress(rule.dest),
    proto ?? '',
    isIcmp ? '' : normalPorts(rule.dport),
    normalPorts(rule.sport),
    icmpType ?? '',
  ])
}

/** True when the rules differ in nothing that PVE keeps. */
export function sameRule(a: FirewallRule, b: FirewallRule): boolean {
  const rest = ({ enabled, log = 'nolog', comment = '' }: FirewallRule) => JSON.stringify([enabled, log, comment])
  return ruleMeaning(a) === ruleMeaning(b) && rest(a) === rest(b)
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '33': 'dccp',
  '47': 'gre',
  '50': 'esp',
  '51': 'ah',
  '58': 'icmpv6',
  '132': 'sctp',
  '136': 'udplite',
  'ipv6-icmp': 'icmpv6',
}

function directionOf(type: string): Direction | undefined {
  const lower = type.toLowerCase()
  return lower === 'in' || lower === 'out' || lower === 'forward' || lower === 'group' ? lower : undefined
}

function parseOptions(text: string): Partial<Record<OptionKey, string>> | undefined {
  const options: Partial<Record<OptionKey, string>> = {}
  let rest = text
  while (rest !== '') {
    const [whole, flag = '', value = ''] = /^--?([a-z-]+)\s+(\S+)\s*/.exec(rest) ?? []
    const key = flag === 'proto' ? 'proto' : flag === 'iface' ? 'iface' : OPTIONS.find(([, name]) => name === flag)?.[0]
    if (whole === undefined || key === undefined) return undefined
    options[key] = value
    rest = rest.slice(whole.length)
  }
  return options
}

function normalPorts(ports: string | undefined): string {
  const parts = (ports ?? '').split(',').map((part) => part.replace(/\b0+(?=\d)/g, ''))
  return [...parts].sort().join(',')
}
