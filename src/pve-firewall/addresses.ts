/** Addresses as firewall files name them: alone, with prefix, as a range, in lists, by alias or by set. */
import {
  formatIp,
  formatIpCidr,
  type IpCidr,
  type IpFamily,
  ipNetworkOf,
  parseIp,
  parseIpCidr,
} from '../net/ip-cidr.ts'

/** Names of aliases, sets and groups (pve-firewall src/PVE/Firewall.pm). */
const NAME = '[A-Za-z][A-Za-z0-9_-]+'

/** Longest name of an alias or set. */
export const MAX_SET_NAME = 64

/** Longest name of a security group. */
export const MAX_GROUP_NAME = 18

/** True for what an alias, set or group may be called, apart from its length. */
export function isName(text: string): boolean {
  return new RegExp(`^${NAME}$`).test(text)
}

/**
 * True for the set of what a card of a guest may send from. An alias there makes PVE leave out the guest's filter of
 * hardware addresses and ARP (pve-firewall, compile_ebtables_filter).
 */
export function isCardFilter(name: string): boolean {
  return /^ipfilter-net\d+$/.test(name)
}

/** A reference in a rule or a set to what has a name. */
export interface NamedAddress {
  readonly kind: 'set' | 'alias'
  /** `dc`, `guest`, `sdn`; empty when the nearest one counts. */
  readonly scope: string
  readonly name: string
}

/** A range or network, first and last address. */
export interface Span {
  readonly family: IpFamily
  readonly first: bigint
  readonly last: bigint
}

/** What a `source` or `dest` says; undefined when it is nothing that PVE reads. */
export type AddressMatch = NamedAddress | { readonly kind: 'list'; readonly spans: readonly Span[] }

/** Reads a `source` or `dest`. Host bits below a prefix are taken for a mistake, as PVE takes them. */
export function parseMatch(text: string): AddressMatch | undefined {
  const named = parseNamed(text)
  if (named !== undefined) return named
  const spans = text.split(',').map(parseSpan)
  if (spans.some((span) => span === undefined)) return undefined
  return { kind: 'list', spans: spans as Span[] }
}

/** `+set`, `+dc/set`, `alias`, `guest/alias`; undefined for anything else. */
export function parseNamed(text: string): NamedAddress | undefined {
  const [, set, scope = '', name] = new RegExp(`^(\\+)?(?:(dc|guest|sdn)/)?(${NAME})$`).exec(text) ?? []
  if (name === undefined || (scope === 'sdn' && set === undefined)) return undefined
  return set === undefined ? { kind: 'alias', scope, name: name.toLowerCase() } : { kind: 'set', scope, name }
}

/** An address, network or range; undefined when it is none, or has host bits below its prefix. */
export function parseSpan(text: string): Span | undefined {
  const [from = '', to, ...rest] = text.split('-')
  if (to === undefined) {
    const network = parseNetwork(text)
    return network === undefined || hasHostBits(network) ? undefined : spanOf(network)
  }
  const [a, b] = [parseIp(from), parseIp(to)]
  if (a === undefined || b === undefined || rest.length > 0 || a.family !== b.family || a.address > b.address)
    return undefined
  return { family: a.family, first: a.address, last: b.address }
}

/** An address alone or with its prefix in bits; undefined for anything else, a dotted netmask included. */
export function parseNetwork(text: string): IpCidr | undefined {
  return /^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(text) ? parseIpCidr(text) : undefined
}

/** True when the address is not the first of its network. */
export function hasHostBits(network: IpCidr): boolean {
  return ipNetworkOf(network).address !== network.address
}

/** All of a network. */
export function spanOf(network: IpCidr): Span {
  const bits = BigInt((network.family === 4 ? 32 : 128) - network.prefix)
  const { address: first, family } = ipNetworkOf(network)
  return { family, first, last: first + (1n << bits) - 1n }
}

/** True when an address lies in a span. */
export function spanHolds({ family, first, last }: Span, host: { family: IpFamily; address: bigint }): boolean {
  return family === host.family && first <= host.address && host.address <= last
}

/** One spelling for each meaning: names in lower case where PVE does not tell case, networks without a full prefix. */
export function normalAddress(text: string): string {
  const named = parseNamed(text)
  if (named !== undefined) {
    const scope = named.scope === '' ? '' : `${named.scope}/`
    return `${named.kind === 'set' ? '+' : ''}${scope}${named.name}`
  }
  return text
    .split(',')
    .map((part) => {
      const network = parseNetwork(part)
      return network === undefined ? part.toLowerCase() : formatNetwork(network)
    })
    .sort()
    .join(',')
}

/** `10.0.0.0/24`; an address alone without its prefix, as PVE writes it. */
export function formatNetwork(network: IpCidr): string {
  return network.prefix === (network.family === 4 ? 32 : 128) ? formatIp(network) : formatIpCidr(network)
}
