/** From parameters to what the editor takes, checked for what both of PVE's parsers would make of it. */

import { formatIpCidr, ipNetworkOf } from '../../net/ip-cidr.ts'
import { hasHostBits, isCardFilter, normalAddress, parseNamed, parseNetwork } from '../../pve-firewall/addresses.ts'
import { checkRule, type RulePlace } from '../../pve-firewall/check-rule.ts'
import type { Alias, SetEntry, WantedSet } from '../../pve-firewall/edit-named.ts'
import { type FirewallRule, parseRule, ruleMeaning } from '../../pve-firewall/rule.ts'
import { type HostContext, ParamProblem } from '../task-type.ts'
import type { GroupParams, RuleParams, SetParams } from './params.ts'

/** Where parameters stand, for messages. */
export type ParamPath = readonly (string | number)[]

/** Rules to have and rules not to have. */
export interface DesiredRules {
  readonly rules: readonly FirewallRule[]
  readonly absent: readonly FirewallRule[]
}

/** Reads rules. Throws ParamProblem for what PVE would not take, or that is there twice. */
export function desiredRules(params: readonly RuleParams[], place: RulePlace, path: ParamPath): DesiredRules {
  const read = params.map((given, index) => desiredRule(given, place, [...path, index]))
  const seen = new Map<string, number>()
  read.forEach(({ rule }, index) => {
    const meaning = ruleMeaning(rule)
    const first = seen.get(meaning)
    if (first !== undefined)
      throw new ParamProblem([...path, index], `the same rule is number ${first + 1} already`, 'keep one of the two')
    seen.set(meaning, index)
  })
  return {
    rules: read.filter(({ absent }) => !absent).map(({ rule }) => rule),
    absent: read.filter(({ absent }) => absent).map(({ rule }) => rule),
  }
}

function desiredRule(given: RuleParams, place: RulePlace, path: ParamPath): { rule: FirewallRule; absent: boolean } {
  const rule = typeof given === 'string' ? parseRule(given) : fromWords(given, path)
  if (rule === undefined)
    throw new ParamProblem(path, `\`${String(given)}\` is no rule of PVE`, 'it looks like IN ACCEPT -p tcp -dport 22')
  const [mistake] = checkRule(rule, place)
  if (mistake !== undefined) {
    const key = mistake.field === 'icmpType' ? 'icmp_type' : mistake.field
    const at = typeof given !== 'string' && key in given ? [...path, key] : path
    throw new ParamProblem(at, mistake.message, mistake.hint)
  }
  return { rule, absent: typeof given !== 'string' && given.state === 'absent' }
}

function fromWords(given: Exclude<RuleParams, string>, path: ParamPath): FirewallRule {
  const { group, direction, action = 'ACCEPT', icmp_type, enabled, ...rest } = given
  const { macro, iface, source, dest, proto, dport, sport, log, comment } = rest
  if (group !== undefined && given.action !== undefined)
    throw new ParamProblem([...path, 'action'], 'the rules of a group have actions of their own', 'leave it out')
  return {
    enabled,
    direction: group === undefined ? direction : 'group',
    action: group ?? action,
    ...defined({ macro, iface, source, dest, proto, dport, sport, log, icmpType: icmp_type, comment }),
  }
}

function defined<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
}

/** Reads a set, with addresses of the inventory where it asks for them. */
export function desiredSet(name: string, given: SetParams, path: ParamPath, host: HostContext): WantedSet {
  const { entries, comment, exclusive, from_inventory: inventory } = asSet(given)
  const listed = entries.map((entry, index) => {
    const wanted: SetEntry = typeof entry === 'string' ? { address: entry } : entry
    checkMember(name, wanted, memberPath(given, path, index))
    return wanted
  })
  listed.forEach((entry, index) => {
    const other = listed.slice(0, index).find((one) => sameMember(one, entry))
    if (other !== undefined && (other.nomatch === true) !== (entry.nomatch === true))
      throw new ParamProblem(
        memberPath(given, path, index),
        `${entry.address} is in the set and taken out of it again`,
        'the kernel holds each address once: leave one of the two',
      )
  })
  const found = inventory === undefined ? [] : inventoryMembers(inventory, [...path, 'from_inventory'], host)
  const known = new Set(listed.map(({ address }) => address))
  const all = [...listed, ...found.filter(({ address }) => !known.has(address))]
  return { name, entries: all, exclusive, ...(comment === undefined ? {} : { comment }) }
}

