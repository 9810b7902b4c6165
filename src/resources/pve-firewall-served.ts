/** What a node serves to its guests, and whether a change of its firewall would shut the guests out of it. */

import type { FactRef } from '../facts/fact.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { formatIp, type IpCidr, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { judge, type NewConnection, type NodeFirewall } from '../pve-firewall/verdict.ts'
import { DNSMASQ_READS, dnsmasqOptions } from './dnsmasq-options.ts'
import type { DecidingFiles } from './pve-firewall-lockout.ts'

/** A service that guests would lose. */
export interface Unserved {
  readonly iface: string
  readonly what: 'DHCP' | 'DHCPv6' | 'DNS'
  /** The rule that lets them have it, as `pve_firewall_host` takes it. */
  readonly rule: string
}

/** What is served on an interface, by whatever configuration. */
export interface Serving {
  readonly iface: string
  readonly dhcp: boolean
  readonly dhcp6: boolean
  readonly dns: boolean
}

/** Facts that {@link unserved} reads. */
export const SERVED_READS = [...DNSMASQ_READS, linksRef] as readonly FactRef<unknown>[]

/** DHCP and DNS of dnsmasq on bridges, from where they are reached before the change and not after it. */
export function unserved(
  model: Model,
  before: DecidingFiles,
  after: DecidingFiles,
  localNetwork: IpCidr | undefined,
): readonly Unserved[] {
  const lost = new Set(refused(servings(model), model, { ...before, localNetwork }).map(({ rule }) => rule))
  return refused(servings(model), model, { ...after, localNetwork }).filter(({ rule }) => !lost.has(rule))
}

/** What of these services the firewall of a node keeps guests from. Reads the fact about links. */
export function refused(all: readonly Serving[], model: Model, node: NodeFirewall): readonly Unserved[] {
  const links = model.get(linksRef)
  return all.flatMap((serving) =>
    services(serving, links)
      .filter(({ probe }) => judge(probe, node).outcome === 'refused')
      .map(({ what, rule }) => ({ iface: serving.iface, what, rule })),
  )
}

/** As the files of dnsmasq have it. */
function servings(model: Model): readonly Serving[] {
  const options = dnsmasqOptions(model)
  const ranges = options.filter(({ key }) => key === 'dhcp-range').map(({ value }) => value)
  const served = {
    dhcp: ranges.some((range) => !range.includes(':')),
    dhcp6: ranges.some((range) => range.includes(':') && !range.includes('ra-only')),
    dns: !options.some(({ key, value }) => key === 'port' && value === '0'),
  }
  return servedIfaces(model).map((iface) => ({ iface, ...served }))
}

function servedIfaces(model: Model): readonly string[] {
  const named = dnsmasqOptions(model).filter(({ key }) => key === 'interface')
  const names = named.flatMap(({ value }) => value.split(',').map((name) => name.trim()))
  return [...new Set(names)].filter((name) => name !== 'lo' && !name.includes('*'))
}

function services({ iface, dhcp, dhcp6, dns }: Serving, links: LinksState) {
  const ifaces = [iface, ...(linkNamed(links, iface)?.altnames ?? [])]
  const rule = (rest: string) => `{ iface: ${iface}, ${rest} }`
  const own = firstAddress(links, iface)
  const found: { what: Unserved['what']; rule: string; probe: NewConnection }[] = []
  if (dhcp)
    found.push({
      what: 'DHCP',
      rule: rule('proto: udp, dport: 67'),
      probe: { client: '0.0.0.0', server: '255.255.255.255', port: 67, proto: 'udp', ifaces },
    })
  if (dhcp6)
    found.push({
      what: 'DHCPv6',
      rule: rule('proto: udp, dport: 547'),
      probe: { client: 'fe80::1:2', server: 'ff02::1:2', port: 547, proto: 'udp', ifaces },
    })
  if (own !== undefined && dns)
    found.push({ what: 'DNS', rule: rule('macro: DNS'), probe: { ...own, port: 53, proto: 'udp', ifaces } })
  return found
}

/** The node's address on a link, and a neighbour of it. */
function firstAddress(links: LinksState, iface: string): Pick<NewConnection, 'client' | 'server'> | undefined {
  const cidr = linkNamed(links, iface)?.addresses.find(({ family, scope }) => family === 4 && scope === 'global')?.cidr
  const own = cidr === undefined ? undefined : parseIpv4Cidr(cidr)
  if (own === undefined) return undefined
  return {
    server: formatIp(own),
    client: formatIp({ ...own, address: own.address % 2n === 0n ? own.address + 1n : own.address - 1n || 2n }),
  }
}
