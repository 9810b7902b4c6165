/**
 * What PVE's parsers find wrong with a file. The iptables implementation skips the line and goes on, the nftables one
 * refuses the whole file (pve-firewall src/PVE/Firewall.pm; proxmox-ve-config firewall/common.rs).
 */
import { isUtf8 } from 'node:buffer'
import { formatLines, type Lines } from '../interfaces/lines.ts'
import type { IpFamily } from '../net/ip-cidr.ts'
import {
  isCardFilter,
  isName,
  MAX_GROUP_NAME,
  MAX_SET_NAME,
  type NamedAddress,
  parseMatch,
  parseNamed,
  parseNetwork,
} from './addresses.ts'
import { checkRule, protocolFamily, type RuleMistake } from './check-rule.ts'
import { parseAlias, parseSetEntry } from './edit-named.ts'
import { OPTIONS, parseOption, RATE_LIMIT } from './options.ts'
import { type FirewallRule, parseRule } from './rule.ts'
import { type Entry, type FileKind, parseFile, type Section } from './sections.ts'

/** One thing that is wrong with a line. */
export interface FileProblem {
  /** Counts from 1. */
  readonly line: number
  /** `whole`: the nftables implementation refuses the file; `line`: only this line has no effect. */
  readonly spoils: 'whole' | 'line'
  readonly message: string
}

/** Names that lines of a file may use. */
interface Known {
  /** Aliases with the family of their address. */
  readonly aliases: Map<string, IpFamily>
  readonly sets: Set<string>
  readonly groups: Set<string>
  /** Names by scope: `dc` of the cluster's file, `guest` of the guest's own. */
  readonly scopes: Readonly<Record<'dc' | 'guest', Set<string>>>
  /** Aliases of the file itself, so far. */
  readonly own: Set<string>
}

/**
 * Problems of a file, in file order. `cluster` is the cluster's file, whose aliases, sets and groups the files of nodes
 * and guests may use.
 */
export function checkFile(lines: Lines, file: FileKind, cluster: Lines = []): readonly FileProblem[] {
  const parsed = parseFile(lines, file)
  const outer = file === 'cluster' ? undefined : parseFile(cluster, 'cluster')
  const outside = outer?.sections ?? []
  const known: Known = {
    aliases: new Map(outer === undefined ? [] : aliasFamilies(outer.sections)),
    sets: new Set(namesOf(outer?.sections ?? [], 'ipset')),
    groups: new Set(namesOf(outer?.sections ?? parsed.sections, 'group')),
    own: new Set(),
    scopes: {
      dc: new Set([...aliasFamilies(outside).map(([name]) => name), ...namesOf(outside, 'ipset').map(setKey)]),
      guest: new Set(),
    },
  }
  const scope = file === 'guest' ? known.scopes.guest : known.scopes.dc
  const problems: FileProblem[] = [
    ...encoding(lines),
    ...parsed.strays.map(({ at }) => whole(at, 'stands above the first section')),
  ]
  const options = new Set<string>()
  const named = new Set<string>()
  for (const section of parsed.sections) {
    problems.push(...checkHeader(lines, section, named))
    for (const entry of section.entries) problems.push(...checkEntry(entry, section, file, known, options))
    if (section.kind === 'ipset') {
      known.sets.add(section.name)
      scope.add(setKey(section.name))
    }
    if (section.kind === 'aliases') for (const [name] of aliasFamilies([section])) scope.add(name)
  }
  return problems
}

function checkHeader(lines: Lines, { kind, name, header }: Section, named: Set<string>): FileProblem[] {
  if (kind !== 'ipset' && kind !== 'group') return []
  const text = (lines[header]?.text ?? '').trim()
  const key = `${kind} ${name}`
  const twice = named.has(key)
  named.add(key)
  const most = kind === 'group' ? MAX_GROUP_NAME : MAX_SET_NAME
  return [
    ...(twice ? [whole(header, `the ${kind} ${name} is there twice`)] : []),
    ...(text.startsWith(kind === 'group' ? '[group' : '[IPSET')
      ? []
      : [whole(header, 'is not spelled as PVE writes it')]),
    ...(isName(name) && name.length <= most ? [] : [whole(header, `${name} is no name of a ${kind}`)]),
    ...(text.includes(`${name}]`) ? [] : [part(header, `PVE reads the name in lower case: ${name}`)]),
  ]
}

