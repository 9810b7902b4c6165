/** What links and routes will be after a step. Pure. */
import { type Link, type LinksState, linkNamed, type Route } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { forwardDelayInFile, mtuInFile, portsInFile, stpInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { formatCidr, type Ipv4Cidr, networkOf, parseCidr } from '../net/cidr.ts'

/** The bridge that `ifup` will make of a stanza, and those of its ports that the node has. */
export function linkFromFile(
  lines: Lines,
  name: string,
  links: LinksState,
): { readonly link: Link; readonly ports: readonly string[] } {
  const ports = (portsInFile(lines, name) ?? []).flatMap((port) => linkNamed(links, port)?.name ?? [])
  const stp = stpInFile(lines, name)
  const link: Link = {
    name,
    kind: 'bridge',
    mtu: mtuInFile(lines, name) ?? 1500,
    up: true,
    altnames: [],
    addresses: addressesNamed(lines, name).map((cidr) => ({ cidr: formatCidr(cidr), family: 4, scope: 'global' })),
    bridge: { stp, forwardDelay: forwardDelayInFile(lines, name) ?? 15 },
  }
  return { link, ports }
}

/** Adds or replaces a link; `ports` become its ports, and its IPv4 networks are routed to it. */
export function replaceLink(state: LinksState, link: Link, ports: readonly string[] = []): LinksState {
  const others = state.links.map((other) =>
    ports.includes(other.name) ? { ...other, master: link.name, up: true } : other,
  )
  const there = others.some(({ name }) => name === link.name)
  const links = there ? others.map((other) => (other.name === link.name ? link : other)) : [...others, link]
  const before = state.links.find(({ name }) => name === link.name)
  return { links, routes: [...state.routes.filter((route) => !isNetworkOf(before, route)), ...networkRoutes(link)] }
}

/** Takes a link away, with its routes; its ports lose their master. */
export function withoutLink(state: LinksState, name: string): LinksState {
  const links = state.links
    .filter((link) => link.name !== name)
    .map(({ master, ...link }) => (master === undefined || master === name ? link : { ...link, master }))
  const routes = state.routes
    .map((route) => ({ ...route, devices: route.devices.filter((device) => device !== name) }))
    .filter(({ devices }) => devices.length > 0)
  return { links, routes }
}

/** The link with one IPv4 address more. */
export function withAddress(link: Link, cidr: Ipv4Cidr): Link {
  return { ...link, addresses: [...link.addresses, { cidr: formatCidr(cidr), family: 4, scope: 'global' }] }
}

/** The link with one address less. */
export function withoutAddress(link: Link, cidr: string): Link {
  return { ...link, addresses: link.addresses.filter((address) => address.cidr !== cidr) }
}

function networkRoutes(link: Link): readonly Route[] {
  return link.addresses.flatMap(({ cidr, family }) => {
    const parsed = family === 4 ? parseCidr(cidr) : undefined
    if (parsed === undefined || parsed.prefix === 32) return []
    return [{ family: 4 as const, destination: formatCidr(networkOf(parsed)), devices: [link.name] }]
  })
}

function isNetworkOf(link: Link | undefined, route: Route): boolean {
  if (link === undefined || route.family !== 4) return false
  return networkRoutes(link).some(
    ({ destination, devices }) =>
      destination === route.destination && route.gateway === undefined && devices[0] === route.devices[0],
  )
}
