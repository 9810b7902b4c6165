/** A forward: its live rules, and the hooks that bring them back. */
import { joinScripts } from '../connection/script.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf } from '../facts/nat.ts'
import { sysctlNamed } from '../facts/sysctl.ts'
import type { Lines } from '../interfaces/lines.ts'
import { adoptHooks, dropHooks } from '../nat/adopt-hooks.ts'
import { spanText } from '../nat/forward.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import type { KnownRule } from '../nat/rules.ts'
import { formatIp, hostOf, ipContains, parseIp } from '../net/ip-cidr.ts'
import { liveForwards, sameForward } from './forward-checks.ts'
import {
  type ForwardDesired,
  type ForwardWish,
  forwardRules,
  isForwardBlocked,
  resolveForward,
  resolveOutside,
} from './forward-wish.ts'
import { forwardingSwitch } from './forwarding.ts'
import { planInterfacesEdit } from './interfaces-file.ts'
import { type LiveWish, planLiveRule } from './live-rules.ts'
import { foreignHooks } from './masquerade-wish.ts'
import { type Change, OK, type Plan, type PlanChange, type Resource } from './resource.ts'

/** `tcp 8443 → 10.0.0.2:443`. */
export function forwardTitle({ protocol, ports, to, port, address }: ForwardDesired): string {
  const guest = to.family === 6 ? `[${formatIp(to)}]` : formatIp(to)
  const from = address === undefined ? '' : `${formatIp(address)} `
  const target =
    ports.first === ports.last ? `:${port}` : port === ports.first ? '' : `:${port}-${port + ports.last - ports.first}`
  return `${from}${protocol} ${spanText(ports, '-')} → ${guest}${target}`
}

/** Names a forward within a host. */
export function forwardKey({ family, address, protocol, ports }: ForwardDesired): string {
  return `ip${family} ${address === undefined ? 'own' : formatIp(address)} ${protocol} ${spanText(ports, '-')}`
}

/** Ensures the live rules of a forward: from outside, from the node itself, and for guests beside the target. */
export function forwardLive(desired: ForwardDesired): Resource {
  return forwardResource(desired, 'nat_rule', 'live', (model) => {
    const wish = resolveForward(desired, model)
    if (isForwardBlocked(wish)) return wish
    const live = liveForwards(model, desired)
    const wishes = wish.rules.map((rule) => ({
      rule,
      present: true,
      isSame: sameForward(rule, wish.outside, live),
    }))
    return withNote(planRules(model, [...wishes, { rule: wish.hairpin, present: true }]), desired, model)
  })
}

/** Ensures the hooks of a forward in /etc/network/interfaces, once and guarded; lines that others wrote are adopted. */
export function forwardHooks(desired: ForwardDesired): Resource {
  return forwardResource(desired, 'interfaces_hooks', 'hooks', (model) => {
    const wish = resolveForward(desired, model)
    if (isForwardBlocked(wish)) return wish
    const all: readonly KnownRule[] = [...wish.rules, wish.hairpin]
    for (const rule of all) {
      const [foreign] = foreignHooks(rule, model.get(interfacesRef))
      if (foreign !== undefined) return elsewhere(foreign.path, desired)
    }
    return planInterfacesEdit(model, {
      edit: (lines) => all.reduce((file, rule) => adoptHooks(file, hookWish(wish, rule, lines)), lines),
      summary: `hooks in ${wish.holder}, guarded against doubles: ${forwardTitle(desired)}`,
    })
  })
}

/** Ensures that there is no live rule of a forward. */
export function forwardGone(desired: ForwardDesired): Resource {
  return forwardResource(desired, 'nat_rule', 'live', (model) => {
    const outside = resolveOutside(desired, model.get(linksRef))
    if (isForwardBlocked(outside)) return outside
    const live = liveForwards(model, desired)
    const wishes = forwardRules(desired, outside.address).map((rule) => ({
      rule,
      present: false,
      isSame: sameForward(rule, outside.interfaces, live),
    }))
    const rules = planRules(model, wishes)
    const after = rules.kind === 'change' ? model.with(rules.after) : model
    const left = liveForwards(after, desired)
    const unused = left.filter((rule) => rule.kind === 'hairpin' && isUnused(rule, left, desired))
    return inOrder(
      rules,
      planRules(
        after,
        unused.map((rule) => ({ rule, present: false })),
      ),
    )
  })
}

