/** A source NAT rule as the kernel has it: there exactly once, and no leftovers of earlier ones. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type NatRule, natRef, natRule } from '../facts/nat.ts'
import { parseLines } from '../interfaces/lines.ts'
import { adoptHooks, type HookWish } from '../nat/adopt-hooks.ts'
import { natHooks } from '../nat/hook-lines.ts'
import { readSourceNat, ruleArgs, type SourceNat, samePackets } from '../nat/source-nat.ts'
import { formatCidr, overlaps } from '../net/cidr.ts'
import { linesOf } from './interfaces-file.ts'
import { isBlocked, type MasqueradeDesired, resolveWish } from './masquerade-wish.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

/** Ensures the live rule exactly once; doubles, other spellings and rules for networks that are gone are removed. */
export function natRuleLive(desired: MasqueradeDesired): Resource {
  return natResource(desired.rule, (model) => {
    const wish = resolveWish(desired, model)
    return isBlocked(wish) ? wish : planRules(model, desired.rule, leftovers(model, wish), true)
  })
}

/** Ensures that no live rule hides the network behind that interface. */
export function natRuleAbsent(rule: SourceNat): Resource {
  return natResource(rule, (model) => planRules(model, rule, [], false))
}

/** A live rule that goes, and why. */
export interface Leftover {
  readonly rule: NatRule
  readonly reason: string
}

/** Commands that delete a rule however often it is there. */
export function deleteAll(args: readonly string[]): Script {
  return sh`while iptables -w -t nat -D POSTROUTING ${args} 2>/dev/null; do :; done`
}

function natResource(rule: SourceNat, plan: (model: Model) => Plan): Resource {
  const name = `${formatCidr(rule.source)} → ${rule.out}`
  return {
    kind: 'nat_rule',
    key: `nat:${formatCidr(rule.source)}>${rule.out}`,
    title: `NAT rule ${name}`,
    reads: [natRef, interfacesRef, linksRef],
    plan,
  }
}

function planRules(model: Model, wanted: SourceNat, stale: readonly Leftover[], present: boolean): Plan {
  const state = model.get(natRef)
  if (!state.available)
    return { kind: 'blocked', reason: state.reason, hint: 'install iptables on the node; every PVE node has it' }
  const args = ruleArgs(wanted)
  const same = state.rules.filter((rule) => isAbout(rule, wanted))
  const exact = same.filter((rule) => rule.args.join(' ') === args.join(' '))
  const gone = [
    ...same.filter((rule) => !exact.includes(rule)).map((rule) => ({ rule, reason: 'replaced' })),
    ...stale,
    ...(present ? [] : exact.map((rule) => ({ rule, reason: 'no longer wanted' }))),
  ]
  const extra = present ? Math.max(0, exact.length - 1) : 0
  if (gone.length === 0 && extra === 0 && (!present || exact.length === 1)) return OK
  const changes: Change[] = [
    ...(present && exact.length === 0 ? [{ summary: `add ${args.join(' ')}` }] : []),
    ...gone.map(({ rule, reason }) => ({ summary: `remove ${rule.args.join(' ')} (${reason})` })),
    ...(extra > 0 ? [{ summary: `remove ${extra} of ${exact.length} equal rules ${args.join(' ')}` }] : []),
  ]
  const goneRules = new Set(gone.map(({ rule }) => rule))
  const kept = state.rules.filter((rule) => !goneRules.has(rule) && !exact.includes(rule))
  const one = exact[0] ?? natRule('POSTROUTING', args)
  return {
    kind: 'change',
    changes,
    script: joinScripts([
      ...(present ? [addOnce(args)] : []),
      ...[...new Set(gone.map(({ rule }) => rule.raw))].map((raw) =>
        deleteAll(gone.find(({ rule }) => rule.raw === raw)?.rule.args ?? []),
      ),
    ]),
    after: [becomes(natRef, { available: true, rules: present ? [...kept, one] : kept })],
  }
}

/** Adds before it takes doubles away, so that there is no moment without the rule. */
function addOnce(args: readonly string[]): Script {
  return sh`iptables -w -t nat -C POSTROUTING ${args} 2>/dev/null || iptables -w -t nat -A POSTROUTING ${args}
pv_n=$(iptables-save -t nat | grep -cxF -e ${`-A POSTROUTING ${args.join(' ')}`}) || :
while [ "$pv_n" -gt 1 ]; do iptables -w -t nat -D POSTROUTING ${args}; pv_n=$((pv_n-1)); done`
}

function isAbout(rule: NatRule, wanted: SourceNat): boolean {
  const read = rule.chain === 'POSTROUTING' ? readSourceNat(rule.args) : undefined
  return read !== undefined && samePackets(read, wanted)
}

/** Rules through the same interface for networks that the node does not have (any more), and that no hook will bring back. */
function leftovers(model: Model, wish: HookWish): readonly Leftover[] {
  const state = model.get(natRef)
  if (!state.available) return []
  const mentioned = mentionedSources(model, wish)
  return state.rules.flatMap((rule) => {
    const read = rule.chain === 'POSTROUTING' ? readSourceNat(rule.args) : undefined
    if (read === undefined || read.out !== wish.rule.out || samePackets(read, wish.rule)) return []
    if (wish.serves(read) || mentioned(read)) return []
    const reason = overlaps(read.source, wish.rule.source)
      ? `overlaps ${formatCidr(wish.rule.source)}`
      : `left over: the node has no other way to ${formatCidr(read.source)} than by ${read.out}, and no hook sets this rule`
    return [{ rule, reason }]
  })
}

/** Rules that a hook of some interfaces file sets once this task's own hooks are in order. */
function mentionedSources(model: Model, wish: HookWish): (rule: SourceNat) => boolean {
  const interfaces = model.get(interfacesRef)
  const files = [adoptHooks(linesOf(interfaces), wish), ...interfaces.sourced.map(({ content }) => parseLines(content))]
  const rules = files.flatMap(natHooks).flatMap(({ calls }) => calls.map((call) => call.rule))
  const text = files
    .flatMap((lines) => lines.filter((line) => /iptables|up[ \t]/.test(line.text)))
    .map((line) => line.text)
  return (rule) =>
    rules.some((other) => samePackets(other, rule)) ||
    text.some((line) => !line.trimStart().startsWith('#') && line.includes(formatCidr(rule.source)))
}
