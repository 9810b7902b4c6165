/** A route to a network by an interface of the node, as the kernel has it. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { linkNamed, linksRef, type Route } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import type { DeviceRoute } from '../nat/route-hooks.ts'
import { formatIp, formatIpCidr, hostOf, type IpCidr, ipContains, parseIpCidr } from '../net/ip-cidr.ts'
import { OK, type Plan, type Resource } from './resource.ts'

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

/** Plans a live route by an interface; one to the same network by another takes its place. */
export function planRoute(model: Model, { destination, device }: DeviceRoute): Plan {
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

/** Plans that there is no live route by that interface, but for the kernel's own. */
export function planNoRoute(model: Model, { destination, device }: DeviceRoute): Plan {
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

/** True for an address, with or without prefix, of a network. */
export function isIn(cidr: string, network: IpCidr): boolean {
  const parsed = parseIpCidr(cidr)
  return parsed !== undefined && ipContains(network, hostOf(parsed))
}
