/** Addresses for the links of corosync: given, or derived from those of a member. Pure. */
import { isIP } from 'node:net'
import { PvectlError } from '../errors.ts'
import { ipContains, ipNetworkOf, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { ownAddress } from './judge-system.ts'
import type { NodeSurvey } from './survey.ts'

/** Address of each link by its number, 0 to 7. */
export type Links = ReadonlyMap<number, string>

/** Addresses of a member in corosync.conf, by link (corosync.conf(5), nodelist). */
export function linksOf(conf: string, nodeName: string): Links {
  const nodes = [...conf.matchAll(/\bnode\s*\{([^}]*)\}/g)].map((match) => match[1] ?? '')
  const own = nodes.find((text) => new RegExp(`^\\s*name:\\s*${literally(nodeName)}\\s*$`, 'm').test(text)) ?? ''
  const links = [...own.matchAll(/^\s*ring([0-7])_addr:\s*(\S+)\s*$/gm)]
  return new Map(links.map(([, link, address]) => [Number(link), address ?? '']))
}

/**
 * Links for a node that joins: each link of the cluster needs one (pve-cluster, PVE/API2/ClusterConfig.pm, addnode).
 * Derived is the node's address in the network of the member's. Throws BLOCKED for a link that nobody can derive, one
 * that the cluster lacks, and an address that is not the node's.
 */
export function linksToJoin(node: NodeSurvey, reached: string, given: Links, member: NodeSurvey): Links {
  const { corosyncConf = '', nodeName = '' } = member.cluster
  const theirs = linksOf(corosyncConf, nodeName)
  const unknown = [...given.keys()].filter((link) => theirs.size > 0 && !theirs.has(link))
  if (unknown.length > 0) {
    throw new PvectlError('BLOCKED', `the cluster has no link ${unknown.join(', ')}`, {
      hint: `it has ${[...theirs].map(([link, address]) => `link${link} (${address} on ${nodeName})`).join(', ')}`,
    })
  }
  const wanted = theirs.size === 0 ? new Map([[0, '']]) : theirs
  const links = [...wanted].map(([link, address]): [number, string] => {
    const own =
      given.get(link) ??
      derived(node, address, member) ??
      (wanted.size === 1 ? ownAddress(node.basics, reached) : undefined)
    if (own !== undefined) return [link, own]
    throw new PvectlError(
      'BLOCKED',
      `the node has no address in the network of link ${link} (${address} on ${nodeName})`,
      {
        hint: `give the node an address there, or name it: --link${link} ADDRESS`,
      },
    )
  })
  return checked(new Map(links), node)
}

/** Links for a node that founds a cluster: what was given, else its own address as link 0. */
export function linksToCreate(node: NodeSurvey, reached: string, given: Links): Links {
  return checked(given.size > 0 ? given : new Map([[0, ownAddress(node.basics, reached)]]), node)
}

function derived(node: NodeSurvey, theirs: string, member: NodeSurvey): string | undefined {
  if (isIP(theirs) !== 4) return undefined
  const there = member.basics.addresses.find(({ cidr }) => cidr.split('/')[0] === theirs)
  const theirCidr = parseIpv4Cidr(there?.cidr ?? '')
  if (theirCidr === undefined) return undefined
  const network = ipNetworkOf(theirCidr)
  return node.basics.addresses
    .map(({ cidr }) => cidr.split('/')[0] ?? '')
    .find((ip) => {
      const own = parseIpv4Cidr(ip)
      return own !== undefined && ipContains(network, own)
    })
}

function checked(links: Links, { basics }: NodeSurvey): Links {
  for (const [link, address] of links) {
    const isOwn = basics.addresses.some(({ cidr }) => cidr.split('/')[0] === address)
    if (isIP(address) !== 0 && !isOwn) {
      throw new PvectlError('BLOCKED', `link ${link}: ${address} is no address of ${basics.hostname}`, {
        hint: `it has ${basics.addresses.map(({ cidr, device }) => `${cidr} on ${device}`).join(', ')}`,
      })
    }
  }
  return links
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
