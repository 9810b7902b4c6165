/** A source NAT rule as the kernel has it: there exactly once, and no leftovers of earlier ones. */
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { adoptHooks } from '../nat/adopt-hooks.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { rulePlace, samePurpose } from '../nat/rules.ts'
import type { SourceNat } from '../nat/source-nat.ts'
import { formatIpCidr, ipOverlaps } from '../net/ip-cidr.ts'
import { linesOf } from './interfaces-file.ts'
import { type Leftover, planLiveRule, readLive, tableOf } from './live-rules.ts'
import { isBlocked, type MasqueradeDesired, type MasqueradeWish, resolveWish } from './masquerade-wish.ts'
import type { Plan, Resource } from './resource.ts'

/** Ensures the live rule exactly once; doubles, other spellings and rules for networks that are gone are removed. */
export function natRuleLive(desired: MasqueradeDesired): Resource {
  return natResource(desired.rule, (model) => {
    const wish = resolveWish(desired, model)
    if (isBlocked(wish)) return wish
    return planLiveRule(model, { rule: desired.rule, present: true, stale: leftovers(model, wish) })
  })
}

/** Ensures that no live rule hides the network behind that interface. */
export function natRuleAbsent(rule: SourceNat): Resource {
  return natResource(rule, (model) => planLiveRule(model, { rule, present: false }))
}

function natResource(rule: SourceNat, plan: (model: Model) => Plan): Resource {
  const name = `${formatIpCidr(rule.source)} → ${rule.out}`
  return {
    kind: 'nat_rule',
    key: `nat:${formatIpCidr(rule.source)}>${rule.out}`,
    title: `NAT rule ${name}`,
    reads: [tableOf(rule), interfacesRef, linksRef],
    plan,
  }
}

/** Rules through the same interface for networks that the node does not have (any more), and that no hook will bring back. */
function leftovers(model: Model, wish: MasqueradeWish): readonly Leftover[] {
  const state = model.get(tableOf(wish.rule))
  if (!state.available) return []
  const mentioned = mentionedSources(model, wish)
  return state.rules.flatMap((rule) => {
    const read = readLive(rulePlace(wish.rule), rule)
    if (read?.kind !== 'source' || read.out !== wish.rule.out || samePurpose(read, wish.rule)) return []
    if (wish.serves(read) || mentioned(read)) return []
    const reason = ipOverlaps(read.source, wish.rule.source)
      ? `overlaps ${formatIpCidr(wish.rule.source)}`
      : `left over: the node has no other way to ${formatIpCidr(read.source)} than by ${read.out}, and no hook sets this rule`
    return [{ rule, reason }]
  })
}

/** Rules that a hook of some interfaces file sets once this task's own hooks are in order. */
function mentionedSources(model: Model, wish: MasqueradeWish): (rule: SourceNat) => boolean {
  const interfaces = model.get(interfacesRef)
  const files = [adoptHooks(linesOf(interfaces), wish), ...interfaces.sourced.map(({ content }) => parseLines(content))]
  const rules = files.flatMap(ruleHooks).flatMap(({ calls }) => calls.map((call) => call.rule))
  const text = files.flatMap((lines) => unreadLines(lines).filter((line) => /ip6?tables|up[ \t]/.test(line)))
  return (rule) =>
    rules.some((other) => samePurpose(other, rule)) ||
    text.some((line) => !line.trimStart().startsWith('#') && line.includes(formatIpCidr(rule.source)))
}

/** Lines but for hooks of which every call is understood: one for hairpins names the network, and sets another rule. */
function unreadLines(lines: Lines): readonly string[] {
  const read = ruleHooks(lines).filter(({ pure }) => pure)
  return lines.filter((_, i) => !read.some(({ option }) => option.first <= i && i < option.end)).map(({ text }) => text)
}
