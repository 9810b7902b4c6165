/** Which networks a node has besides the one at hand, so that rules for them are not taken for leftovers. */
import type { LinksState } from '../facts/links.ts'
import { type Lines, words } from '../interfaces/lines.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { type IpCidr, ipOverlaps, parseIpCidr } from '../net/ip-cidr.ts'
import { isIpv6Host, isLinkLocal } from '../net/ipv6.ts'
import { hookPhase } from './hook-lines.ts'
import type { SourceNat } from './source-nat.ts'

/** Networks that the node reaches other than through `out`: live addresses and routes, and addresses in the file. */
export function networksBehind(lines: Lines, { links, routes }: LinksState, out?: string): readonly IpCidr[] {
  const live = links
    .filter(({ name }) => name !== out && name !== 'lo')
    .flatMap(({ addresses }) => addresses.flatMap(({ cidr }) => parseIpCidr(cidr) ?? []))
  const routed = routes
    .filter(({ destination, devices }) => destination !== 'default' && (out === undefined || !devices.includes(out)))
    .flatMap(({ destination }) => parseIpCidr(destination) ?? [])
  const written = [...new Set(stanzasOf(lines).map(({ name }) => name))]
    .filter((name) => name !== out && name !== 'lo')
    .flatMap((name) => networksNamed(lines, name))
  return [...live, ...routed, ...written, ...routesInHooks(lines)].filter((cidr) => !isLocal(cidr))
}

/** Every interface has these, so they tell nothing apart. */
function isLocal({ family, address }: IpCidr): boolean {
  return family === 6 && (isLinkLocal({ address }) || !isIpv6Host({ address }))
}

/** Networks of hooks such as `up ip route add 10.9.0.0/16 via 10.0.0.7`, whether or not they have run. */
function routesInHooks(lines: Lines): readonly IpCidr[] {
  return stanzasOf(lines)
    .flatMap(({ options }) => options)
    .filter((option) => hookPhase(option.name) === 'up' && /\broute\b/.test(option.value))
    .flatMap((option) => words(option.value).filter((word) => word.includes('/')))
    .flatMap((word) => parseIpCidr(word) ?? [])
    .filter(({ prefix }) => prefix > 0)
}

/** True when a rule serves a network of the node that `wanted` does not. */
export function servesOthers(rule: SourceNat, wanted: SourceNat, networks: readonly IpCidr[]): boolean {
  return networks.some((network) => ipOverlaps(network, rule.source) && !ipOverlaps(network, wanted.source))
}
