/** Adopts NAT: rules that hooks of interfaces set, and names those that only live. */
import { interfacesRef } from '../../facts/interfaces.ts'
import { linksRef } from '../../facts/links.ts'
import type { Model } from '../../facts/model.ts'
import { rulesOf, ruleTables } from '../../facts/nat.ts'
import type { Lines } from '../../interfaces/lines.ts'
import { normalName, stanzasOf } from '../../interfaces/stanzas.ts'
import type { ConntrackZone } from '../../nat/conntrack-zone.ts'
import type { Forward } from '../../nat/forward.ts'
import { hookPhase, ruleHooks } from '../../nat/hook-lines.ts'
import { type DeviceRoute, hookRoutes, routeHookLines } from '../../nat/route-hooks.ts'
import { type KnownRule, purposeOf } from '../../nat/rules.ts'
import type { SourceNat } from '../../nat/source-nat.ts'
import { formatIp, formatIpCidr, hostOf } from '../../net/ip-cidr.ts'
import {
  type Adopter,
  type Finding,
  type LeftOver,
  type ParamValue,
  type TaskDraft,
  Variable,
  type Way,
} from '../adopter.ts'
import { interfaceLines, roleOf } from '../networks.ts'
import { shownLine } from '../sensitive.ts'

/** A rule with the interface whose hook sets it. */
interface HookedRule {
  readonly rule: KnownRule
  readonly holder: string
}

/** `masquerade`, `port_forward`, `conntrack_zone`, `additional_ip`. */
export const natAdopter: Adopter = {
  title: 'Address translation',
  reads: [interfacesRef, linksRef, ...ruleTables.map(({ family, table }) => rulesOf(family, table))],
  adopt({ model }) {
    const lines = interfaceLines(model)
    const rules = hookedRules(lines)
    return {
      findings: [
        ...rules.flatMap(({ rule, holder }) => (rule.kind === 'source' ? [sourceFinding(rule, holder, model)] : [])),
        ...rules.flatMap(({ rule, holder }) => (rule.kind === 'forward' ? forwardFinding(rule, holder) : [])),
        ...rules.flatMap(({ rule, holder }) => (rule.kind === 'zone' ? [zoneFinding(rule, holder)] : [])),
        ...hookRoutes(lines).map(routeFinding),
      ],
      leftOvers: [...otherHooks(lines), ...liveOnly(lines, model)],
    }
  },
}

/** Rules that come up with an interface, each once. */
function hookedRules(lines: Lines): readonly HookedRule[] {
  const found = ruleHooks(lines)
    .filter(({ phase, option }) => phase === 'up' && !option.stray)
    .flatMap(({ calls, stanza }) =>
      calls.filter(({ operation }) => operation !== 'delete').map(({ rule }) => ({ rule, holder: stanza.name })),
    )
  const stray = ruleHooks(lines)
    .filter(({ phase, option }) => phase === 'up' && option.stray)
    .flatMap(({ calls, stanza }) => calls.map(({ rule }) => ({ rule, holder: stanza.name })))
  const all = [...found, ...stray]
  return all.filter(({ rule }, i) => all.findIndex((other) => purposeOf(other.rule) === purposeOf(rule)) === i)
}

function sourceFinding(rule: SourceNat, holder: string, model: Model): Finding {
  const source = formatIpCidr(rule.source)
  const out: ParamValue = roleOf(model, rule.out) === 'external' ? new Variable('external_bridge', rule.out) : rule.out
  const params = { source, out, ...(rule.target.kind === 'snat' ? { snat: { to: rule.target.to } } : {}) }
  const task = (more: TaskDraft['params']): Way => ({
    tasks: [{ name: `Hide ${source} behind ${rule.out}`, type: 'masquerade', params: { ...params, ...more } }],
  })
  const tidy = task({})
  const partial = { what: `one guarded hook for ${source}, and its rule live once (\`hooks: tidy\`)`, fuller: tidy }
  const ways: readonly [Way, ...Way[]] = [
    tidy,
    task({ bridge: holder }),
    { ...task({ hooks: 'as_written' }), partial },
    { ...task({ hooks: 'as_written', bridge: holder }), partial },
  ]
  return { what: `source NAT of ${source} by ${rule.out}`, ways }
}

