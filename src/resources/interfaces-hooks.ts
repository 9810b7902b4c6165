/** The hook lines that bring a NAT rule back at boot and whenever its interface comes up. */
import { INTERFACES_PATH, interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { adoptHooks, dropHooks, type HookWish } from '../nat/adopt-hooks.ts'
import { hookPhase, ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, ruleArgs, samePurpose } from '../nat/rules.ts'
import { formatIpCidr } from '../net/ip-cidr.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { foreignHooks, isBlocked, type MasqueradeDesired, resolveWish } from './masquerade-wish.ts'
import type { Plan, Resource } from './resource.ts'

/** Ensures the hooks of a rule in /etc/network/interfaces, once and guarded; lines that others wrote are adopted. */
export function interfacesHooks(desired: MasqueradeDesired): Resource {
  return hooksResource(desired, (model) => {
    const wish = resolveWish(desired, model)
    if (isBlocked(wish)) return wish
    const [foreign] = foreignHooks(desired.rule, model.get(interfacesRef))
    if (foreign !== undefined) {
      const same = foreign.hook.calls.every(({ rule }) => ruleText(rule) === ruleText(desired.rule))
      const guarded = foreign.hook.calls.some(({ operation }) => operation === 'check')
      if (!same || !guarded) return unguardedElsewhere(foreign.path, desired)
      return planInterfacesEdit(model, { edit: (lines) => dropHooks(lines, wish), summary: hooksSummary(model, wish) })
    }
    return planInterfacesEdit(model, {
      edit: (lines) => adoptHooks(lines, wish),
      summary: hooksSummary(model, wish),
      notes: strayNotes(model, wish),
    })
  })
}

/** Ensures that no hook in /etc/network/interfaces is about the rule. */
export function interfacesHooksAbsent(desired: MasqueradeDesired): Resource {
  return hooksResource(desired, (model) => {
    const [foreign] = foreignHooks(desired.rule, model.get(interfacesRef))
    const wish: HookWish = { rule: desired.rule, holder: '' }
    if (foreign !== undefined) return unguardedElsewhere(foreign.path, desired)
    const summary = `take out the hooks of ${formatIpCidr(desired.rule.source)} through ${desired.rule.out}`
    return planInterfacesEdit(model, { edit: (lines) => dropHooks(lines, wish), summary })
  })
}

function hooksResource({ rule }: MasqueradeDesired, plan: (model: Model) => Plan): Resource {
  const name = `${formatIpCidr(rule.source)} → ${rule.out}`
  return {
    kind: 'interfaces_hooks',
    key: `interfaces-hooks:${formatIpCidr(rule.source)}>${rule.out}`,
    title: `hooks for ${name}`,
    reads: [interfacesRef, linksRef],
    plan,
  }
}

function hooksSummary(model: Model, { rule, holder }: HookWish): string {
  const present = ruleHooks(linesOf(model.get(interfacesRef))).find(({ calls }) =>
    calls.some((call) => samePurpose(call.rule, rule)),
  )
  return present === undefined
    ? `add to ${holder}, guarded against doubles: ${ruleText(rule)}`
    : `put in order what ${present.stanza.name} has: ${ruleText(rule)}`
}

function ruleText(rule: KnownRule): string {
  return ruleArgs(rule).join(' ')
}

function unguardedElsewhere(path: string, { rule }: MasqueradeDesired): Plan {
  return {
    kind: 'blocked',
    reason: `${path} has a hook for ${formatIpCidr(rule.source)} through ${rule.out}, and pvectl edits only ${INTERFACES_PATH}`,
    hint: `take the iptables lines out of ${path}, then run again`,
  }
}

/** Hooks after a blank line: on the next save in the web interface PVE moves them to another interface. */
function strayNotes(model: Model, wish: HookWish): readonly string[] {
  const after = adoptHooks(linesOf(model.get(interfacesRef)), wish)
  return stanzasOf(after, wish.holder)
    .filter(({ options }) => options.some(({ stray, name }) => stray && hookPhase(name) !== undefined))
    .map(
      ({ name }) =>
        `note: ${name} has other hooks after a blank line; a save in the web interface will move those to another interface`,
    )
}
