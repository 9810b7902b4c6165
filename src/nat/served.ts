/** Which networks a node has besides the one at hand, so that rules for them are not taken for leftovers. */
import type { LinksState } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { type Ipv4Cidr, overlaps, parseCidr } from '../net/cidr.ts'
import type { SourceNat } from './source-nat.ts'

/** IPv4 networks that the node reaches other than through `out`: live addresses and routes, and addresses in the file. */
export function networksBehind(lines: Lines, { links, routes }: LinksState, out: string): readonly Ipv4Cidr[] {
  const live = links
    .filter(({ name }) => name !== out && name !== 'lo')
    .flatMap(({ addresses }) => addresses.flatMap(({ cidr }) => parseCidr(cidr) ?? []))
  const routed = routes
    .filter(({ destination, devices }) => destination !== 'default' && !devices.includes(out))
    .flatMap(({ destination }) => parseCidr(destination) ?? [])
  const written = [...new Set(stanzasOf(lines).map(({ name }) => name))]
    .filter((name) => name !== out && name !== 'lo')
    .flatMap((name) => addressesNamed(lines, name))
  return [...live, ...routed, ...written]
}

/** True when a rule serves a network of the node that `wanted` does not. */
export function servesOthers(rule: SourceNat, wanted: SourceNat, networks: readonly Ipv4Cidr[]): boolean {
  return networks.some((network) => overlaps(network, rule.source) && !overlaps(network, wanted.source))
}
