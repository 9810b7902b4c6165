/** Whether a change of firewall files would shut out the connection that makes it, on this node or another. */

import { arrivalRef } from '../facts/arrival.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { pveFirewallRef } from '../facts/pve-firewall.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { type IpCidr, ipNetworkOf, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { spanHolds, spanOf } from '../pve-firewall/addresses.ts'
import { judge, type NewConnection, type Verdict } from '../pve-firewall/verdict.ts'

/** The files that decide, before or after a change. */
export interface DecidingFiles {
  readonly cluster: Lines
  /** host.fw of the node itself. */
  readonly host: Lines
}

/** A node that would not let the connection in any more. */
export interface Lockout {
  readonly node: string
  readonly client: string
  readonly port: number
  readonly by: string
}

/** Facts that {@link lockouts} reads. */
export const LOCKOUT_READS = [linksRef, pveFirewallRef, arrivalRef] as const

/** Nodes that let the connection in before and would not after; those of the cluster count too. */
export function lockouts(model: Model, before: DecidingFiles, after: DecidingFiles): readonly Lockout[] {
  const arrived = model.get(arrivalRef)
  const { cluster, hosts } = model.get(pveFirewallRef)
  if (arrived === undefined) return []
  const { client, server, back } = arrived
  const links = model.get(linksRef)
  const own = cluster.nodeName ?? 'this node'
  const local = localNetwork(model)
  const ifaces = back === undefined ? undefined : namesOf(links, back.device)
  const base = { client: client.address, port: server.port }
  const others = cluster.members.flatMap(({ name, ip }) => (name === own || ip === undefined ? [] : [{ name, ip }]))
  const nodes = [
    { name: own, arrival: { ...base, server: server.address, ifaces }, local, own: true },
    ...others.map(({ name, ip }) => ({
      name,
      arrival: { ...base, server: ip, ifaces: undefined },
      local: local !== undefined && holds(local, ip) ? local : undefined,
      own: false,
    })),
  ]
  return nodes.flatMap((node) => {
    const verdict = (files: DecidingFiles): Verdict => {
      const host = node.own ? files.host : parseLines(hosts.get(node.name) ?? Buffer.alloc(0))
      return judge(node.arrival satisfies NewConnection, { cluster: files.cluster, host, localNetwork: node.local })
    }
    const now = verdict(after)
    const isNew = now.outcome === 'refused' && verdict(before).outcome !== 'refused'
    return isNew ? [{ node: node.name, client: client.address, port: server.port, by: now.by }] : []
  })
}

/**
 * The network that PVE takes for the cluster's own and always trusts: the one of the node's own address
 * (PVE::Firewall::local_network).
 */
export function localNetwork(model: Model): IpCidr | undefined {
  const { cluster, resolved } = model.get(pveFirewallRef)
  const known = cluster.members.find(({ name }) => name === cluster.nodeName)?.ip
  const addresses = known === undefined ? resolved.filter((address) => !/^(127\.|::1$|fe80:)/.test(address)) : [known]
  const networks = model.get(linksRef).routes.flatMap(({ destination }) => parseIpCidr(destination) ?? [])
  const found = networks.filter((network) => network.prefix > 0 && addresses.some((address) => holds(network, address)))
  return found.sort((a, b) => b.prefix - a.prefix).map(ipNetworkOf)[0]
}

function holds(network: IpCidr, text: string): boolean {
  const address = parseIp(text)
  return address !== undefined && spanHolds(spanOf(network), address)
}

function namesOf(links: LinksState, name: string): readonly string[] {
  return [name, ...(linkNamed(links, name)?.altnames ?? [])]
}
