/** The zone in which connections through guests' firewall bridges are tracked: live, and by a hook. */
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { adoptHooks, dropHooks } from '../nat/adopt-hooks.ts'
import type { ConntrackZone } from '../nat/conntrack-zone.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { programOf } from '../nat/iptables-call.ts'
import { ruleArgs, samePurpose } from '../nat/rules.ts'
import { definedElsewhere, linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { planLiveRule, tableOf } from './live-rules.ts'
import { foreignHooks } from './masquerade-wish.ts'
import { planChain } from './plan-chain.ts'
import type { Plan, PlanBlocked, Resource } from './resource.ts'

/** Ensures the rule, live exactly once, and its hook in the stanza of `holder` (default: where NAT hooks are). */
export function conntrackZone(rule: ConntrackZone, holder: string | undefined): Resource {
  return zoneResource(rule, `zone ${rule.zone} for ${rule.in}`, (model) => {
    const interfaces = model.get(interfacesRef)
    const [elsewhere] = foreignHooks(rule, interfaces)
    const live = (now: Model) => planLiveRule(now, { rule, present: true })
    // SDN writes the same line to its own file (pve-network, PVE::Network::SDN::Zones), and no second one is needed.
    if (elsewhere !== undefined) return planChain(model, [live, (now) => withoutHooks(rule, now)])
    const found = holderOf(rule, holder, model)
    if (typeof found !== 'string') return found
    const summary = `hook in ${found}, guarded against doubles: ${ruleArgs(rule).join(' ')}`
    return planChain(model, [
      live,
      (now) =>
        planInterfacesEdit(now, {
          edit: (lines) =>
            adoptHooks(holder === undefined ? lines : inNoOther(lines, rule, found), { rule, holder: found }),
          summary,
        }),
    ])
  })
}

/** Ensures that neither the rule nor a hook for it is there. */
export function conntrackZoneGone(rule: ConntrackZone): Resource {
  return zoneResource(rule, `no zone for ${rule.in}`, (model) =>
    planChain(model, [(now) => planLiveRule(now, { rule, present: false }), (now) => withoutHooks(rule, now)]),
  )
}

function zoneResource(rule: ConntrackZone, title: string, plan: (model: Model) => Plan): Resource {
  return {
    kind: 'conntrack_zone',
    key: `zone:${programOf(rule.family)} ${rule.in}`,
    title: rule.family === 6 ? `${title} (IPv6)` : title,
    reads: [tableOf(rule), interfacesRef, linksRef],
    plan,
  }
}

function withoutHooks(rule: ConntrackZone, model: Model): Plan {
  const summary = `take out the hook for ${rule.in}`
  return planInterfacesEdit(model, { edit: (lines) => dropHooks(lines, { rule, holder: '' }), summary })
}

/** An interface that the task names is to carry the hook, not another one that may go one day. */
function inNoOther(lines: Lines, rule: ConntrackZone, holder: string): Lines {
  const isThere = ruleHooks(lines).some(
    ({ stanza, option, phase, calls }) =>
      stanza.name === holder && !option.stray && phase === 'up' && calls.some((call) => samePurpose(call.rule, rule)),
  )
  return isThere ? lines : dropHooks(lines, { rule, holder: '' })
}

/** Where the guides have it: with the masquerading. */
function holderOf(rule: ConntrackZone, wanted: string | undefined, model: Model): string | PlanBlocked {
  const interfaces = model.get(interfacesRef)
  const lines = linesOf(interfaces)
  const hooks = ruleHooks(lines)
  const own = hooks.find(({ calls }) => calls.some((call) => samePurpose(call.rule, rule)))
  const nat = hooks.find(({ calls }) => calls.some((call) => call.rule.kind === 'source'))
  const found = wanted ?? own?.stanza.name ?? nat?.stanza.name
  if (found !== undefined && stanzasOf(lines, found).length > 0) return found
  const elsewhere = found === undefined ? undefined : definedElsewhere(interfaces, found)
  return {
    kind: 'blocked',
    reason:
      found === undefined
        ? 'no interface in /etc/network/interfaces has masquerading, so nobody can say where the rule belongs'
        : elsewhere === undefined
          ? `/etc/network/interfaces has no interface ${found}`
          : `${found} is described in ${elsewhere}, which pvectl does not edit`,
    hint: 'put a masquerade task first, or name the interface that is to carry the rule (`bridge`)',
  }
}
