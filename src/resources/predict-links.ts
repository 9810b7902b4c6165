/** What links and routes will be after a step. Pure. */
import { type Link, type LinkAddress, type LinksState, linkNamed, type Route } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { addresses6Named } from '../interfaces/address6.ts'
import { modeInFile, readHashPolicy, readLacpRate } from '../interfaces/bond.ts'
import {
  forwardDelayInFile,
  linkLocalInFile,
  mtuInFile,
  portsInFile,
  stpInFile,
  vlanAwareInFile,
} from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { optionInFile } from '../interfaces/link-stanza.ts'
import { formatIpCidr, ipNetworkOf, parseIpv4Cidr, parseIpv6Cidr } from '../net/ip-cidr.ts'
import { isLinkLocal } from '../net/ipv6.ts'

/** The bridge that `ifup` will make of a stanza, and those of its ports that the node has. */
export function linkFromFile(
  lines: Lines,
  name: string,
  links: LinksState,
): { readonly link: Link; readonly ports: readonly string[] } {
  const ports = (portsInFile(lines, name) ?? []).flatMap((port) => linkNamed(links, port)?.name ?? [])
  const smallest = ports.map((port) => linkNamed(links, port)?.mtu ?? 1500)
  const link: Link = {
    ...plainLink(lines, name, 'bridge', smallest.length === 0 ? 1500 : Math.min(...smallest)),
    bridge: {
      stp: stpInFile(lines, name),
      forwardDelay: forwardDelayInFile(lines, name) ?? 15,
      ...(vlanAwareInFile(lines, name) ? { vlanAware: true } : {}),
    },
  }
  return { link, ports }
}

/** The bond that a stanza makes. */
export function bondFromFile(lines: Lines, name: string): Link {
  const mode = modeInFile(lines, name)
  const primary = optionInFile(lines, name, 'bond-primary')
  return {
    ...plainLink(lines, name, 'bond', 1500),
    bond: {
      mode,
      miimon: Number(optionInFile(lines, name, 'bond-miimon') ?? 0),
      hashPolicy: readHashPolicy(optionInFile(lines, name, 'bond-xmit-hash-policy')) ?? 'layer2',
      ...(mode === '802.3ad' ? { lacpRate: readLacpRate(optionInFile(lines, name, 'bond-lacp-rate')) ?? 'slow' } : {}),
      ...(primary === undefined ? {} : { primary }),
    },
  }
}

/** A link that is up, with what any stanza may give it. `mtu`: what it has when the file does not say. */
export function plainLink(lines: Lines, name: string, kind: string, mtu: number): Link {
  return {
    name,
    kind,
    mtu: mtuInFile(lines, name) ?? mtu,
    up: true,
    altnames: [],
    addresses: addressesInFile(lines, name),
    ...(linkLocalInFile(lines, name) ? {} : { noLinkLocal: true as const }),
  }
}

function addressesInFile(lines: Lines, name: string): readonly LinkAddress[] {
  return [
    ...addressesNamed(lines, name).map((cidr) => ({ cidr: formatIpCidr(cidr), family: 4, scope: 'global' }) as const),
    ...addresses6Named(lines, name).map(
      (cidr) => ({ cidr: formatIpCidr(cidr), family: 6, scope: isLinkLocal(cidr) ? 'link' : 'global' }) as const,
    ),
  ]
}

/** Adds or replaces a link; `ports` become its ports, and its networks are routed to it. */
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

/** The link with one address more. */
export function withAddress(link: Link, address: LinkAddress): Link {
  return { ...link, addresses: [...link.addresses, address] }
}

/** The link with one address less. */
export function withoutAddress(link: Link, cidr: string): Link {
  return { ...link, addresses: link.addresses.filter((address) => address.cidr !== cidr) }
}

function networkRoutes(link: Link): readonly Route[] {
  return link.addresses.flatMap(({ cidr, family, scope }) => {
    const destination = scope === 'global' ? networkText(cidr) : undefined
    return destination === undefined ? [] : [{ family, destination, devices: [link.name] }]
  })
}

/** The network of an address as routes name it; undefined for a single address, which makes no route. */
function networkText(cidr: string): string | undefined {
  const parsed = parseIpv4Cidr(cidr)
  if (parsed !== undefined) return parsed.prefix === 32 ? undefined : formatIpCidr(ipNetworkOf(parsed))
  const parsed6 = parseIpv6Cidr(cidr)
  return parsed6 === undefined || parsed6.prefix === 128 ? undefined : formatIpCidr(ipNetworkOf(parsed6))
}

function isNetworkOf(link: Link | undefined, route: Route): boolean {
  if (link === undefined) return false
  return networkRoutes(link).some(
    ({ family, destination, devices }) =>
      family === route.family &&
      destination === route.destination &&
      route.gateway === undefined &&
      devices[0] === route.devices[0],
  )
}
