/** Rules of iptables and ip6tables as the kernel has them: there exactly once, or not at all. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import { type NatRule, type NatState, natRule, type RuleTable, rulesOf } from '../facts/nat.ts'
import { additionOf } from '../nat/hook-lines.ts'
import { programOf, type RulePlace } from '../nat/iptables-call.ts'
import { type KnownRule, readRule, ruleArgs, rulePlace, samePurpose } from '../nat/rules.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

/** What is wanted of a live rule. */
export interface LiveWish {
  readonly rule: KnownRule
  readonly present: boolean
  /** True for another way to write the same rule, which goes; default: none. */
  readonly isSame?: (rule: KnownRule) => boolean
  /** Further rules that go, and why. */
  readonly stale?: readonly Leftover[]
}

/** A live rule that goes, and why. */
export interface Leftover {
  readonly rule: NatRule
  readonly reason: string
}

/** Ensures that a rule is live, exactly once. */
export function ruleLive(rule: KnownRule): Resource {
  return ruleResource({ rule, present: true })
}

/** Ensures that a rule is not live, in any spelling. */
export function ruleAbsent(rule: KnownRule): Resource {
  return ruleResource({ rule, present: false })
}

/** The reference to the table of a rule. */
export function tableOf(rule: KnownRule): FactRef<NatState> {
  const { family, table } = rulePlace(rule)
  return rulesOf(family, table as RuleTable)
}

/** Plans the table of a rule: the rule once or not at all, doubles and other spellings gone. */
export function planLiveRule(model: Model, { rule: wanted, present, isSame, stale = [] }: LiveWish): Plan {
  const ref = tableOf(wanted)
  const place = rulePlace(wanted)
  const state = model.get(ref)
  if (!state.available)
    return { kind: 'blocked', reason: state.reason, hint: 'install iptables on the node; every PVE node has it' }
  const args = ruleArgs(wanted)
  const same = state.rules.filter((rule) => {
    const read = readLive(place, rule)
    return read !== undefined && (samePurpose(read, wanted) || isSame?.(read) === true)
  })
  const exact = same.filter((rule) => rule.args.join(' ') === args.join(' '))
  const gone = [
    ...same.filter((rule) => !exact.includes(rule)).map((rule) => ({ rule, reason: present ? 'replaced' : UNWANTED })),
    ...stale,
    ...(present ? [] : exact.map((rule) => ({ rule, reason: UNWANTED }))),
  ]
  const extra = present ? Math.max(0, exact.length - 1) : 0
  if (gone.length === 0 && extra === 0 && (!present || exact.length === 1)) return OK
  const changes: Change[] = [
    ...(present && exact.length === 0 ? [{ summary: `add ${ruleWords(place, args)}` }] : []),
    ...removals(place, gone),
    ...(extra > 0 ? [{ summary: `remove ${extra} of ${exact.length} equal rules ${ruleWords(place, args)}` }] : []),
  ]
  const goneRules = new Set(gone.map(({ rule }) => rule))
  const kept = state.rules.filter((rule) => !goneRules.has(rule) && !exact.includes(rule))
  const one = exact[0] ?? natRule(place.chain, args)
  const all = additionOf(wanted) === '-I' ? [one, ...kept] : [...kept, one]
  return {
    kind: 'change',
    changes,
    script: joinScripts([...(present ? [addOnce(wanted)] : []), ...deletions(place, gone)]),
    after: [becomes(ref, { available: true, rules: present ? all : kept })],
  }
}

/** Commands that delete a rule however often it is there. */
export function deleteAll({ family, table }: Pick<RulePlace, 'family' | 'table'>, rule: NatRule): Script {
  return sh`while ${programOf(family)} -w -t ${table} -D ${rule.chain} ${rule.args} 2>/dev/null; do :; done`
}

/** What pvectl understands of a live rule, when it is in this place. */
export function readLive(place: RulePlace, { chain, args }: NatRule): KnownRule | undefined {
  return chain === place.chain ? readRule(place, args) : undefined
}

const UNWANTED = 'no longer wanted'

function ruleResource(wish: LiveWish): Resource {
  const text = ruleWords(rulePlace(wish.rule), ruleArgs(wish.rule))
  return {
    kind: 'nat_rule',
    key: `rule:${text}`,
    title: `rule ${text}`,
    reads: [tableOf(wish.rule)],
    plan: (model) => planLiveRule(model, wish),
  }
}

/** Source NAT is known by its words; for others it matters where they stand. */
function ruleWords({ table, chain }: RulePlace, args: readonly string[]): string {
  const text = args.join(' ')
  if (table !== 'nat') return `${table} ${chain} ${text}`
  return chain === 'POSTROUTING' ? text : `${chain} ${text}`
}

/** One line for equal rules, with their number. */
function removals(place: RulePlace, gone: readonly Leftover[]): readonly Change[] {
  const first = gone.filter(({ rule }, i) => gone.findIndex((other) => other.rule.raw === rule.raw) === i)
  return first.map(({ rule, reason }) => {
    const count = gone.filter((other) => other.rule.raw === rule.raw).length
    return { summary: `remove ${ruleWords(place, rule.args)} (${reason}${count > 1 ? `, ${count} times` : ''})` }
  })
}

function deletions(place: RulePlace, gone: readonly Leftover[]): readonly Script[] {
  const rules = new Map(gone.map(({ rule }) => [rule.raw, rule]))
  return [...rules.values()].map((rule) => deleteAll(place, rule))
}

/** Adds before it takes doubles away, so that there is no moment without the rule. */
function addOnce(rule: KnownRule): Script {
  const { family, table, chain } = rulePlace(rule)
  const program = programOf(family)
  const args = ruleArgs(rule)
  return sh`${program} -w -t ${table} -C ${chain} ${args} 2>/dev/null || ${program} -w -t ${table} ${additionOf(rule)} ${chain} ${args}
pv_n=$(${program}-save -t ${table} | grep -cxF -e ${`-A ${chain} ${args.join(' ')}`}) || :
while [ "$pv_n" -gt 1 ]; do ${program} -w -t ${table} -D ${chain} ${args}; pv_n=$((pv_n-1)); done`
}