/** Only what comes in from outside: the rules for the node itself and for other guests belong to the same task. */
function forwardFinding(rule: Forward, holder: string): readonly Finding[] {
  const { chain, address, protocol = 'tcp', target, ports } = rule
  const [span, ...others] = ports
  if (chain !== 'PREROUTING' || target.kind !== 'dnat' || span === undefined || others.length > 0) return []
  const port = span.first === span.last ? span.first : `${span.first}-${span.last}`
  const to = `${target.to.includes(':') ? `[${target.to}]` : target.to}:${target.port}`
  const params = { port, to, ...(protocol === 'tcp' ? {} : { protocol }) }
  const from = address === undefined ? {} : { address: formatIp(address) }
  const task = (more: TaskDraft['params']): Way => ({
    tasks: [{ name: `Port ${port} to ${to}`, type: 'port_forward', params: { ...params, ...more } }],
  })
  const what = `port ${port} (${protocol}) to ${to}`
  const fuller = task(from)
  const partial = { what: `guarded hooks, and an answer for the node itself and for guests (\`hooks: tidy\`)`, fuller }
  const written = { ...task({ ...from, hooks: 'as_written' }), partial }
  return [{ what, ways: [task({}), fuller, task({ ...from, bridge: holder }), written] }]
}

function zoneFinding({ family, in: interfaces, zone }: ConntrackZone, holder: string): Finding {
  const params = {
    ...(interfaces === 'fwbr+' ? {} : { interfaces }),
    ...(zone === 1 ? {} : { zone }),
    ...(family === 6 ? { ipv6: true } : {}),
  }
  const task = (more: TaskDraft['params']): Way => ({
    tasks: [
      { name: `Connections of ${interfaces} in zone ${zone}`, type: 'conntrack_zone', params: { ...params, ...more } },
    ],
  })
  return { what: `zone ${zone} of ${interfaces}`, ways: [task({ bridge: holder }), task({})] }
}

/** A route to an additional address of a guest; a network behind a guest looks the same, and is kept the same. */
function routeFinding({ destination, device }: DeviceRoute): Finding {
  const single = formatIpCidr(hostOf(destination)) === formatIpCidr(destination)
  const address = single ? formatIp(destination) : formatIpCidr(destination)
  const params = { address, mode: 'routed', bridge: device }
  const task = { name: `Route ${address} to ${device}`, type: 'additional_ip', params }
  return { what: `route to ${address} by ${device}`, ways: [{ tasks: [task] }] }
}

/** Hooks that do anything else. */
function otherHooks(lines: Lines): readonly LeftOver[] {
  const rules = ruleHooks(lines).filter(({ calls }) => calls.every(isAdopted))
  const known = new Set([...rules.map(({ option }) => option.first), ...routeHookLines(lines)])
  return stanzasOf(lines).flatMap(({ name: iface, options }) =>
    options
      .filter((option) => hookPhase(option.name) !== undefined && !known.has(option.first))
      .map(({ name, value, first }) => ({
        what: `hook of ${iface} (/etc/network/interfaces:${first + 1})`,
        why: `no task describes \`${shownLine(`${normalName(name)} ${value}`)}\`; it stays where it is`,
      })),
  )
}

/** Whether a rule leads to a finding of its own, or comes along with one. */
function isAdopted({ rule }: { readonly rule: KnownRule }): boolean {
  if (rule.kind === 'forward') return rule.target.kind === 'dnat' && rule.ports.length === 1
  return rule.kind === 'source' || rule.kind === 'zone' || rule.kind === 'hairpin'
}

/** Rules of the live table that no hook mentions: gone at the next boot, unless something else sets them. */
function liveOnly(lines: Lines, model: Model): readonly LeftOver[] {
  const text = lines.map(({ text: line }) => line).join('\n')
  return ruleTables.flatMap(({ family, table }) => {
    const state = model.get(rulesOf(family, table))
    if (!state.available) return []
    const program = family === 4 ? 'iptables' : 'ip6tables'
    return [...new Set(state.rules.map(({ raw }) => raw))]
      .filter((raw) => !/PVEFW|-j (DOCKER|KUBE|CNI|LIBVIRT)|^-A (DOCKER|KUBE|CNI|LIBVIRT)/.test(raw))
      .filter((raw) => !isMentioned(raw, text))
      .map((raw) => ({
        what: `${program} -t ${table} ${raw}`,
        why: 'the rule is live, and no hook in /etc/network/interfaces sets it',
      }))
  })
}

/** A hook may spell a rule otherwise: what it must share are its addresses, interfaces and ports. */
function isMentioned(raw: string, text: string): boolean {
  const telling = raw.match(/(?<=-(?:s|d|o|i|-dport|-to-destination|-to-source) )\S+/g) ?? []
  return telling.length > 0 && telling.every((word) => text.includes(word) || text.includes(word.replace(/\/32$/, '')))
}
