/** Additional addresses of a hoster for guests: routed through the node, or bridged past it. */
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { sysctlNamed } from '../facts/sysctl.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { adoptRouteHooks, dropRouteHooks } from '../nat/route-hooks.ts'
import { formatIp, formatIpCidr, hostOf, type IpCidr, ipSpan } from '../net/ip-cidr.ts'
import { type AdditionalIp, type BridgedIp, bridgedGuest, gatewayWithin, routedGuest } from './additional-ip-guest.ts'
import { isGuestPort } from './bridge-steps.ts'
import { planNoRoute, planRoute } from './device-route.ts'
import { forwardingSwitch } from './forwarding.ts'
import { definedElsewhere, linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { planChain } from './plan-chain.ts'
import { OK, type Plan, type PlanBlocked, type Resource, type Span } from './resource.ts'

/** Ensures the route to an additional address, live and by hooks, unless the bridge has an address in its network. */
export function routedIp(wish: AdditionalIp): Resource {
  const { network, bridge } = wish
  return {
    kind: 'additional_route',
    key: `additional:${formatIpCidr(network)}`,
    spans: [spanOf(network)],
    title: `route ${formatIpCidr(network)}`,
    reads: [linksRef, interfacesRef, sysctlNamed(switchOf(network))],
    notices: (model) => [routedGuest(wish, model.get(linksRef))],
    plan(model) {
      const links = model.get(linksRef)
      const blocked = bridgeMissing(wish, model) ?? ownAddress(network, links)
      if (blocked !== undefined) return blocked
      if (gatewayWithin(wish, links) !== undefined) return OK
      const route = { destination: network, device: bridge }
      const plan = planChain(model, [
        (now) => planRoute(now, route),
        (now) =>
          planInterfacesEdit(now, {
            edit: (lines) => adoptRouteHooks(lines, route),
            summary: `hooks in ${bridge}: route to ${formatIpCidr(network)}`,
          }),
      ])
      return withForwardingNote(plan, network, model)
    },
  }
}

/** Ensures that no route and no hook is for an additional address. */
export function routedIpGone({ network, bridge }: AdditionalIp): Resource {
  return {
    kind: 'additional_route',
    key: `additional:${formatIpCidr(network)}`,
    title: `route ${formatIpCidr(network)}`,
    reads: [linksRef, interfacesRef],
    plan: (model) =>
      planChain(model, [
        (now) => planNoRoute(now, { destination: network, device: bridge }),
        (now) =>
          planInterfacesEdit(now, {
            edit: (lines) => dropRouteHooks(lines, network),
            summary: `take out the hooks of ${formatIpCidr(network)}`,
          }),
      ]),
  }
}

/** Ensures, by blocking, that a guest on the bridge can have the address: all else is between guest and hoster. */
export function bridgedIp(wish: BridgedIp): Resource {
  const { network, bridge } = wish
  return {
    kind: 'additional_bridged',
    key: `additional:${formatIpCidr(network)}`,
    spans: [spanOf(network)],
    title: `${formatIpCidr(network)} on ${bridge}`,
    reads: [linksRef, interfacesRef],
    notices: (model) => [bridgedGuest(wish, model.get(linksRef))],
    plan(model) {
      const links = model.get(linksRef)
      const blocked = bridgeMissing(wish, model) ?? ownAddress(network, links)
      if (blocked !== undefined) return blocked
      const hardware = portsOf(links, bridge).filter((port) => !isGuestPort(port.name))
      // Open vSwitch keeps its ports to itself.
      if (hardware.length > 0 || linkNamed(links, bridge)?.kind !== 'bridge') return OK
      return refused(
        `${bridge} has no port to the outside, so nobody there can see the hardware address of a guest`,
        'name the bridge of the uplink (vmbr0), or have the address routed (`mode: routed`)',
      )
    },
  }
}

function spanOf(network: IpCidr): Span {
  const { first, last } = ipSpan(network)
  return { space: 'additional address', of: `ip${network.family}`, first, last, text: formatIpCidr(network) }
}

function switchOf({ family }: IpCidr): string {
  return forwardingSwitch(family === 4 ? 'ipv4' : 'ipv6')
}

function bridgeMissing({ bridge }: AdditionalIp, model: Model): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const link = linkNamed(model.get(linksRef), bridge)
  if (link !== undefined && stanzasOf(linesOf(interfaces), bridge).length > 0) return undefined
  const elsewhere = definedElsewhere(interfaces, bridge)
  if (elsewhere !== undefined)
    return refused(
      `${bridge} is described in ${elsewhere}, which pvectl does not edit`,
      'name a bridge of /etc/network/interfaces',
    )
  return refused(`this node has no bridge ${bridge}`, 'put a bridge task for it first')
}

/** The node would take the packets for itself. */
function ownAddress(network: IpCidr, { links }: LinksState): PlanBlocked | undefined {
  if (hostOf(network).prefix !== network.prefix) return undefined
  const holder = links.find(({ addresses }) => addresses.some(({ cidr }) => cidr.split('/')[0] === formatIp(network)))
  if (holder === undefined) return undefined
  return refused(
    `${formatIp(network)} is an address of the node itself (${holder.name}), which then keeps what is meant for the guest`,
    `take it from ${holder.name} first; the node needs no additional address of its own`,
  )
}

function withForwardingNote(plan: Plan, network: IpCidr, model: Model): Plan {
  if (plan.kind !== 'change' || model.get(sysctlNamed(switchOf(network))) !== '0') return plan
  const note = { summary: `note: ${switchOf(network)} is 0, so nothing is forwarded; see ip_forwarding` }
  return { ...plan, changes: [...plan.changes, note] }
}

function refused(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
