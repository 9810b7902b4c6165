/** A forward: its live rules, and the hooks that bring them back. */
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf } from '../facts/nat.ts'
import { sysctlNamed } from '../facts/sysctl.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { adoptHooks, dropHooks } from '../nat/adopt-hooks.ts'
import { spanText } from '../nat/forward.ts'
import { relationTo } from '../nat/forward-relation.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, samePurpose } from '../nat/rules.ts'
import { formatIp, hostOf, type IpCidr, ipContains, parseIp } from '../net/ip-cidr.ts'
import { FORWARD_READS, forwardBlocked, goneForward, liveForwards, sameForward } from './forward-checks.ts'
import {
  type ForwardDesired,
  type ForwardWish,
  forwardRules,
  isForwardBlocked,
  type Outside,
  resolveForward,
  resolveOutside,
} from './forward-wish.ts'
import { forwardingSwitch } from './forwarding.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { type LiveWish, planLiveRule } from './live-rules.ts'
import { foreignHooks } from './masquerade-wish.ts'
import { planChain } from './plan-chain.ts'
import { type Change, OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

/** `tcp 8443 → 10.0.0.2:443`. */
export function forwardTitle({ protocol, ports, to, port, address }: ForwardDesired): string {
  const guest = to.family === 6 ? `[${formatIp(to)}]` : formatIp(to)
  const from = address === undefined ? '' : `${formatIp(address)} `
  const first = ports.first === ports.last || port !== ports.first ? `:${port}` : ''
  const last = ports.first === ports.last || first === '' ? '' : `-${port + ports.last - ports.first}`
  return `${from}${protocol} ${spanText(ports, '-')} → ${guest}${first}${last}`
}

/**
 * Ensures a forward: from outside, from the node itself, and for guests beside the target; live, and by hooks in
 * /etc/network/interfaces. Lines that others wrote are adopted. Blocks when something else has the port.
 */
export function portForward(desired: ForwardDesired): Resource {
  return forwardResource(desired, `forward ${forwardTitle(desired)}`, (model) => {
    const wish = resolveForward(desired, model)
    if (isForwardBlocked(wish)) return wish
    const blocked = forwardBlocked(wish, model) ?? hooksElsewhere(wish, model)
    if (blocked !== undefined) return blocked
    return withNote(planChain(model, [...liveParts(wish, model), (now) => planHooks(wish, now)]), desired, model)
  })
}

/**
 * A forward as somebody wrote it, in whatever words and for whichever askers, as long as it is live and a hook brings it
 * back. Where either is missing, it is set as {@link portForward} does.
 */
export function forwardAsWritten(desired: ForwardDesired): Resource {
  const resource = portForward(desired)
  return {
    ...resource,
    plan(model) {
      const outside = resolveOutside(desired, model.get(linksRef))
      if (isForwardBlocked(outside)) return outside
      const [wanted] = forwardRules(desired, outside.address)
      const isSet = (rules: readonly KnownRule[]) =>
        wanted !== undefined &&
        rules.some((rule) => rule.kind === 'forward' && relationTo(wanted, rule, outside.interfaces) === 'same')
      const interfaces = model.get(interfacesRef)
      const files = [linesOf(interfaces), ...interfaces.sourced.map(({ content }) => parseLines(content))]
      return isSet(liveForwards(model, desired)) && files.some((lines) => isSet(upRules(lines)))
        ? OK
        : resource.plan(model)
    },
  }
}

/** Ensures that there is no such forward. */
export function portForwardGone(desired: ForwardDesired): Resource {
  // It has no claim to the ports themselves: in the same run another forward may get some of them.
  const { spans: _, ...resource } = forwardResource(desired, `no forward ${forwardTitle(desired)}`, (model) => {
    const outside = resolveOutside(desired, model.get(linksRef))
    if (isForwardBlocked(outside)) return outside
    const live = liveForwards(model, desired)
    const rules = forwardRules(desired, outside.address).map((rule) => (now: Model) => {
      return planLiveRule(now, { rule, present: false, isSame: goneForward(rule, outside.interfaces, live) })
    })
    const edit = (lines: Lines) => withoutHooks(lines, desired, outside)
    return planChain(model, [
      ...rules,
      (now) => planUnused(now, desired.to),
      (now) => planInterfacesEdit(now, { edit, summary: `take out the hooks of ${forwardTitle(desired)}` }),
    ])
  })
  return resource
}

function forwardResource(desired: ForwardDesired, title: string, plan: (model: Model) => Plan): Resource {
  const { family, address, protocol, ports } = desired
  const from = address === undefined ? 'own' : formatIp(address)
  return {
    kind: 'port_forward',
    key: `forward:ip${family} ${from} ${protocol} ${spanText(ports, '-')}`,
    spans: [{ space: `${protocol} port`, of: `ip${family} ${from}`, first: ports.first, last: ports.last }],
    title,
    reads: [...FORWARD_READS, rulesOf(family, 'nat'), sysctlNamed(switchOf(desired))],
    plan,
  }
}

function liveParts(wish: ForwardWish, model: Model): readonly ((model: Model) => Plan)[] {
  const live = liveForwards(model, wish.desired)
  const wishes: readonly LiveWish[] = [
    ...wish.rules.map((rule) => ({ rule, present: true, isSame: sameForward(rule, wish.outside, live) })),
    { rule: wish.hairpin, present: true },
  ]
  const former = formerTargets(wish, live)
  return [
    ...wishes.map((one) => (now: Model) => planLiveRule(now, one)),
    ...former.map((to) => (now: Model) => planUnused(now, to)),
  ]
}

/** Guests that the forward led to before. */
function formerTargets({ rules, desired, outside }: ForwardWish, all: readonly KnownRule[]): readonly IpCidr[] {
  const moved = all.filter((rule) => rules.some((wanted) => sameForward(wanted, outside, all)(rule)))
  return targetsOf(moved).filter((to) => formatIp(to) !== formatIp(desired.to))
}

function planHooks(wish: ForwardWish, model: Model): Plan {
  const { holder, desired, rules, outside } = wish
  const lines = linesOf(model.get(interfacesRef))
  const isSame = rules.map((rule) => sameForward(rule, outside, hookRules(lines)))
  const there = ruleHooks(lines).find(({ calls }) => calls.some(({ rule }) => isSame.some((same) => same(rule))))
  return planInterfacesEdit(model, {
    edit: (file) => withHooks(file, wish),
    summary: `hooks in ${there?.stanza.name ?? holder}, guarded against doubles: ${forwardTitle(desired)}`,
  })
}

/** Hooks that stand elsewhere already stay there, and those of the same forward that are missing join them. */
function withHooks(lines: Lines, wish: ForwardWish): Lines {
  const all = hookRules(lines)
  const forwards = wish.rules.reduce((file, rule) => {
    const beside = ruleHooks(file).find(({ calls }) => calls.some((call) => wish.rules.some(isOf(call.rule))))
    const holder = beside?.stanza.name ?? wish.holder
    return adoptHooks(file, { rule, holder, isSame: sameForward(rule, wish.outside, all) })
  }, lines)
  const whole = adoptHooks(forwards, { rule: wish.hairpin, holder: wish.holder })
  return formerTargets(wish, all).reduce(withoutUnused, whole)
}

function isOf(rule: KnownRule): (other: KnownRule) => boolean {
  return (other) => samePurpose(rule, other)
}

function withoutHooks(lines: Lines, desired: ForwardDesired, outside: Outside): Lines {
  const all = hookRules(lines)
  const rest = forwardRules(desired, outside.address).reduce(
    (file, rule) => dropHooks(file, { rule, holder: '', isSame: goneForward(rule, outside.interfaces, all) }),
    lines,
  )
  return withoutUnused(rest, desired.to)
}

function withoutUnused(lines: Lines, to: IpCidr): Lines {
  return unusedHairpins(hookRules(lines), to).reduce((file, rule) => dropHooks(file, { rule, holder: '' }), lines)
}

function planUnused(model: Model, to: IpCidr): Plan {
  const unused = unusedHairpins(liveForwards(model, to), to)
  return planChain(
    model,
    unused.map((rule) => (now: Model) => planLiveRule(now, { rule, present: false })),
  )
}

/** Hairpin rules of the network of a guest into which no forward leads any more. */
function unusedHairpins(all: readonly KnownRule[], to: IpCidr): readonly KnownRule[] {
  const targets = targetsOf(all)
  const unused = all.filter(
    (rule) =>
      rule.kind === 'hairpin' &&
      ipContains(rule.network, to) &&
      !targets.some((target) => ipContains(rule.network, target)),
  )
  return unused.filter((rule, i) => unused.findIndex((other) => samePurpose(rule, other)) === i)
}

function targetsOf(rules: readonly KnownRule[]): readonly IpCidr[] {
  return rules.flatMap((rule) => {
    const host = rule.kind === 'forward' && rule.target.kind === 'dnat' ? parseIp(rule.target.to) : undefined
    return host === undefined ? [] : [hostOf(host)]
  })
}

function upRules(lines: Lines): readonly KnownRule[] {
  const calls = ruleHooks(lines).flatMap((hook) => (hook.phase === 'up' ? hook.calls : []))
  return calls.filter(({ operation }) => operation === 'add' || operation === 'insert').map(({ rule }) => rule)
}

function hookRules(lines: Lines): readonly KnownRule[] {
  return ruleHooks(lines).flatMap(({ calls }) => calls.map(({ rule }) => rule))
}

function hooksElsewhere({ rules, hairpin, desired }: ForwardWish, model: Model): PlanBlocked | undefined {
  const [foreign] = [...rules, hairpin].flatMap((rule) => foreignHooks(rule, model.get(interfacesRef)))
  if (foreign === undefined) return undefined
  return {
    kind: 'blocked',
    reason: `${foreign.path} has a hook for ${forwardTitle(desired)}, and pvectl edits only /etc/network/interfaces`,
    hint: `take the iptables lines out of ${foreign.path}, then run again`,
  }
}

function switchOf({ family }: ForwardDesired): string {
  return forwardingSwitch(family === 4 ? 'ipv4' : 'ipv6')
}

/** Without forwarding nothing from outside gets to the guest, and no rule says so. */
function withNote(plan: Plan, desired: ForwardDesired, model: Model): Plan {
  const name = switchOf(desired)
  if (plan.kind !== 'change' || model.get(sysctlNamed(name)) !== '0') return plan
  const note: Change = { summary: `note: ${name} is 0, so nothing is forwarded; see ip_forwarding` }
  return { ...plan, changes: [...plan.changes, note] }
}
