/** What stands in the way of a link of any kind: things PVE would refuse to save, or that would cut something off. */
import type { InterfacesState } from '../facts/interfaces.ts'
import { type LinksState, linkNamed } from '../facts/links.ts'
import { SDN_INTERFACES } from '../facts/sdn.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { addresses6Named, inet6Stanza } from '../interfaces/address6.ts'
import type { Lines } from '../interfaces/lines.ts'
import { inetStanza, type LinkSettings, optionInFile } from '../interfaces/link-stanza.ts'
import { ownersInFile } from '../interfaces/members.ts'
import { optionsNamed, type Stanza, stanzasOf } from '../interfaces/stanzas.ts'
import { formatIpCidr, type IpCidr, ipOverlaps, parseIpCidr } from '../net/ip-cidr.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'
import { ownedBlocked } from './sdn.ts'

/** A reason with what to do about it. */
export function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}

/** Addresses of a link that would overlap those of others, lose a gateway, or replace one of several. */
export function addressBlocked(settings: LinkSettings, lines: Lines, links: LinksState): PlanBlocked | undefined {
  const { name, address, address6 } = settings
  const inet = addressesNamed(lines, name).map(formatIpCidr)
  const inet6 = addresses6Named(lines, name).map(formatIpCidr)
  const wanted = address === undefined || address === 'none' ? address : formatIpCidr(address)
  const wanted6 = address6 === undefined || address6 === 'none' ? address6 : formatIpCidr(address6)
  return (
    familyBlocked({ name, wanted, present: inet, stanza: inetStanza(lines, name) }, lines, links) ??
    familyBlocked({ name, wanted: wanted6, present: inet6, stanza: inet6Stanza(lines, name) }, lines, links)
  )
}

interface FamilyWish {
  readonly name: string
  readonly wanted: string | 'none' | undefined
  readonly present: readonly string[]
  readonly stanza: Stanza | undefined
}

function familyBlocked(wish: FamilyWish, lines: Lines, links: LinksState): PlanBlocked | undefined {
  const { name, wanted, present, stanza } = wish
  if (wanted === undefined) return undefined
  if (stanza?.method === 'dhcp' || stanza?.method === 'auto')
    return blocked(
      `${name} gets its ${stanza.family === 'inet6' ? 'IPv6 ' : ''}address by ${stanza.method === 'dhcp' ? 'DHCP' : 'router advertisements'}`,
      'leave `address` out, or make the stanza static first',
    )
  if (wanted !== 'none' && present.includes(wanted)) return undefined
  if (present.length > 1)
    return blocked(
      `${name} has several addresses in /etc/network/interfaces (${present.join(', ')})`,
      'leave one of them, then run again; which to replace is not for pvectl to guess',
    )
  if (wanted === 'none') return gatewayBlocked(wish)
  return pluggedBlocked(name, lines, links) ?? gatewayBlocked(wish) ?? overlapBlocked(name, wanted, lines, links)
}

/** PVE refuses to save a port of a bridge that has an address, and the node would not answer by it. */
function pluggedBlocked(name: string, lines: Lines, links: LinksState): PlanBlocked | undefined {
  const master = linkNamed(links, linkNamed(links, name)?.master ?? '')
  const inFile = ownersInFile(lines, name).find((owner) => optionInFile(lines, owner, 'bridge-ports') !== undefined)
  const bridge = inFile ?? (master?.kind === 'bridge' ? master.name : undefined)
  return bridge === undefined
    ? undefined
    : blocked(`${name} is a port of ${bridge}, so it can have no address`, `give the address to ${bridge}`)
}

function gatewayBlocked({ name, wanted = 'none', stanza }: FamilyWish): PlanBlocked | undefined {
  const value = stanza === undefined ? undefined : optionsNamed(stanza, 'gateway')[0]?.value
  const gateway = value === undefined ? undefined : parseIpCidr(value)
  const cidr = parseIpCidr(wanted)
  if (gateway === undefined || (cidr !== undefined && cidr.family !== gateway.family)) return undefined
  if (cidr !== undefined && (isSingle(cidr) || ipOverlaps(cidr, gateway) || isOnEveryLink(gateway))) return undefined
  const asked = wanted === 'none' ? 'no address' : wanted
  return blocked(`${name} has the gateway ${value}, which ${asked} could not reach`, 'change the gateway first')
}

/** Single addresses are how hosters route them, and link-local ones are the same everywhere: they overlap on purpose. */
function overlapBlocked(name: string, wanted: string, lines: Lines, links: LinksState): PlanBlocked | undefined {
  const cidr = parseIpCidr(wanted)
  if (cidr === undefined || isSingle(cidr) || isOnEveryLink(cidr)) return undefined
  const live = links.links
    .filter((link) => link.name !== name && link.master !== name)
    .flatMap((link) => link.addresses.map((address) => ({ name: link.name, cidr: parseIpCidr(address.cidr) })))
  const written = [...new Set(stanzasOf(lines).map((stanza) => stanza.name))]
    .filter((other) => other !== name)
    .flatMap((other) =>
      [...addressesNamed(lines, other).map(formatIpCidr), ...addresses6Named(lines, other).map(formatIpCidr)].map(
        (text) => ({ name: other, cidr: parseIpCidr(text) }),
      ),
    )
  const clash = [...live, ...written].find(
    (other) => other.cidr !== undefined && !isSingle(other.cidr) && ipOverlaps(other.cidr, cidr),
  )
  return clash?.cidr === undefined
    ? undefined
    : blocked(
        `${wanted} of ${name} overlaps ${formatIpCidr(clash.cidr)} of ${clash.name}`,
        isDockers(clash.name)
          ? `choose another network, or another one for Docker: "bip" and "default-address-pools" in /etc/docker/daemon.json, then make its networks anew`
          : 'give them networks that do not overlap, or the node cannot tell where a packet belongs',
      )
}