function checkEntry(entry: Entry, section: Section, file: FileKind, known: Known, options: Set<string>): FileProblem[] {
  if (entry.text.startsWith('[')) return [whole(entry.at, `${entry.text} is no section of this file`)]
  switch (section.kind) {
    case 'options':
      return checkOption(entry, file, options)
    case 'aliases':
      return checkAlias(entry, known)
    case 'ipset':
      return checkMember(entry, section, known)
    default:
      return checkRuleLine(entry, section.kind === 'group' ? 'group' : file, known)
  }
}

function checkOption({ at, text }: Entry, file: FileKind, seen: Set<string>): FileProblem[] {
  const option = parseOption(text)
  if (option === undefined) return [whole(at, `${text} is no option`)]
  const { name, value } = option
  const twice = seen.has(name)
  seen.add(name)
  const form = OPTIONS[file][name]?.form
  const bad =
    (form?.kind === 'switch' && !/^[01]$/.test(value)) ||
    (form?.kind === 'words' && !form.words.includes(value.toUpperCase())) ||
    (form?.kind === 'level' && !/^(emerg|alert|crit|err|warning|notice|info|debug|nolog)$/.test(value)) ||
    (form?.kind === 'number' && !/^\d+$/.test(value)) ||
    (form?.kind === 'rate' && !RATE_LIMIT.test(value))
  return [
    ...(twice ? [whole(at, `the option ${name} is there twice`)] : []),
    ...(bad ? [whole(at, `${value === '' ? 'nothing' : value} is no value of ${name}`)] : []),
  ]
}

function checkAlias({ at, text }: Entry, known: Known): FileProblem[] {
  const alias = parseAlias(text)
  const network = parseNetwork(alias?.address ?? '')
  if (alias === undefined || !isName(alias.name) || network === undefined) return [whole(at, `${text} is no alias`)]
  const key = alias.name.toLowerCase()
  const twice = known.own.has(key)
  known.own.add(key)
  known.aliases.set(key, network.family)
  return [
    ...(alias.exact ? [] : [part(at, 'PVE wants exactly one blank between name and address, and drops the alias')]),
    ...(twice ? [whole(at, `the alias ${alias.name} is there twice`)] : []),
  ]
}

function checkMember({ at, text }: Entry, { name }: Section, known: Known): FileProblem[] {
  const entry = parseSetEntry(text)
  const address = entry?.address ?? ''
  const alias = parseNamed(address)
  if (alias !== undefined && alias.kind === 'alias') {
    if (!isKnown(alias, known))
      return [part(at, `there is no alias ${titleOf(alias)} above the set ${name} that uses it`)]
    return isCardFilter(name)
      ? [part(at, `${name} has an alias, for which PVE leaves out the filter of hardware addresses`)]
      : []
  }
  const network = parseNetwork(address)
  if (network === undefined) return [whole(at, `${text} is no member of a set`)]
  return network.prefix === 0 ? [part(at, 'a set cannot hold all addresses (/0)')] : []
}

