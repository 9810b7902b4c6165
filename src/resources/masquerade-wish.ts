/** What a masquerade task wants, resolved against a node: who holds the hooks, which rules are leftovers. */
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { parseLines } from '../interfaces/lines.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import type { HookWish } from '../nat/adopt-hooks.ts'
import { type RuleHook, ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, samePurpose } from '../nat/rules.ts'
import { networksBehind, servesOthers } from '../nat/served.ts'
import type { SourceNat } from '../nat/source-nat.ts'
import { formatIpCidr, hostOf, ipContains, ipOverlaps } from '../net/ip-cidr.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'

/** Source NAT as asked for. */
export interface MasqueradeDesired {
  readonly rule: SourceNat
  /** Interface whose stanza carries the hooks; default: the one with an address in the network. */
  readonly holder: string | undefined
}

/** Source NAT as asked for, and who else on the node is served by such rules. */
export interface MasqueradeWish extends HookWish {
  readonly rule: SourceNat
  /** True for a rule of another network of the node, whose hooks stay. */
  readonly serves: (rule: SourceNat) => boolean
}

/** The wish for a node, or why it cannot be. */
export function resolveWish({ rule, holder }: MasqueradeDesired, model: Model): MasqueradeWish | PlanBlocked {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const lines = linesOf(interfaces)
  if (linkNamed(links, rule.out) === undefined && stanzasOf(lines, rule.out).length === 0)
    return blocked(`this node has no interface ${rule.out} for packets to leave by`, 'see `ip link` on the node')
  const found = holder ?? holderOf(rule, interfaces)
  if (found === undefined)
    return blocked(
      `no interface in /etc/network/interfaces has an address in ${formatIpCidr(rule.source)}`,
      'put a bridge task with such an address first, or name the interface that is to carry the rule (`bridge`)',
    )
  if (stanzasOf(lines, found).length === 0) {
    const elsewhere = definedElsewhere(interfaces, found)
    return blocked(
      elsewhere === undefined
        ? `/etc/network/interfaces has no interface ${found}`
        : `${found} is described in ${elsewhere}, which pvectl does not edit`,
      'name an interface of /etc/network/interfaces as `bridge`, or add it first',
    )
  }
  const networks = networksBehind(lines, links, rule.out)
  return masqueradeWish(rule, found, (other) => servesOthers(other, rule, networks))
}

/** The wish with what the rule takes the place of: rules for networks that the node has no more. */
export function masqueradeWish(rule: SourceNat, holder: string, serves: (rule: SourceNat) => boolean): MasqueradeWish {
  return {
    rule,
    holder,
    serves,
    replaces: (other, stanza) =>
      other.kind === 'source' &&
      other.out === rule.out &&
      other.source.family === rule.source.family &&
      !serves(other) &&
      (ipOverlaps(other.source, rule.source) || stanza.name === holder),
  }
}

/** Tells the two results of {@link resolveWish} apart. */
export function isBlocked(wish: MasqueradeWish | PlanBlocked): wish is PlanBlocked {
  return 'kind' in wish
}

/** Hooks about the same packets in files that pvectl does not edit. */
export function foreignHooks(
  rule: KnownRule,
  { sourced }: InterfacesState,
): readonly { readonly path: string; readonly hook: RuleHook }[] {
  return sourced.flatMap(({ path, content }) =>
    ruleHooks(parseLines(content))
      .filter(({ phase, calls }) => phase === 'up' && calls.some((call) => samePurpose(call.rule, rule)))
      .map((hook) => ({ path, hook })),
  )
}

function holderOf(rule: SourceNat, interfaces: InterfacesState): string | undefined {
  const lines = linesOf(interfaces)
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return (
    names.find((name) => networksNamed(lines, name).some((cidr) => ipContains(rule.source, cidr))) ??
    names.find((name) => networksNamed(lines, name).some((cidr) => ipContains(rule.source, hostOf(cidr)))) ??
    ruleHooks(lines).find(({ calls }) => calls.some((call) => samePurpose(call.rule, rule)))?.stanza.name
  )
}

function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
