/** Addresses with prefix of either family, in the spelling of the kernel: `10.0.0.0/24`, `fd00:10::/64`. */
import { formatIpv6, parseIpv6 } from './ipv6.ts'
import { formatIpv4, parseIpv4, parseMask } from './subnet.ts'

/** Version of the Internet Protocol. */
export type IpFamily = 4 | 6

/** An address with the network that it is in. */
export interface IpCidr {
  readonly family: IpFamily
  readonly address: bigint
  /** Bits of the network: 0 to 32, or to 128. */
  readonly prefix: number
}

/** One of IPv4: 32 bits at most. */
export type Ipv4Cidr = IpCidr & { readonly family: 4 }

/** One of IPv6: 128 bits at most. */
export type Ipv6Cidr = IpCidr & { readonly family: 6 }

/** `10.0.0.1/24`, `10.0.0.1/255.255.255.0`, `fd00::1/64`, or a bare address; undefined when it is none of these. */
export function parseIpCidr(text: string): IpCidr | undefined {
  const [host = '', mask, ...rest] = text.split('/')
  const parsed = parseIp(host)
  if (parsed === undefined || rest.length > 0) return undefined
  const prefix = mask === undefined ? bitsOf(parsed.family) : parsePrefix(mask, parsed.family)
  return prefix === undefined ? undefined : { ...parsed, prefix }
}

/** {@link parseIpCidr} for IPv4 alone. */
export function parseIpv4Cidr(text: string): Ipv4Cidr | undefined {
  const cidr = parseIpCidr(text)
  return cidr?.family === 4 ? { ...cidr, family: 4 } : undefined
}

/** {@link parseIpCidr} for IPv6 alone. */
export function parseIpv6Cidr(text: string): Ipv6Cidr | undefined {
  const cidr = parseIpCidr(text)
  return cidr?.family === 6 ? { ...cidr, family: 6 } : undefined
}

/** An address alone, of either family; undefined when it is none. */
export function parseIp(text: string): { readonly family: IpFamily; readonly address: bigint } | undefined {
  if (!text.includes(':')) {
    const address = parseIpv4(text)
    return address === undefined ? undefined : { family: 4, address: BigInt(address) }
  }
  const address = parseIpv6(text)
  return address === undefined ? undefined : { family: 6, address }
}

/** `10.0.0.1/24`; the prefix is written even when it is that of a single address, as iptables-save does. */
export function formatIpCidr(cidr: IpCidr): string {
  return `${formatIp(cidr)}/${cidr.prefix}`
}

/** The address alone, IPv6 as RFC 5952 has it. */
export function formatIp({ family, address }: Pick<IpCidr, 'family' | 'address'>): string {
  return family === 4 ? formatIpv4(Number(address)) : formatIpv6(address)
}

/** The network that an address is in: `10.0.0.0/24` of `10.0.0.1/24`. */
export function ipNetworkOf<Cidr extends IpCidr>(cidr: Cidr): Cidr {
  const host = BigInt(bitsOf(cidr.family) - cidr.prefix)
  return { ...cidr, address: (cidr.address >> host) << host }
}

/** True when the networks have an address in common. */
export function ipOverlaps(a: IpCidr, b: IpCidr): boolean {
  if (a.family !== b.family) return false
  const prefix = Math.min(a.prefix, b.prefix)
  return ipNetworkOf({ ...a, prefix }).address === ipNetworkOf({ ...b, prefix }).address
}

/** True when all of `inner` lies in the network of `outer`. */
export function ipContains(outer: IpCidr, inner: IpCidr): boolean {
  return outer.prefix <= inner.prefix && ipOverlaps(outer, inner)
}

/** The address as a network of its own. */
export function hostOf(cidr: Pick<IpCidr, 'family' | 'address'>): IpCidr {
  return { family: cidr.family, address: cidr.address, prefix: bitsOf(cidr.family) }
}

/** The lowest and the highest address of a network. */
export function ipSpan(cidr: IpCidr): { readonly first: bigint; readonly last: bigint } {
  const { address: first } = ipNetworkOf(cidr)
  return { first, last: first + (1n << BigInt(bitsOf(cidr.family) - cidr.prefix)) - 1n }
}

/** True for an address that no host may have: the network or broadcast address of IPv4; /31 and /32 have neither. */
export function isReserved(cidr: Ipv4Cidr): boolean {
  if (cidr.prefix >= 31) return false
  const { first, last } = ipSpan(cidr)
  return cidr.address === first || cidr.address === last
}

function bitsOf(family: IpFamily): number {
  return family === 4 ? 32 : 128
}

function parsePrefix(mask: string, family: IpFamily): number | undefined {
  if (family === 4) return parseMask(mask)
  return /^(0|[1-9]\d{0,2})$/.test(mask) && Number(mask) <= 128 ? Number(mask) : undefined
}
