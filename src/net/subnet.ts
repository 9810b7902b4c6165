/** Arithmetic on IPv4 addresses, as unsigned 32-bit numbers. */

/** A network, and the address in it that was given. */
export interface Ipv4Subnet {
  readonly address: number
  readonly prefix: number
  /** Lowest address: the network's own. */
  readonly first: number
  /** Highest address: broadcast. */
  readonly last: number
}

/** `10.0.0.1` as a number; undefined for what is no dotted quad (leading zeros count as wrong, being octal to some). */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  const bytes = match.slice(1)
  if (bytes.some((byte) => Number(byte) > 255 || (byte.length > 1 && byte.startsWith('0')))) return undefined
  return bytes.reduce((sum, byte) => sum * 256 + Number(byte), 0)
}

/** A number as `10.0.0.1`. */
export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

/** `10.0.0.1/16`, host bits allowed; undefined when it is no such thing. */
export function parseSubnet(text: string): Ipv4Subnet | undefined {
  const [host = '', length = '', ...rest] = text.split('/')
  const address = parseIpv4(host)
  if (address === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32 || rest.length > 0) return undefined
  const prefix = Number(length)
  const size = 2 ** (32 - prefix)
  const first = Math.floor(address / size) * size
  return { address, prefix, first, last: first + size - 1 }
}

/** Netmask of a prefix length, dotted. */
export function netmask(prefix: number): string {
  return formatIpv4(2 ** 32 - 2 ** (32 - prefix))
}

/** Bits of a netmask, given as such (`24`) or dotted (`255.255.255.0`); undefined when it is neither. */
export function parseMask(text: string): number | undefined {
  if (/^(0|[1-9]\d?)$/.test(text)) return Number(text) <= 32 ? Number(text) : undefined
  return Array.from({ length: 33 }, (_, bits) => bits).find((bits) => netmask(bits) === text)
}

/** True when an address belongs to a network, its own and broadcast addresses included. */
export function isWithin(address: number, { first, last }: Ipv4Subnet): boolean {
  return address >= first && address <= last
}
