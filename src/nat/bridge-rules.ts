/** Rules that go with a bridge: those its stanza sets, and those for its networks wherever they are set. */
import type { LinksState } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import type { Lines } from '../interfaces/lines.ts'
import { removeStanzas } from '../interfaces/whole-stanza.ts'
import { type Ipv4Cidr, overlaps, parseCidr } from '../net/cidr.ts'
import { natHooks } from './hook-lines.ts'
import { networksBehind } from './served.ts'
import { type SourceNat, samePackets } from './source-nat.ts'

/** Tells the rules that have no purpose once the bridge `name` is gone. */
export function rulesOfBridge(lines: Lines, links: LinksState, name: string): (rule: SourceNat) => boolean {
  const own = natHooks(lines)
    .filter(({ stanza }) => stanza.name === name)
    .flatMap(({ calls }) => calls.map(({ rule }) => rule))
  const networks = networksOf(lines, links, name)
  const others = {
    lines: removeStanzas(lines, name),
    links: { ...links, links: links.links.filter((link) => link.name !== name), routes: withoutDevice(links, name) },
  }
  return (rule) => {
    if (own.some((other) => samePackets(other, rule))) return true
    const served = networksBehind(others.lines, others.links, rule.out)
    return (
      networks.some((network) => overlaps(network, rule.source)) &&
      !served.some((network) => overlaps(network, rule.source))
    )
  }
}

function networksOf(lines: Lines, { links }: LinksState, name: string): readonly Ipv4Cidr[] {
  const live = links.find((link) => link.name === name)?.addresses.flatMap(({ cidr }) => parseCidr(cidr) ?? []) ?? []
  return [...live, ...addressesNamed(lines, name)]
}

function withoutDevice({ routes }: LinksState, name: string): LinksState['routes'] {
  return routes.filter(({ devices }) => !devices.includes(name))
}