/** Bridges are named by Docker unless somebody says otherwise. */
function isDockers(name: string): boolean {
  return /^(docker0|docker_gwbridge|br-[0-9a-f]{12})$/.test(name)
}

function isSingle({ family, prefix }: IpCidr): boolean {
  return prefix === (family === 4 ? 32 : 128)
}

function isOnEveryLink({ family, address }: IpCidr): boolean {
  return family === 6 && address >> 118n === 0x3fan
}

/** Why a link cannot be plugged into another: it is not there, is plugged in elsewhere, or has an address to lose. */
export function memberBlocked(
  owner: string,
  member: string,
  interfaces: InterfacesState,
  links: LinksState,
  /** Owners that it may be taken from. */
  from: readonly string[] = [],
): PlanBlocked | undefined {
  const lines = linesOf(interfaces)
  const link = linkNamed(links, member)
  const stanzas = stanzasOf(lines, member)
  const known = stanzas.length > 0 || definedElsewhere(interfaces, member) !== undefined || isVlanOfLink(member, links)
  if (link === undefined && !known)
    return blocked(`this node has no interface ${member} to be a port of ${owner}`, 'see `ip link` on the node')
  const allowed = [owner, ...from]
  const other = ownersInFile(lines, member).find((name) => !allowed.includes(name))
  const master = link?.master
  const taken = other ?? (master === undefined || allowed.includes(master) || master === OVS ? undefined : master)
  if (taken !== undefined) return blocked(`${member} is a port of ${taken} already`, 'take it out there first')
  const owns = stanzas.some(({ method }) => method === 'dhcp') || hasAddressInFile(lines, member)
  const live = link?.addresses.some(({ scope, family }) => scope === 'global' && family === 4) === true
  return owns || live
    ? blocked(
        `${member} has an address of its own, which it would lose as a port of ${owner}`,
        `move the address to ${owner} in the web interface first: that can cut the node off, so it is left to you`,
      )
    : undefined
}

/** The link that the kernel names as master of all ports of Open vSwitch. */
const OVS = 'ovs-system'

function hasAddressInFile(lines: Lines, name: string): boolean {
  return addressesNamed(lines, name).length > 0 || addresses6Named(lines, name).length > 0
}

function isVlanOfLink(port: string, links: LinksState): boolean {
  const [, parent] = /^(.+)\.\d+$/.exec(port) ?? []
  return parent !== undefined && linkNamed(links, parent) !== undefined
}

/** Why something else has the name: a link of another kind, a stanza in another file, one of Open vSwitch. */
export function nameBlocked(
  { name, kinds, what }: { readonly name: string; readonly kinds: readonly string[]; readonly what: string },
  interfaces: InterfacesState,
  links: LinksState,
): PlanBlocked | undefined {
  const stanzas = stanzasOf(linesOf(interfaces), name)
  const elsewhere = stanzas.length === 0 ? definedElsewhere(interfaces, name) : undefined
  if (elsewhere === SDN_INTERFACES) return ownedBlocked(`${name} (${SDN_INTERFACES})`)
  if (elsewhere !== undefined)
    return blocked(
      `${name} is described in ${elsewhere}, which pvectl does not edit`,
      `move its stanza to /etc/network/interfaces, where the web interface shows it too, or choose another name`,
    )
  const link = linkNamed(links, name)
  if (link !== undefined && !kinds.includes(link.kind))
    return blocked(`${name} exists and is not ${what} (${link.kind || 'hardware'})`, 'choose another name')
  const ovs = stanzas.some((stanza) => optionsNamed(stanza, 'ovs-type').length > 0)
  return ovs && !kinds.includes('openvswitch')
    ? blocked(`${name} is an Open vSwitch device in /etc/network/interfaces`, 'choose another name')
    : undefined
}

/** What a link is built on must carry packets of its size; PVE refuses to save a file where it does not. */
export function mtuBlocked(
  name: string,
  mtu: number | undefined,
  below: string,
  links: LinksState,
): PlanBlocked | undefined {
  const lower = linkNamed(links, below)
  return mtu === undefined || lower === undefined || lower.mtu >= mtu
    ? undefined
    : blocked(
        `${name} is to have an MTU of ${mtu}, and ${below}, which carries it, has ${lower.mtu}`,
        `give ${below} at least ${mtu} first, or ${name} at most ${lower.mtu}`,
      )
}

/** What is built on a link must not need larger packets than it is to carry. */
export function mtuAboveBlocked(name: string, mtu: number | undefined, links: LinksState): PlanBlocked | undefined {
  const present = linkNamed(links, name)
  if (mtu === undefined || present === undefined || present.mtu <= mtu) return undefined
  const above = links.links.find((other) => other.lower === name && other.mtu > mtu)
  return above === undefined
    ? undefined
    : blocked(
        `${name} is to have an MTU of ${mtu}, and ${above.name}, which is built on it, has ${above.mtu}`,
        `give ${above.name} at most ${mtu} first`,
      )
}