function checkRuleLine({ at, text }: Entry, place: FileKind | 'group', known: Known): FileProblem[] {
  const rule = parseRule(text)
  if (rule === undefined) return [whole(at, `${text} is no rule`)]
  const found = checkRule(rule, place).filter((mistake) => !isTolerated(rule, mistake))
  const mistakes = found.map((mistake) =>
    isFatal(rule, mistake) ? whole(at, mistake.message) : part(at, mistake.message),
  )
  const twice = repeatedOption(text)
  if (twice !== undefined) mistakes.push(whole(at, `the rule has -${twice} twice`))
  if (/^[^#]*#$/.test(text)) mistakes.push(whole(at, 'the rule ends with a # and no comment'))
  const missing = references(rule, known).map((message) => part(at, message))
  const spelled =
    rule.direction === 'group' && !/^\|?\s*GROUP/.test(text) ? [whole(at, 'GROUP is written in capitals')] : []
  return [...mistakes, ...missing, ...spelled]
}

/** What pvectl does not write but PVE reads: services by name, as /etc/services of the node has them, and old ICMP types. */
function isTolerated(rule: FirewallRule, { field }: RuleMistake): boolean {
  if (field !== 'dport' && field !== 'sport') return false
  if (protocolFamily(rule.proto) !== undefined) return field === 'dport'
  return rule.proto !== undefined && /^[a-z][a-z0-9-]*$/i.test(rule[field] ?? '')
}

/** What the nftables parser trips over; of the rest it makes something, or nothing (proxmox-ve-config rule_match.rs). */
function isFatal(rule: FirewallRule, { field }: RuleMistake): boolean {
  if (rule.direction === 'group') return field !== 'action' && field !== 'direction' && field !== 'iface'
  if (field === 'log' || field === 'icmpType') return true
  if (field === 'dport' || field === 'sport') return /^\d*[^a-z]*$/i.test(rule[field] ?? '') && rule.proto !== undefined
  const families = [rule.source, rule.dest].map((text) => familyOf(text, { aliases: new Map() }))
  return field === 'source' && families.includes(4) && families.includes(6)
}

function repeatedOption(text: string): string | undefined {
  const flags = [...text.replace(/#.*$/, '').matchAll(/\s--?([a-z-]+)\s/g)].map(([, flag = '']) => flag)
  return flags.find((flag, index) => flags.indexOf(flag) !== index)
}

function references(rule: FirewallRule, known: Known): string[] {
  if (rule.direction === 'group')
    return known.groups.has(rule.action) ? [] : [`there is no security group ${rule.action}`]
  const missing = [rule.source, rule.dest].flatMap((text) => {
    const named = text === undefined ? undefined : parseNamed(text)
    if (named === undefined || named.scope === 'sdn') return []
    return isKnown(named, known) ? [] : [`there is no ${named.kind} ${titleOf(named)} above the rule that uses it`]
  })
  const families = new Set(
    [rule.source, rule.dest].map((text) => familyOf(text, known)).concat(protocolFamily(rule.proto)),
  )
  return families.has(4) && families.has(6)
    ? [...missing, 'the rule mixes IPv4 and IPv6, one of them by an alias']
    : missing
}

function isKnown({ kind, scope, name }: NamedAddress, { aliases, sets, scopes }: Known): boolean {
  if (scope === 'dc' || scope === 'guest') return scopes[scope].has(kind === 'set' ? setKey(name) : name)
  return kind === 'set' ? sets.has(name) : aliases.has(name)
}

function titleOf({ scope, name }: NamedAddress): string {
  return scope === '' ? name : `${scope}/${name}`
}

/** Sets and aliases may have the same name. */
function setKey(name: string): string {
  return `+${name}`
}

function familyOf(text: string | undefined, { aliases }: Pick<Known, 'aliases'>): IpFamily | undefined {
  const match = text === undefined ? undefined : parseMatch(text)
  if (match?.kind === 'list') return match.spans[0]?.family
  return match?.kind === 'alias' ? aliases.get(match.name) : undefined
}

function encoding(lines: Lines): FileProblem[] {
  return isUtf8(formatLines(lines)) ? [] : [{ line: 1, spoils: 'whole', message: 'the file is not UTF-8' }]
}

function aliasFamilies(sections: readonly Section[]): readonly (readonly [string, IpFamily])[] {
  const texts = sections.filter(({ kind }) => kind === 'aliases').flatMap(({ entries }) => entries)
  return texts.flatMap(({ text }): (readonly [string, IpFamily])[] => {
    const alias = parseAlias(text)
    const family = parseNetwork(alias?.address ?? '')?.family
    return alias === undefined || family === undefined ? [] : [[alias.name.toLowerCase(), family]]
  })
}

function namesOf(sections: readonly Section[], kind: 'ipset' | 'group'): readonly string[] {
  return sections.filter((section) => section.kind === kind).map(({ name }) => name)
}

function whole(at: number, message: string): FileProblem {
  return { line: at + 1, spoils: 'whole', message }
}

function part(at: number, message: string): FileProblem {
  return { line: at + 1, spoils: 'line', message }
}
