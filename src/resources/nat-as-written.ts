/** Source NAT that somebody else set up, in whatever way, taken as it is as long as it works. */
import { interfacesRef } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, ruleArgs, rulePlace, samePurpose } from '../nat/rules.ts'
import { linesOf } from './interfaces-file.ts'
import { interfacesHooks } from './interfaces-hooks.ts'
import { readLive, tableOf } from './live-rules.ts'
import { foreignHooks, type MasqueradeDesired } from './masquerade-wish.ts'
import { natRuleLive } from './nat-rule.ts'
import { OK, type Resource } from './resource.ts'

/**
 * The live rule and its hooks as somebody wrote them: doubles, other spellings and unguarded hooks stay. Where the rule
 * or every hook for it is missing, they are set as {@link natRuleLive} and {@link interfacesHooks} do.
 */
export function natAsWritten(desired: MasqueradeDesired): readonly [Resource, Resource] {
  return [unless(isLive, natRuleLive(desired), desired), unless(isHooked, interfacesHooks(desired), desired)]
}

function unless(
  holds: (rule: MasqueradeDesired['rule'], model: Model) => boolean,
  resource: Resource,
  { rule }: MasqueradeDesired,
): Resource {
  return { ...resource, plan: (model) => (holds(rule, model) ? OK : resource.plan(model)) }
}

function isLive(rule: MasqueradeDesired['rule'], model: Model): boolean {
  const state = model.get(tableOf(rule))
  if (!state.available) return false
  const found = state.rules.flatMap((live) => readLive(rulePlace(rule), live) ?? [])
  return isSetBy(found, rule)
}

/** Also by a hook after a blank line, which ifupdown2 runs, and by one of a sourced file. */
function isHooked(rule: MasqueradeDesired['rule'], model: Model): boolean {
  const interfaces = model.get(interfacesRef)
  const own = ruleHooks(linesOf(interfaces)).filter(({ phase }) => phase === 'up')
  const hooks = [...own, ...foreignHooks(rule, interfaces).map(({ hook }) => hook)]
  const calls = hooks
    .flatMap((hook) => hook.calls)
    .filter(({ operation }) => operation === 'add' || operation === 'insert')
  return isSetBy(
    calls.map((call) => call.rule),
    rule,
  )
}

/** By some of the rules, and contradicted by none. */
function isSetBy(rules: readonly KnownRule[], wanted: KnownRule): boolean {
  const same = rules.filter((rule) => samePurpose(rule, wanted))
  return same.length > 0 && same.every((rule) => ruleArgs(rule).join(' ') === ruleArgs(wanted).join(' '))
}
