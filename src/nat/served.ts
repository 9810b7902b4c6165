/** Which networks a node has besides the one at hand, so that rules for them are not taken for leftovers. */
import type { LinksState } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { type Lines, words } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { type Ipv4Cidr, overlaps, parseCidr } from '../net/cidr.ts'
import { hookPhase } from './hook-lines.ts'
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
  return [...live, ...routed, ...written, ...routesInHooks(lines)]
}

/** Networks of hooks such as `up ip route add 10.9.0.0/16 via 10.0.0.7`, whether or not they have run. */
function routesInHooks(lines: Lines): readonly Ipv4Cidr[] {
  return stanzasOf(lines)
    .flatMap(({ options }) => options)
    .filter((option) => hookPhase(option.name) === 'up' && /\broute\b/.test(option.value))
    .flatMap((option) => words(option.value).filter((word) => word.includes('/')))
    .flatMap((word) => parseCidr(word) ?? [])
    .filter(({ prefix }) => prefix > 0)
}

/** True when a rule serves a network of the node that `wanted` does not. */
export function servesOthers(rule: SourceNat, wanted: SourceNat, networks: readonly Ipv4Cidr[]): boolean {
  return networks.some((network) => overlaps(network, rule.source) && !overlaps(network, wanted.source))
}
