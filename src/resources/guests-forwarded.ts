/** NAT for guests, where Docker or Proxmox VE's software-defined network may have a say in it. */
import type { FactRef } from '../facts/fact.ts'
import { forwardFilterOf } from '../facts/forward-filter.ts'
import { type LinksState, linksRef } from '../facts/links.ts'
import { sdnRef } from '../facts/sdn.ts'
import { type IpCidr, ipContains, ipNetworkOf, parseIpCidr } from '../net/ip-cidr.ts'
import { besideOthers } from './beside-others.ts'
import { dockerBlocked } from './docker-forward.ts'
import { type ForwardDesired, resolveOutside } from './forward-wish.ts'
import type { MasqueradeDesired } from './masquerade-wish.ts'
import type { Resource } from './resource.ts'
import { sdnNatBlocked } from './sdn.ts'

/** Source NAT, unless its packets would be dropped or are SDN's. */
export function besideNat(resource: Resource, { rule, holder }: MasqueradeDesired): Resource {
  const { source, out } = rule
  return besideOthers(resource, {
    reads: [linksRef, forwardFilterOf(source.family), sdnRef] as readonly FactRef<unknown>[],
    blocked(model) {
      const bridge = bridgeOf(source, model.get(linksRef)) ?? holder
      const passage = bridge === undefined ? undefined : { in: bridge, out, source }
      return (
        sdnNatBlocked(source, model) ??
        (passage === undefined ? undefined : dockerBlocked(source.family, passage, passage.in, model))
      )
    },
  })
}

/** A forward, unless its packets would be dropped. */
export function besideForward(resource: Resource, desired: ForwardDesired): Resource {
  const { to, family, holder } = desired
  return besideOthers(resource, {
    reads: [linksRef, forwardFilterOf(family)] as readonly FactRef<unknown>[],
    blocked(model) {
      const links = model.get(linksRef)
      const outside = resolveOutside(desired, links)
      const bridge = bridgeOf(to, links) ?? holder
      const [way] = 'kind' in outside ? [] : outside.interfaces
      if (bridge === undefined || way === undefined) return undefined
      return dockerBlocked(family, { in: way, out: bridge, destination: to }, bridge, model)
    },
  })
}

/** The link in whose network the guests are. */
function bridgeOf(guests: IpCidr, { links }: LinksState): string | undefined {
  const isTheirs = (text: string) => {
    const cidr = parseIpCidr(text)
    return cidr !== undefined && (ipContains(ipNetworkOf(cidr), guests) || ipContains(guests, ipNetworkOf(cidr)))
  }
  return links.find(({ addresses }) => addresses.some(({ cidr }) => isTheirs(cidr)))?.name
}
