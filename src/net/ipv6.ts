/** IPv6 addresses as text and as numbers, 0 to 2¹²⁸−1. */
import { formatIpv4, parseIpv4 } from './subnet.ts'

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

/** True for `fe80::/10`: addresses that are the same on every link. */
export function isLinkLocal({ address }: { readonly address: bigint }): boolean {
  return address >> 118n === 0x3fan
}

/** True for what a host may have: no multicast, unspecified or loopback address. */
export function isIpv6Host({ address }: { readonly address: bigint }): boolean {
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
