/**
 * IPv6 addresses of stanzas. PVE gives the second family a stanza of its own: `iface vmbr1 inet6 static`. Without an
 * IPv4 address that is the only one: an edit in the web interface drops an `inet manual` beside it, with its hooks and
 * all options that PVE does not know (pve-manager, PVE::API2::Network, update_network).
 */
import { formatIpCidr, type Ipv6Cidr, parseIpv6Cidr } from '../net/ip-cidr.ts'
import { addressesOf, setFamily, setMethod } from './address.ts'
import type { Lines } from './lines.ts'
import { insertOption, refind, removeSpan, replaceValue } from './options.ts'
import { type Option, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'
import { addStanzaAt, removeStanza } from './whole-stanza.ts'

/** IPv6 addresses of all stanzas of a name. */
export function addresses6Named(lines: Lines, name: string): readonly Ipv6Cidr[] {
  return stanzasOf(lines, name).flatMap((stanza) => addresses6Of(stanza).map(({ cidr }) => cidr))
}

/** The stanza that carries the IPv6 side of an interface. */
export function inet6Stanza(lines: Lines, name: string): Stanza | undefined {
  return stanzasOf(lines, name).find(({ family }) => family === 'inet6')
}

/**
 * Gives an interface its only IPv6 address: in its `inet6` stanza. When there is none, that is its only stanza as far as
 * it has no IPv4 address, else one added below the others.
 */
export function setAddress6(lines: Lines, name: string, cidr: Ipv6Cidr): Lines {
  const wanted = formatIpCidr(cidr)
  if (addresses6Named(lines, name).some((present) => formatIpCidr(present) === wanted)) return lines
  return inet6Stanza(lines, name) === undefined ? addInet6(lines, name, wanted) : setAddress6Of(lines, name, wanted)
}

function setAddress6Of(lines: Lines, name: string, wanted: string): Lines {
  const stanza = inet6Stanza(lines, name)
  if (stanza === undefined) return lines
  const [present] = optionsNamed(stanza, 'address')
  const edited =
    present === undefined ? insertOption(lines, stanza, 'address', wanted) : replaceValue(lines, present, wanted)
  const cleared = removeAll(edited, optionsNamed(refind(edited, lines, stanza), 'netmask'))
  return setMethod(cleared, refind(cleared, lines, stanza), 'static')
}

/** Takes the IPv6 addresses out, and with them a stanza that had nothing else. */
export function removeAddress6(lines: Lines, name: string): Lines {
  const stanza = stanzasOf(lines, name).find((candidate) => addresses6Of(candidate).length > 0)
  if (stanza === undefined) return lines
  const own = addresses6Of(stanza)
  const spans = own.flatMap(({ address, netmask }) => (netmask === undefined ? [address] : [address, netmask]))
  const rest = stanza.options.filter((option) => !spans.includes(option))
  // An MTU is said again in each stanza of a link.
  const isRepeated = rest.every(({ name: option }) => option === 'mtu') && stanzasOf(lines, name).length > 1
  if (stanza.family === 'inet6' && (rest.length === 0 || isRepeated) && stanza.comments.length === 0)
    return removeAddress6(removeStanza(lines, stanza), name)
  const edited = removeAll(lines, spans)
  return removeAddress6(withoutFamily6(edited, refind(edited, lines, stanza)), name)
}

function withoutFamily6(lines: Lines, stanza: Stanza): Lines {
  if (stanza.family !== 'inet6') return lines
  const isOnly = stanzasOf(lines, stanza.name).length === 1
  const hasGateway = optionsNamed(stanza, 'gateway').length > 0
  return isOnly && !hasGateway ? setFamily(lines, stanza, 'inet', 'manual') : setMethod(lines, stanza, 'manual')
}

interface StanzaAddress6 {
  readonly cidr: Ipv6Cidr
  readonly address: Option
  readonly netmask: Option | undefined
}

/** A stanza without a family may hold addresses of both. */
function addresses6Of(stanza: Stanza): readonly StanzaAddress6[] {
  if (stanza.family === 'inet') return []
  const masks = stanza.family === 'inet6' ? optionsNamed(stanza, 'netmask') : []
  return optionsNamed(stanza, 'address').flatMap((address, i) => {
    const netmask = address.value.includes('/') ? undefined : masks[Math.min(i, masks.length - 1)]
    const cidr = parseIpv6Cidr(netmask === undefined ? address.value : `${address.value}/${netmask.value}`)
    return cidr === undefined ? [] : [{ cidr, address, netmask }]
  })
}

function addInet6(lines: Lines, name: string, address: string): Lines {
  const stanzas = stanzasOf(lines, name)
  const last = stanzas.at(-1)
  if (last === undefined) return lines
  if (stanzas.length === 1 && last.family === 'inet' && last.method === 'manual' && addressesOf(last).length === 0) {
    const inet6 = setFamily(lines, last, 'inet6', 'static')
    return setAddress6Of(inet6, name, address)
  }
  // One without a family may have addresses of both.
  if (stanzas.length === 1 && last.family === undefined) return insertOption(lines, last, 'address', address)
  return addStanzaAt(lines, last.end, [`iface ${name} inet6 static`, `\taddress ${address}`])
}

function removeAll(lines: Lines, spans: readonly Option[]): Lines {
  return [...spans].sort((a, b) => b.first - a.first).reduce(removeSpan, lines)
}
