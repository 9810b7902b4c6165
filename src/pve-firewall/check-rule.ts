/** What is wrong with a rule that is to be written: both parsers of PVE must take it, and take it for the same. */

import { formatIpCidr, ipNetworkOf } from '../net/ip-cidr.ts'
import { hasHostBits, isName, MAX_GROUP_NAME, MAX_SET_NAME, parseMatch, parseNamed, parseNetwork } from './addresses.ts'
import { ICMP_TYPES, ICMPV6_TYPES } from './icmp-types.ts'
import { macroNamed } from './macros.ts'
import { LOG_LEVELS } from './options.ts'
import type { FirewallRule } from './rule.ts'
import type { FileKind } from './sections.ts'

/** A mistake in one field. */
export interface RuleMistake {
  readonly field: keyof FirewallRule
  readonly message: string
  readonly hint?: string
}

/** Where a rule stands: in a file of its kind, or in a security group. */
export type RulePlace = FileKind | 'group'

/** Protocols by name that /etc/protocols of Debian has and both parsers take. */
const PROTOCOLS = [
  ...['tcp', 'udp', 'icmp', 'icmpv6', 'ipv6-icmp', 'igmp', 'esp', 'ah', 'gre', 'ospf', 'vrrp', 'pim', 'ipip'],
  ...['sctp', 'dccp', 'udplite', 'l2tp', 'eigrp', 'ipv6', 'ipencap', 'ipcomp', 'etherip'],
]

/** Numbers of the protocols that /etc/protocols of Debian names; PVE takes no others. */
const NUMBERS = [
  ...[1, 2, 3, 4, 5, 6, 8, 9, 12, 17, 20, 22, 27, 29, 33, 36, 37, 38, 41, 43, 44, 45, 46, 47, 50, 51, 57, 58, 59, 60],
  ...[73, 81, 88, 89, 93, 94, 97, 98, 103, 108, 112, 115, 124, 132, 133, 135, 136, 137, 138, 139, 140, 141, 142],
]

/** Protocols that have ports. */
const WITH_PORTS = ['tcp', '6', 'udp', '17', 'udplite', '136', 'dccp', '33', 'sctp', '132']

/** All mistakes of a rule (PVE::Firewall::verify_rule; proxmox-ve-config firewall/types/rule_match.rs). */
export function checkRule(rule: FirewallRule, place: RulePlace): readonly RuleMistake[] {
  return [
    ...checkAction(rule, place),
    ...checkIface(rule, place),
    ...checkAddresses(rule),
    ...checkProtocol(rule),
    ...checkRest(rule),
  ]
}

function checkAction({ direction, action, macro }: FirewallRule, place: RulePlace): RuleMistake[] {
  if (direction === 'group') {
    if (place === 'group') return [wrong('direction', 'a security group cannot hold another group')]
    return isName(action) && action === action.toLowerCase() && action.length <= MAX_GROUP_NAME
      ? []
      : [wrong('action', `${action} is no name of a security group`, groupHint)]
  }
  const mistakes: RuleMistake[] = []
  if (!['ACCEPT', 'DROP', 'REJECT'].includes(action))
    mistakes.push(wrong('action', `${action} is no action`, 'ACCEPT, DROP or REJECT'))
  if (direction === 'forward' && action === 'REJECT')
    mistakes.push(wrong('action', 'forwarded packets cannot be rejected', 'use DROP'))
  if (direction === 'forward' && place === 'guest')
    mistakes.push(wrong('direction', 'the rules of a guest have the directions in and out'))
  if (macro !== undefined && macroNamed(macro) !== macro) {
    const near = macroNamed(macro)
    mistakes.push(
      wrong('macro', `there is no macro ${macro}`, near === undefined ? undefined : `it is spelled ${near}`),
    )
  }
  return mistakes
}

function checkIface({ iface }: FirewallRule, place: RulePlace): RuleMistake[] {
  if (iface === undefined) return []
  if (place === 'group')
    return [wrong('iface', 'rules of a security group name no interface', 'name it where the group is used')]
  if (place === 'guest')
    return /^net\d{1,2}$/.test(iface) ? [] : [wrong('iface', `${iface} is no interface of a guest`, 'net0, net1, …')]
  return /^[A-Za-z][A-Za-z0-9_]{1,20}([:.]\d+)?$/.test(iface)
    ? []
    : [wrong('iface', `${iface} is no name of an interface that PVE takes here`, 'letters, digits and _; no hyphen')]
}

function checkAddresses(rule: FirewallRule): RuleMistake[] {
  const mistakes = (['source', 'dest'] as const).flatMap((field) => {
    const text = rule[field]
    return text === undefined ? [] : checkMatch(field, text)
  })
  const families = new Set([familyOf(rule.source), familyOf(rule.dest), protocolFamily(rule.proto)])
  if (families.has(4) && families.has(6))
    mistakes.push(wrong('source', 'the rule mixes IPv4 and IPv6', 'make it two rules'))
  return mistakes
}

