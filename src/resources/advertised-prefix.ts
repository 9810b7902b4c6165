/** What router advertisements are about: a prefix of the bridge, in which guests choose their addresses. */
import { interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef } from '../facts/links.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { formatIpCidr, type IpCidr, parseIpCidr } from '../net/ip-cidr.ts'
import { isLinkLocal } from '../net/ipv6.ts'
import { linesOf } from './interfaces-file.ts'
import { OK, type Resource } from './resource.ts'

/**
 * Ensures, by blocking, that an interface has an IPv6 address of a /64: dnsmasq takes a range without one for granted
 * (`--test` too), and then advertises nothing. Guests choose addresses in a /64 only (RFC 4862).
 */
export function advertisedPrefix(name: string): Resource {
  return {
    kind: 'advertised_prefix',
    key: `advertised-prefix:${name}`,
    title: `an IPv6 prefix on ${name}`,
    reads: [linksRef, interfacesRef],
    plan(model) {
      const live = linkNamed(model.get(linksRef), name)?.addresses.flatMap(({ cidr }) => parseIpCidr(cidr) ?? []) ?? []
      const written = networksNamed(linesOf(model.get(interfacesRef)), name)
      const found = [...live, ...written].filter(isGlobal)
      if (found.some(({ prefix }) => prefix === 64)) return OK
      const [other] = found
      return {
        kind: 'blocked',
        reason:
          other === undefined
            ? `${name} has no IPv6 address, so there is no prefix to advertise`
            : `${name} has ${formatIpCidr(other)}, and guests choose addresses in a /64 only`,
        hint: `give ${name} an address with /64 first: \`address6\` of its bridge task, e.g. fd00:10::1/64`,
      }
    },
  }
}

function isGlobal({ family, address }: IpCidr): boolean {
  return family === 6 && !isLinkLocal({ address })
}
