/** IPv6 addresses with prefix, as interfaces(5) and ip(8) write them. */
import { formatIpv4, parseIpv4 } from './subnet.ts'

/** An address with the network it is in: `2001:db8::1/64`. */
export interface Ipv6Cidr {
  /** The address, 0 to 2¹²⁸−1. */
  readonly address: bigint
  /** Bits of the network, 0 to 128. */
  readonly prefix: number
}

/** `2001:db8::1/64`, or a bare address as /128; undefined when it is neither. */
export function parseIpv6Cidr(text: string): Ipv6Cidr | undefined {
  const [host = '', length, ...rest] = text.split('/')
  const address = parseIpv6(host)
  if (address === undefined || rest.length > 0) return undefined
  if (length === undefined) return { address, prefix: 128 }
  return /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= 128 ? { address, prefix: Number(length) } : undefined
}

/** An address as a number; undefined for what is none. Zones (`fe80::1%eno1`) are not part of an address. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = withoutDottedQuad(text)?.split('::')
  if (halves === undefined || halves.length > 2) return undefined
  const [head = '', tail] = halves
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...before, ...Array<number>(missing).fill(0), ...after].reduce(
    (sum, group) => sum * 65536n + BigInt(group),
    0n,
  )
}

/** The one spelling that the kernel prints (RFC 5952): lower case, the longest run of zeros as `::`. */
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((address >> BigInt(112 - 16 * i)) & 0xffffn))
  const mapped = address >> 32n === 0xffffn
  const texts = groups.map((group) => group.toString(16))
  if (mapped) return `::ffff:${formatIpv4(Number(address & 0xffffffffn))}`
  const { at, length } = longestZeros(groups)
  return length < 2 ? texts.join(':') : `${texts.slice(0, at).join(':')}::${texts.slice(at + length).join(':')}`
}

/** `2001:db8::1/64`. */
export function formatIpv6Cidr({ address, prefix }: Ipv6Cidr): string {
  return `${formatIpv6(address)}/${prefix}`
}

/** The network that an address is in: `2001:db8::/64` of `2001:db8::1/64`. */
export function ipv6NetworkOf({ address, prefix }: Ipv6Cidr): Ipv6Cidr {
  const bits = BigInt(128 - prefix)
  return { address: (address >> bits) << bits, prefix }
}

/** True when the networks have an address in common. */
export function ipv6Overlaps(a: Ipv6Cidr, b: Ipv6Cidr): boolean {
  const prefix = Math.min(a.prefix, b.prefix)
  return ipv6NetworkOf({ ...a, prefix }).address === ipv6NetworkOf({ ...b, prefix }).address
}

/** True for `fe80::/10`: addresses that are the same on every link. */
export function isLinkLocal({ address }: Pick<Ipv6Cidr, 'address'>): boolean {
  return address >> 118n === 0x3fan
}

/** True for what a host may have: no multicast, unspecified or loopback address. */
export function isIpv6Host({ address }: Pick<Ipv6Cidr, 'address'>): boolean {
  return address > 1n && address >> 120n !== 0xffn
}

/** `::ffff:192.0.2.1` with its last part as two groups; undefined when that part is no IPv4 address. */
function withoutDottedQuad(text: string): string | undefined {
  if (!text.includes('.')) return text
  const at = text.lastIndexOf(':') + 1
  const quad = parseIpv4(text.slice(at))
  if (quad === undefined || at === 0) return undefined
  return `${text.slice(0, at)}${Math.floor(quad / 65536).toString(16)}:${(quad % 65536).toString(16)}`
}

function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  return groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined
}

function longestZeros(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 }
  groups.forEach((_, at) => {
    const end = groups.findIndex((group, i) => i >= at && group !== 0)
    const length = (end < 0 ? 8 : end) - at
    if (length > best.length) best = { at, length }
  })
  return best
}
