/** Additional addresses of a hoster for guests: routed through the node, or bridged past it. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linkNamed, linksRef, portsOf, type Route } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { sysctlNamed } from '../facts/sysctl.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { adoptRouteHooks, type DeviceRoute, dropRouteHooks } from '../nat/route-hooks.ts'
import { formatIp, formatIpCidr, hostOf, type IpCidr, ipContains, ipSpan, parseIpCidr } from '../net/ip-cidr.ts'
import { isGuestPort } from './bridge-steps.ts'
import { forwardingSwitch } from './forwarding.ts'
import { definedElsewhere, linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { planChain } from './plan-chain.ts'
import { OK, type Plan, type PlanBlocked, type Resource, type Span } from './resource.ts'

/** An additional address or subnet of guests. */
export interface AdditionalIp {
  /** Network, without host bits; of a single address all bits. */
  readonly network: IpCidr
  /** Bridge that the guests are plugged into. */
  readonly bridge: string
}

/** One that reaches its guest by the bridge alone. */
export interface BridgedIp extends AdditionalIp {
  /** Hardware address that the hoster assigned. */
  readonly mac: string
  /** Of the guest; default: the node's own. */
  readonly gateway: string | undefined
}

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
      if (hardware.length > 0) return OK
      return refused(
        `${bridge} has no port to the outside, so nobody there can see the hardware address of a guest`,
        'name the bridge of the uplink (vmbr0), or have the address routed (`mode: routed`)',
      )
    },
  }
}

/** Ensures a live route by an interface. */
export function routeLive(route: DeviceRoute): Resource {
  return routeResource(route, (model) => planRoute(model, route))
}

/** Ensures that there is no live route by that interface. */
export function routeGone(route: DeviceRoute): Resource {
  return routeResource(route, (model) => planNoRoute(model, route))
}

function routeResource({ destination, device }: DeviceRoute, plan: (model: Model) => Plan): Resource {
  const text = formatIpCidr(destination)
  return { kind: 'route', key: `route:${text}>${device}`, title: `route ${text}`, reads: [linksRef], plan }
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

function planRoute(model: Model, { destination, device }: DeviceRoute): Plan {
  const links = model.get(linksRef)
  const present = links.routes.filter((route) => isTo(route, destination))
  if (present.length === 1 && present[0]?.devices.join() === device) return OK
  const text = formatIpCidr(destination)
  const before = present.map(({ devices }) => devices.join()).join(', ')
  const route: Route = { family: destination.family, destination: kernelText(destination), devices: [device] }
  return {
    kind: 'change',
    changes: [{ summary: `route to ${text}: ${before === '' ? 'none' : `by ${before}`} → by ${device}` }],
    script: sh`ip ${version(destination)} route replace ${text} dev ${device}`,
    after: [becomes(linksRef, { ...links, routes: [...links.routes.filter((one) => !present.includes(one)), route] })],
  }
}

function planNoRoute(model: Model, { destination, device }: DeviceRoute): Plan {
  const links = model.get(linksRef)
  const present = links.routes.filter((route) => isTo(route, destination) && route.devices.includes(device))
  // The kernel's own, of an address in that network, goes with the address.
  const isConnected = linkNamed(links, device)?.addresses.some(({ cidr }) => isIn(cidr, destination)) === true
  if (present.length === 0 || isConnected) return OK
  const text = formatIpCidr(destination)
  return {
    kind: 'change',
    changes: [{ summary: `remove the route to ${text} by ${device}` }],
    script: sh`ip ${version(destination)} route del ${text} dev ${device} 2>/dev/null || :`,
    after: [becomes(linksRef, { ...links, routes: links.routes.filter((route) => !present.includes(route)) })],
  }
}

function version({ family }: IpCidr): string {
  return family === 6 ? '-6' : '-4'
}

function isTo(route: Route, destination: IpCidr): boolean {
  const cidr = parseIpCidr(route.destination)
  return cidr !== undefined && route.gateway === undefined && formatIpCidr(cidr) === formatIpCidr(destination)
}

/** `ip -j route` shows a single address without its prefix. */
function kernelText(destination: IpCidr): string {
  return hostOf(destination).prefix === destination.prefix ? formatIp(destination) : formatIpCidr(destination)
}

function isIn(cidr: string, network: IpCidr): boolean {
  const parsed = parseIpCidr(cidr)
  return parsed !== undefined && ipContains(network, hostOf(parsed))
}

/** The node's address in a subnet that its bridge is part of; then the kernel has the route already. */
function gatewayWithin({ network, bridge }: AdditionalIp, links: LinksState): string | undefined {
  const address = linkNamed(links, bridge)?.addresses.find(
    ({ cidr }) => isIn(cidr, network) && (parseIpCidr(cidr)?.prefix ?? 0) <= network.prefix,
  )
  return address?.cidr.split('/')[0]
}

function routedGuest(wish: AdditionalIp, links: LinksState): string {
  const { network, bridge } = wish
  const within = gatewayWithin(wish, links)
  const text = formatIpCidr(network)
  if (within !== undefined) return `guests on ${bridge} use addresses of ${text}, with gateway ${within}`
  const gateway =
    firstAddress(linkNamed(links, bridge), network) ?? nodeAddress(links, network) ?? 'the address of the node'
  const each = hostOf(network).prefix === network.prefix ? text : `an address of ${text} as /${hostOf(network).prefix}`
  return `a guest on ${bridge} uses ${each}, with gateway ${gateway} (on-link: it is in no network of the guest)`
}

function bridgedGuest({ network, bridge, mac, gateway }: BridgedIp, links: LinksState): string {
  const default_ = links.routes.find(
    (route) => route.family === network.family && route.destination === 'default' && route.devices.includes(bridge),
  )
  const way = gateway ?? default_?.gateway ?? 'the one that the hoster names'
  return `a guest on ${bridge} uses hardware address ${mac} and ${formatIpCidr(network)}, with gateway ${way} (on-link: it is in no network of the guest)`
}

function firstAddress(link: Link | undefined, { family }: IpCidr): string | undefined {
  return link?.addresses.find((address) => address.family === family && address.scope === 'global')?.cidr.split('/')[0]
}

function nodeAddress(links: LinksState, network: IpCidr): string | undefined {
  const way = links.routes.find((route) => route.family === network.family && route.destination === 'default')
  return way?.devices.map((name) => firstAddress(linkNamed(links, name), network)).find((found) => found !== undefined)
}

function withForwardingNote(plan: Plan, network: IpCidr, model: Model): Plan {
  if (plan.kind !== 'change' || model.get(sysctlNamed(switchOf(network))) !== '0') return plan
  const note = { summary: `note: ${switchOf(network)} is 0, so nothing is forwarded; see ip_forwarding` }
  return { ...plan, changes: [...plan.changes, note] }
}

function refused(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
