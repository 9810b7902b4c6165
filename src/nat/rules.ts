/** All kinds of rules that pvectl sets, whatever their kind: read, written, and told apart by purpose. */
import { formatIpCidr, ipNetworkOf, parseIpCidr } from '../net/ip-cidr.ts'
import { type ConntrackZone, readZone, zoneArgs, zonePlace } from './conntrack-zone.ts'
import { type Forward, forwardArgs, forwardPlace, purposeText, readForward } from './forward.ts'
import { type Hairpin, hairpinArgs, hairpinPlace, readHairpin } from './hairpin.ts'
import { type IptablesCall, type RulePlace, readIptablesCall, readOptions } from './iptables-call.ts'
import type { ShellWord } from './shell-line.ts'
import { readSourceNat, type SourceNat, sourceNatArgs, sourceNatPlace } from './source-nat.ts'

/** A rule that pvectl knows the meaning of. */
export type KnownRule = SourceNat | Forward | Hairpin | ConntrackZone

/** A call about such a rule. */
export interface RuleCall {
  readonly operation: IptablesCall['operation']
  readonly rule: KnownRule
  /** It says no more than the rule: the kernel will have exactly {@link ruleArgs}. */
  readonly exact: boolean
}

/** pvectl's spelling of a rule, as arguments after the chain; iptables-save prints the same. */
export function ruleArgs(rule: KnownRule): readonly string[] {
  switch (rule.kind) {
    case 'source':
      return sourceNatArgs(rule)
    case 'forward':
      return forwardArgs(rule)
    case 'hairpin':
      return hairpinArgs(rule)
    case 'zone':
      return zoneArgs(rule)
  }
}

/** Table and chain of a rule. */
export function rulePlace(rule: KnownRule): RulePlace {
  switch (rule.kind) {
    case 'source':
      return sourceNatPlace(rule)
    case 'forward':
      return forwardPlace(rule)
    case 'hairpin':
      return hairpinPlace(rule)
    case 'zone':
      return zonePlace(rule)
  }
}

/** Names the packets that a rule is about, whatever becomes of them: equal for rules that take each other's place. */
export function purposeOf(rule: KnownRule): string {
  const { family, table, chain } = rulePlace(rule)
  const where = `${family} ${table} ${chain} ${rule.kind}`
  switch (rule.kind) {
    case 'source':
      return `${where} ${formatIpCidr(rule.source)} ${rule.out}`
    case 'forward':
      return `${where} ${purposeText(rule)}`
    case 'hairpin':
      return `${where} ${formatIpCidr(rule.network)}`
    case 'zone':
      return `${where} ${rule.in}`
  }
}

/** True for rules about the same packets. */
export function samePurpose(a: KnownRule, b: KnownRule): boolean {
  return purposeOf(a) === purposeOf(b)
}

/** Reads the arguments of a rule; undefined for one whose purpose is somebody else's. */
export function readRule(place: RulePlace, args: readonly ShellWord[]): KnownRule | undefined {
  if (place.table === 'raw' && place.chain === 'PREROUTING') return readZone(place.family, args)
  if (place.table !== 'nat') return undefined
  if (place.chain === 'POSTROUTING') return readSourceNat(place.family, args) ?? readHairpin(place.family, args)
  return readForward(place, args)
}

/** Reads a command; undefined for what is no call about such a rule. */
export function readRuleCall(words: readonly ShellWord[]): RuleCall | undefined {
  const call = readIptablesCall(words)
  const rule = call === undefined ? undefined : readRule(call, call.args)
  if (call === undefined || rule === undefined) return undefined
  return { operation: call.operation, rule, exact: meaning(call.args) === meaning(ruleArgs(rule)) }
}

/** The options that the kernel would store, in a fixed order and spelling. */
function meaning(args: readonly ShellWord[]): string {
  const options = readOptions(args) ?? []
  const protocol = options.find(({ name }) => name === '-p')?.value
  return options
    .filter(({ name, value }) => !SILENT.has(name) && !(name === '-m' && value === protocol))
    .map(({ name, negated, value }) => `${negated ? '! ' : ''}${LONG[name] ?? name} ${normal(name, value)}`)
    .sort()
    .join('\n')
}

function normal(name: string, value = ''): string {
  const cidr = name === '-s' || name === '-d' ? parseIpCidr(value) : undefined
  return cidr === undefined ? value : formatIpCidr(ipNetworkOf(cidr))
}

/** Options that leave no trace in the rule. */
const SILENT = new Set(['-w', '-v', '-4', '-6'])

/** `--to` stands for either, by the target. */
const LONG: Readonly<Record<string, string>> = {
  '--to': '--to-address',
  '--to-source': '--to-address',
  '--to-destination': '--to-address',
}
