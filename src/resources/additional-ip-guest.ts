/** What guests need to use an additional address: the part that the node cannot do. */
import { type Link, type LinksState, linkNamed } from '../facts/links.ts'
import { formatIpCidr, hostOf, type IpCidr, parseIpCidr } from '../net/ip-cidr.ts'
import { isIn } from './device-route.ts'

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

/** The node's address in a subnet that its bridge is part of; then the kernel has the route already. */
export function gatewayWithin({ network, bridge }: AdditionalIp, links: LinksState): string | undefined {
  const address = linkNamed(links, bridge)?.addresses.find(
    ({ cidr }) => isIn(cidr, network) && (parseIpCidr(cidr)?.prefix ?? 0) <= network.prefix,
  )
  return address?.cidr.split('/')[0]
}

/** What the guest of a routed address needs, in words. */
export function routedGuest(wish: AdditionalIp, links: LinksState): string {
  const { network, bridge } = wish
  const within = gatewayWithin(wish, links)
  const text = formatIpCidr(network)
  if (within !== undefined) return `guests on ${bridge} use addresses of ${text}, with gateway ${within}`
  const gateway =
    firstAddress(linkNamed(links, bridge), network) ?? nodeAddress(links, network) ?? 'the address of the node'
  const each = hostOf(network).prefix === network.prefix ? text : `an address of ${text} as /${hostOf(network).prefix}`
  return `a guest on ${bridge} uses ${each}, with gateway ${gateway} (on-link: it is in no network of the guest)`
}

/** What the guest of a bridged address needs, in words. */
export function bridgedGuest({ network, bridge, mac, gateway }: BridgedIp, links: LinksState): string {
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
