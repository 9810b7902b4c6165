/** Addresses of interfaces in interfaces(5), of both families. */
import { type IpCidr, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { addressesNamed } from './address.ts'
import type { Lines } from './lines.ts'
import { optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'

/** Addresses that the file gives an interface, with their networks. Lines that are no address are left out. */
export function networksNamed(lines: Lines, name: string): readonly IpCidr[] {
  return [...addressesNamed(lines, name), ...stanzasOf(lines, name).flatMap(ipv6Of)]
}

/** `address fd00::1/64`, in stanzas of either family (ifupdown2 takes it in both), or with a `netmask 64` of its own. */
function ipv6Of(stanza: Stanza): readonly IpCidr[] {
  const masks = optionsNamed(stanza, 'netmask')
  return optionsNamed(stanza, 'address').flatMap(({ value }, i) => {
    const mask = masks[Math.min(i, masks.length - 1)]?.value
    const cidr =
      parseIp(value)?.family === 6 && mask !== undefined ? parseIpCidr(`${value}/${mask}`) : parseIpCidr(value)
    return cidr?.family === 6 ? [cidr] : []
  })
}
