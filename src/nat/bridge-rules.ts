/** Rules that go with a bridge: those its stanza sets, and those for its networks wherever they are set. */
import type { LinksState } from '../facts/links.ts'
import type { Lines } from '../interfaces/lines.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { removeStanzas } from '../interfaces/whole-stanza.ts'
import { hostOf, type IpCidr, ipOverlaps, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { ruleHooks } from './hook-lines.ts'
import { type KnownRule, samePurpose } from './rules.ts'
import { networksBehind } from './served.ts'

/** Tells the rules that have no purpose once the bridge `name` is gone. */
export function rulesOfBridge(lines: Lines, links: LinksState, name: string): (rule: KnownRule) => boolean {
  const own = ruleHooks(lines)
    .filter(({ stanza }) => stanza.name === name)
    .flatMap(({ calls }) => calls.map(({ rule }) => rule))
  const networks = networksOf(lines, links, name)
  const others = {
    lines: removeStanzas(lines, name),
    links: { ...links, links: links.links.filter((link) => link.name !== name), routes: withoutDevice(links, name) },
  }
  return (rule) => {
    if (own.some((other) => samePurpose(other, rule))) return true
    const network = servedBy(rule)
    if (network === undefined) return false
    const served = networksBehind(others.lines, others.links, rule.kind === 'source' ? rule.out : undefined)
    return networks.some((one) => ipOverlaps(one, network)) && !served.some((one) => ipOverlaps(one, network))
  }
}

/** The network of guests that a rule is for; undefined for a zone, which is for all of them. */
export function servedBy(rule: KnownRule): IpCidr | undefined {
  if (rule.kind === 'source') return rule.source
  if (rule.kind === 'hairpin') return rule.network
  if (rule.kind !== 'forward' || rule.target.kind !== 'dnat') return undefined
  const host = parseIp(rule.target.to)
  return host === undefined ? undefined : hostOf(host)
}

function networksOf(lines: Lines, { links }: LinksState, name: string): readonly IpCidr[] {
  const live = links.find((link) => link.name === name)?.addresses.flatMap(({ cidr }) => parseIpCidr(cidr) ?? []) ?? []
  return [...live, ...networksNamed(lines, name)]
}

function withoutDevice({ routes }: LinksState, name: string): LinksState['routes'] {
  return routes.filter(({ devices }) => !devices.includes(name))
}