function memberPath(given: SetParams, path: ParamPath, index: number): ParamPath {
  return Array.isArray(given) ? [...path, index] : [...path, 'entries', index]
}

function sameMember(a: SetEntry, b: SetEntry): boolean {
  return normalAddress(a.address) === normalAddress(b.address)
}

/** A set in its long form. */
export function asSet(given: SetParams): Exclude<SetParams, readonly unknown[]> {
  return Array.isArray(given) ? { entries: given, exclusive: false, state: 'present' } : (given as never)
}

/** A group in its long form. */
export function asGroup(given: GroupParams): Exclude<GroupParams, readonly unknown[]> {
  return Array.isArray(given) ? { rules: given, exclusive: false, state: 'present' } : (given as never)
}

const CARD_FILTER_HINT =
  'name the addresses: with an alias there, PVE leaves out the filter of hardware addresses of the guest'

function checkMember(name: string, { address }: SetEntry, path: ParamPath): void {
  const named = parseNamed(address)
  if (named?.kind === 'alias') {
    if (!isCardFilter(name)) return
    throw new ParamProblem(path, `${name} cannot have an alias (${address})`, CARD_FILTER_HINT)
  }
  const network = parseNetwork(address)
  if (network === undefined)
    throw new ParamProblem(path, `${address} is no address, network or alias`, 'ranges cannot stand in a set')
  if (network.prefix === 0)
    throw new ParamProblem(path, `a set cannot hold all addresses (${address})`, 'write 0.0.0.0/1 and 128.0.0.0/1')
  checkBits(address, path)
}

function checkBits(address: string, path: ParamPath): void {
  const network = parseNetwork(address)
  if (network === undefined || !hasHostBits(network)) return
  const right = formatIpCidr(ipNetworkOf(network))
  throw new ParamProblem(path, `${address} has bits below its prefix`, `the network is ${right}`)
}

/** Reads an alias. */
export function desiredAlias(
  name: string,
  given: string | { address: string; comment?: string | undefined },
  path: ParamPath,
): Alias {
  const alias = typeof given === 'string' ? { address: given } : given
  if (parseNetwork(alias.address) === undefined)
    throw new ParamProblem(path, `${alias.address} is no address or network`, 'an alias names one address or network')
  checkBits(alias.address, path)
  return { name, ...alias }
}

interface FromInventory {
  readonly group: string
  readonly addresses: readonly string[]
}

function inventoryMembers(
  { group, addresses }: FromInventory,
  path: ParamPath,
  host: HostContext,
): readonly SetEntry[] {
  const { hosts = {}, groups = {} } = host.inventory ?? {}
  const names = group === 'all' ? Object.keys(hosts) : Object.hasOwn(groups, group) ? groups[group] : undefined
  if (names === undefined) throw new ParamProblem([...path, 'group'], `the inventory has no group ${group}`)
  const members = names.flatMap((name) =>
    addresses.flatMap((variable) => {
      const view = hosts[name]
      const value = variable === 'address' ? view?.address : own(view?.vars, variable)
      if (value === undefined) return []
      const address = typeof value === 'string' ? value.split('/')[0] : undefined
      if (address === undefined || parseNetwork(address) === undefined)
        throw new ParamProblem(path, `${variable} of ${name} is no IP address: ${String(value)}`, ADDRESS_HINT)
      return [{ address, comment: name }]
    }),
  )
  if (members.length === 0)
    throw new ParamProblem(
      path,
      `no host of ${group} has ${addresses.join(' or ')}`,
      'is the name of the variable right?',
    )
  return members.filter(({ address }, index) => members.findIndex((other) => other.address === address) === index)
}

const ADDRESS_HINT = 'PVE knows addresses only; name a variable that holds one in `addresses`'

function own(vars: Readonly<Record<string, unknown>> | undefined, name: string): unknown {
  return vars !== undefined && Object.hasOwn(vars, name) ? vars[name] : undefined
}