function checkMatch(field: 'source' | 'dest', text: string): RuleMistake[] {
  const match = parseMatch(text)
  if (match === undefined) {
    const bits = text.split(',').find((part) => isLoose(part))
    const network = bits === undefined ? undefined : parseNetwork(bits)
    if (network !== undefined)
      return [wrong(field, `${bits} has bits below its prefix`, `the network is ${formatIpCidr(ipNetworkOf(network))}`)]
    return [wrong(field, `${text} is no address, network, range, list of those, +set or alias`)]
  }
  if (match.kind !== 'list')
    return match.name.length <= MAX_SET_NAME ? [] : [wrong(field, `a name has at most ${MAX_SET_NAME} characters`)]
  const isMixed = new Set(match.spans.map(({ family }) => family)).size > 1
  const hasRange = text.includes('-') && text.includes(',')
  return [
    ...(isMixed ? [wrong(field, 'the list mixes IPv4 and IPv6', 'make it two rules, or use a set')] : []),
    ...(hasRange ? [wrong(field, 'a range cannot stand in a list', 'make it two rules, or write networks')] : []),
    ...(text.length > 512 ? [wrong(field, 'the list is longer than 512 characters', 'use a set')] : []),
  ]
}

function checkProtocol(rule: FirewallRule): RuleMistake[] {
  const { proto, dport, sport, icmpType, macro } = rule
  if (macro !== undefined) {
    const doubled = (['proto', 'dport', 'sport', 'icmpType'] as const).find((field) => rule[field] !== undefined)
    return doubled === undefined ? [] : [wrong(doubled, `the macro ${macro} brings its own protocol and ports`)]
  }
  const mistakes: RuleMistake[] = []
  if (proto !== undefined && !PROTOCOLS.includes(proto) && !NUMBERS.map(String).includes(proto))
    mistakes.push(wrong('proto', `${proto} is no protocol that both implementations know`, 'write its number'))
  for (const field of ['dport', 'sport'] as const) {
    const ports = rule[field]
    if (ports === undefined) continue
    if (proto === undefined) mistakes.push(wrong(field, 'ports need a protocol', 'add proto: tcp or udp'))
    else if (!WITH_PORTS.includes(proto)) mistakes.push(wrong(field, `${proto} has no ports`))
    mistakes.push(...checkPorts(field, ports))
  }
  if (icmpType !== undefined) {
    const types = proto === 'icmp' ? ICMP_TYPES : proto === 'icmpv6' || proto === 'ipv6-icmp' ? ICMPV6_TYPES : undefined
    if (types === undefined) mistakes.push(wrong('icmpType', 'an ICMP type needs proto: icmp or icmpv6'))
    else if (!types.includes(icmpType))
      mistakes.push(wrong('icmpType', `${icmpType} is no type of ${proto} that both implementations know`))
  }
  if (dport === undefined && sport === undefined) return mistakes
  return mistakes
}

function checkPorts(field: 'dport' | 'sport', ports: string): RuleMistake[] {
  if (ports === '0') return [wrong(field, 'PVE takes port 0 for no port at all', 'leave it out, or name a range')]
  const parts = ports.split(',')
  const wrongPart = parts.find((part) => {
    const [first = '', last, ...rest] = part.split(':')
    if (last === undefined) return !isNumber(first, 65535)
    return rest.length > 0 || !isNumber(first, 65535) || !isNumber(last, 65535) || Number(first) > Number(last)
  })
  if (wrongPart !== undefined) return [wrong(field, `${wrongPart} is no port or range`, '22, or 8000:8010')]
  const count = parts.reduce((sum, part) => sum + (part.includes(':') ? 2 : 1), 0)
  return count > 15 ? [wrong(field, 'a list has at most 15 ports; a range counts as two', 'make it two rules')] : []
}

function checkRest({ log, comment, direction, ...rest }: FirewallRule): RuleMistake[] {
  const mistakes: RuleMistake[] = []
  if (log !== undefined && !(LOG_LEVELS as readonly string[]).includes(log))
    mistakes.push(wrong('log', `${log} is no log level`, LOG_LEVELS.join(', ')))
  if (comment !== undefined && (/[\r\n\0]/.test(comment) || comment.trim() !== comment || comment === ''))
    mistakes.push(wrong('comment', 'a comment is one line without blanks at its ends'))
  if (direction === 'group') {
    const more = (['source', 'dest', 'proto', 'dport', 'sport', 'icmpType', 'macro'] as const).find(
      (key) => rest[key] !== undefined,
    )
    if (more !== undefined || log !== undefined)
      mistakes.push(wrong(more ?? 'log', 'a rule that brings in a group takes an interface and nothing else'))
  }
  return mistakes
}

const groupHint = `2 to ${MAX_GROUP_NAME} of a-z, 0-9, _ and -, beginning with a letter`

function wrong(field: keyof FirewallRule, message: string, hint?: string): RuleMistake {
  return { field, message, ...(hint === undefined ? {} : { hint }) }
}

function isNumber(text: string, most: number): boolean {
  return /^(0|[1-9]\d*)$/.test(text) && Number(text) <= most
}

function isLoose(part: string): boolean {
  const network = parseNetwork(part)
  return network !== undefined && hasHostBits(network)
}

function familyOf(text: string | undefined): 4 | 6 | undefined {
  if (text === undefined || parseNamed(text) !== undefined) return undefined
  return text.includes(':') ? 6 : 4
}

/** The family that a protocol belongs to; undefined for those of both. */
export function protocolFamily(proto: string | undefined): 4 | 6 | undefined {
  if (proto === 'icmp') return 4
  return proto === 'icmpv6' || proto === 'ipv6-icmp' ? 6 : undefined
}
