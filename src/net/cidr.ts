/** IPv4 addresses with prefix, as interfaces(5), ip and iptables write them. */
import { formatIpv4, netmask, parseIpv4 } from './subnet.ts'

/** An address with the network it is in: `10.0.0.1/24`. */
export interface Ipv4Cidr {
  /** The address, 0 to 2³²−1. */
  readonly address: number
  /** Bits of the network, 0 to 32. */
  readonly prefix: number
}

/** `10.0.0.1/24`, `10.0.0.1/255.255.255.0`, or a bare address as /32; undefined when it is none of these. */
export function parseCidr(text: string): Ipv4Cidr | undefined {
  const [host = '', mask, ...rest] = text.split('/')
  const address = parseIpv4(host)
  const prefix = mask === undefined ? 32 : parseMask(mask)
  return address === undefined || prefix === undefined || rest.length > 0 ? undefined : { address, prefix }
}

/** Bits of a netmask, given as such (`24`) or dotted (`255.255.255.0`); undefined when it is neither. */
export function parseMask(text: string): number | undefined {
  if (/^(0|[1-9]\d?)$/.test(text)) return Number(text) <= 32 ? Number(text) : undefined
  return Array.from({ length: 33 }, (_, bits) => bits).find((bits) => netmask(bits) === text)
}

/** `10.0.0.1/24`. */
export function formatCidr({ address, prefix }: Ipv4Cidr): string {
  return `${formatIpv4(address)}/${prefix}`
}

/** The network that an address is in: `10.0.0.0/24` of `10.0.0.1/24`. */
export function networkOf({ address, prefix }: Ipv4Cidr): Ipv4Cidr {
  return { address: address - (address % 2 ** (32 - prefix)), prefix }
}

/** True when the networks have an address in common. */
export function overlaps(a: Ipv4Cidr, b: Ipv4Cidr): boolean {
  const prefix = Math.min(a.prefix, b.prefix)
  return networkOf({ ...a, prefix }).address === networkOf({ ...b, prefix }).address
}

/** True when all of `inner` lies in the network of `outer`. */
export function contains(outer: Ipv4Cidr, inner: Ipv4Cidr): boolean {
  return outer.prefix <= inner.prefix && overlaps(outer, inner)
}

/** True for an address that no host may have: the network or broadcast address; /31 and /32 have neither. */
export function isReserved({ address, prefix }: Ipv4Cidr): boolean {
  if (prefix >= 31) return false
  const offset = address % 2 ** (32 - prefix)
  return offset === 0 || offset === 2 ** (32 - prefix) - 1
}
