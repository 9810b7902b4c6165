/** IPv4 addresses of stanzas, in either spelling: `address 10.0.0.1/24`, or `address` with `netmask`. */
import { formatIp, formatIpCidr, type Ipv4Cidr, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { netmask, parseMask } from '../net/subnet.ts'
import type { Lines } from './lines.ts'
import { insertOption, refind, removeSpan, replaceValue } from './options.ts'
import { type Option, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'

/** An `address` line as both readers understand it. */
export interface StanzaAddress {
  readonly cidr: Ipv4Cidr
  readonly address: Option
  /** The line that holds the prefix, when it is one of its own. */
  readonly netmask: Option | undefined
}

/** IPv4 addresses of a stanza. Lines that are no IPv4 address (IPv6, templates, trailing text) are left out. */
export function addressesOf(stanza: Stanza): readonly StanzaAddress[] {
  if (stanza.family === 'inet6') return []
  const masks = optionsNamed(stanza, 'netmask')
  return optionsNamed(stanza, 'address').flatMap((address, i) => {
    const mask = address.value.includes('/') ? undefined : masks[Math.min(i, masks.length - 1)]
    const prefix = mask === undefined ? undefined : parseMask(mask.value)
    const own = parseIpv4Cidr(address.value)
    const cidr = own === undefined || prefix === undefined ? own : { ...own, prefix }
    return cidr === undefined ? [] : [{ cidr, address, netmask: mask }]
  })
}

/** Options of a stanza that are about IPv4: one without a family may have the same for IPv6, told apart by the colon. */
export function inetOptions(stanza: Stanza, ...names: readonly string[]): readonly Option[] {
  if (stanza.family === 'inet6') return []
  return optionsNamed(stanza, ...names).filter(({ value }) => stanza.family !== undefined || !value.includes(':'))
}

/** IPv4 addresses of all stanzas of a name. */
export function addressesNamed(lines: Lines, name: string): readonly Ipv4Cidr[] {
  return stanzasOf(lines, name).flatMap((stanza) => addressesOf(stanza).map(({ cidr }) => cidr))
}

/** Gives a stanza its only IPv4 address, in the spelling that is there, and makes a `manual` one `static`. */
export function setAddress(lines: Lines, stanza: Stanza, cidr: Ipv4Cidr): Lines {
  const [present] = addressesOf(stanza)
  const [unread] = inetOptions(stanza, 'address')
  const masks = optionsNamed(stanza, 'netmask')
  if (present?.netmask !== undefined) {
    const dotted = present.netmask.value.includes('.')
    const mask = dotted ? netmask(cidr.prefix) : String(cidr.prefix)
    const withMask = present.netmask.value === mask ? lines : replaceValue(lines, present.netmask, mask)
    const edited = replaceValue(withMask, present.address, formatIp(cidr))
    return setMethod(edited, refind(edited, lines, stanza), 'static')
  }
  const edited =
    unread === undefined
      ? insertOption(lines, stanza, 'address', formatIpCidr(cidr))
      : replaceValue(lines, unread, formatIpCidr(cidr))
  const cleared = masks.length === 0 ? edited : removeNetmasks(edited, refind(edited, lines, stanza))
  return setMethod(cleared, refind(cleared, lines, stanza), 'static')
}

/** Takes the IPv4 addresses out, and makes a `static` stanza `manual`. */
export function removeAddress(lines: Lines, stanza: Stanza): Lines {
  const spans = inetOptions(stanza, 'address', 'netmask', 'broadcast')
  const edited = [...spans].reverse().reduce(removeSpan, lines)
  return setMethod(edited, refind(edited, lines, stanza), 'manual')
}

function removeNetmasks(lines: Lines, stanza: Stanza): Lines {
  return [...optionsNamed(stanza, 'netmask')].reverse().reduce(removeSpan, lines)
}

/** Makes a stanza `static` or `manual`; one without a method stays so. */
export function setMethod(lines: Lines, stanza: Stanza, method: 'static' | 'manual'): Lines {
  return stanza.method === undefined || stanza.method === method ? lines : setHeader(lines, stanza, '$2', method)
}

/** Makes a stanza that of the other version of IP, with all that it has. */
export function setFamily(lines: Lines, stanza: Stanza, family: 'inet' | 'inet6', method: 'static' | 'manual'): Lines {
  return setHeader(lines, stanza, family, method)
}

function setHeader(lines: Lines, stanza: Stanza, family: string, method: string): Lines {
  const header = lines[stanza.header.first]
  if (header === undefined) return lines
  const text = header.text.replace(HEADER, `$1${family}$3${method}`)
  return lines.map((line, i) => (i === stanza.header.first ? { ...line, text } : line))
}

const HEADER = /^([ \t\r\f\v]*iface[ \t\r\f\v]+[^ \t\r\f\v]+[ \t\r\f\v]+)(inet6?)([ \t\r\f\v]+)[^ \t\r\f\v]+/