/** Ensures that no hook in /etc/network/interfaces is about a forward. */
export function forwardHooksGone(desired: ForwardDesired): Resource {
  return forwardResource(desired, 'interfaces_hooks', 'hooks', (model) => {
    const outside = resolveOutside(desired, model.get(linksRef))
    if (isForwardBlocked(outside)) return outside
    const rules = forwardRules(desired, outside.address)
    const drop = (lines: Lines): Lines => {
      const all = hookRules(lines)
      const rest = rules.reduce(
        (file, rule) => dropHooks(file, { rule, holder: '', isSame: sameForward(rule, outside.interfaces, all) }),
        lines,
      )
      const left = hookRules(rest)
      return left
        .filter((rule) => rule.kind === 'hairpin' && isUnused(rule, left, desired))
        .reduce((file, rule) => dropHooks(file, { rule, holder: '' }), rest)
    }
    return planInterfacesEdit(model, { edit: drop, summary: `take out the hooks of ${forwardTitle(desired)}` })
  })
}

function forwardResource(desired: ForwardDesired, kind: string, part: string, plan: (model: Model) => Plan): Resource {
  return {
    kind,
    key: `forward-${part}:${forwardKey(desired)}`,
    title: `${part === 'live' ? 'rules' : 'hooks'} for ${forwardTitle(desired)}`,
    reads: [
      rulesOf(desired.family, 'nat'),
      interfacesRef,
      linksRef,
      sysctlNamed(forwardingSwitch(familyName(desired))),
    ],
    plan,
  }
}

function familyName({ family }: ForwardDesired): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6'
}

function hookWish({ holder, outside }: ForwardWish, rule: KnownRule, lines: Lines) {
  if (rule.kind !== 'forward') return { rule, holder }
  return { rule, holder, isSame: sameForward(rule, outside, hookRules(lines)) }
}

function hookRules(lines: Lines): readonly KnownRule[] {
  return ruleHooks(lines).flatMap(({ calls }) => calls.map(({ rule }) => rule))
}

/** No forward is left that leads into the network; only then is the rule of `desired`'s own network taken away. */
function isUnused(hairpin: KnownRule, all: readonly KnownRule[], { to }: ForwardDesired): boolean {
  if (hairpin.kind !== 'hairpin' || !ipContains(hairpin.network, to)) return false
  return !all.some((rule) => {
    if (rule.kind !== 'forward' || rule.target.kind !== 'dnat') return false
    const host = parseIp(rule.target.to)
    return host !== undefined && ipContains(hairpin.network, hostOf(host))
  })
}

/** Several rules, each planned as the ones before leave the table. */
function planRules(start: Model, wishes: readonly LiveWish[]): Plan {
  return wishes.reduce<Plan>((done, wish) => {
    if (done.kind === 'blocked' || done.kind === 'unknown') return done
    const model = done.kind === 'change' ? start.with(done.after) : start
    return inOrder(done, planLiveRule(model, wish))
  }, OK)
}

function inOrder(first: Plan, second: Plan): Plan {
  if (first.kind !== 'change' || second.kind !== 'change')
    return first.kind === 'ok' ? second : second.kind === 'ok' ? first : second
  return {
    kind: 'change',
    changes: [...first.changes, ...second.changes],
    script: joinScripts([first.script, second.script]),
    after: [...first.after, ...second.after],
  } satisfies PlanChange
}

/** Without forwarding nothing from outside gets to the guest, and no rule says so. */
function withNote(plan: Plan, desired: ForwardDesired, model: Model): Plan {
  const name = forwardingSwitch(familyName(desired))
  if (plan.kind !== 'change' || model.get(sysctlNamed(name)) !== '0') return plan
  const note: Change = { summary: `note: ${name} is 0, so nothing is forwarded; see ip_forwarding` }
  return { ...plan, changes: [...plan.changes, note] }
}

function elsewhere(path: string, desired: ForwardDesired): Plan {
  return {
    kind: 'blocked',
    reason: `${path} has a hook for ${forwardTitle(desired)}, and pvectl edits only /etc/network/interfaces`,
    hint: `take the iptables lines out of ${path}, then run again`,
  }
}
