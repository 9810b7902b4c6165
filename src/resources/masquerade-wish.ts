/** What a masquerade task wants, resolved against a node: who holds the hooks, which rules are leftovers. */
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { parseLines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import type { HookWish } from '../nat/adopt-hooks.ts'
import { type NatHook, natHooks } from '../nat/hook-lines.ts'
import { networksBehind, servesOthers } from '../nat/served.ts'
import { type SourceNat, samePackets } from '../nat/source-nat.ts'
import { contains, formatCidr } from '../net/cidr.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'

/** Source NAT as asked for. */
export interface MasqueradeDesired {
  readonly rule: SourceNat
  /** Interface whose stanza carries the hooks; default: the one with an address in the network. */
  readonly holder: string | undefined
}

/** The wish for a node, or why it cannot be. */
export function resolveWish({ rule, holder }: MasqueradeDesired, model: Model): HookWish | PlanBlocked {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const lines = linesOf(interfaces)
  if (linkNamed(links, rule.out) === undefined && stanzasOf(lines, rule.out).length === 0)
    return blocked(`this node has no interface ${rule.out} for packets to leave by`, 'see `ip link` on the node')
  const found = holder ?? holderOf(rule, interfaces)
  if (found === undefined)
    return blocked(
      `no interface in /etc/network/interfaces has an address in ${formatCidr(rule.source)}`,
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
  return { rule, holder: found, serves: (other) => servesOthers(other, rule, networks) }
}

/** Tells the two results of {@link resolveWish} apart. */
export function isBlocked(wish: HookWish | PlanBlocked): wish is PlanBlocked {
  return 'kind' in wish
}

/** Hooks about the same packets in files that pvectl does not edit. */
export function foreignHooks(
  rule: SourceNat,
  { sourced }: InterfacesState,
): readonly { readonly path: string; readonly hook: NatHook }[] {
  return sourced.flatMap(({ path, content }) =>
    natHooks(parseLines(content))
      .filter(({ phase, calls }) => phase === 'up' && calls.some((call) => samePackets(call.rule, rule)))
      .map((hook) => ({ path, hook })),
  )
}

function holderOf(rule: SourceNat, interfaces: InterfacesState): string | undefined {
  const lines = linesOf(interfaces)
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return (
    names.find((name) => addressesNamed(lines, name).some((cidr) => contains(rule.source, cidr))) ??
    names.find((name) => addressesNamed(lines, name).some((cidr) => contains(rule.source, { ...cidr, prefix: 32 }))) ??
    natHooks(lines).find(({ calls }) => calls.some((call) => samePackets(call.rule, rule)))?.stanza.name
  )
}

function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
