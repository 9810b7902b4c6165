/** What stands in the way of a bridge: things PVE would refuse to save, or that would cut something else off. */
import type { InterfacesState } from '../facts/interfaces.ts'
import { type LinksState, linkNamed } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { type BridgeSettings, inetStanza, portsInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { normalName, optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import { formatCidr, type Ipv4Cidr, overlaps, parseCidr } from '../net/cidr.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'

/** The first reason why the bridge cannot be described in the file or brought up as asked. */
export function bridgeBlocked(
  settings: BridgeSettings,
  interfaces: InterfacesState,
  links: LinksState,
): PlanBlocked | undefined {
  const lines = linesOf(interfaces)
  return (
    foreignBridge(settings.name, interfaces, lines, links) ??
    addressBlocked(settings, lines, links) ??
    (settings.ports ?? [])
      .map((port) => portBlocked(settings.name, port, interfaces, lines, links))
      .find((blocked) => blocked !== undefined)
  )
}

function foreignBridge(
  name: string,
  interfaces: InterfacesState,
  lines: Lines,
  links: LinksState,
): PlanBlocked | undefined {
  const stanzas = stanzasOf(lines, name)
  const elsewhere = stanzas.length === 0 ? definedElsewhere(interfaces, name) : undefined
  if (elsewhere !== undefined)
    return blocked(`${name} is described in ${elsewhere}, which pvectl does not edit`, 'choose another name')
  const link = linkNamed(links, name)
  if (link !== undefined && link.kind !== 'bridge')
    return blocked(`${name} exists and is not a bridge (${link.kind || 'hardware'})`, 'choose another name')
  if (stanzas.some((stanza) => optionsNamed(stanza, 'ovs-type').length > 0))
    return blocked(`${name} is an Open vSwitch device in /etc/network/interfaces`, 'choose another name')
  const isBridge = stanzas.some(({ options }) => options.some((option) => /^bridge-/.test(normalName(option.name))))
  return stanzas.length === 0 || isBridge || /^vmbr\d+$/.test(name)
    ? undefined
    : blocked(`${name} is not a bridge in /etc/network/interfaces`, 'choose another name')
}

function addressBlocked({ name, address }: BridgeSettings, lines: Lines, links: LinksState): PlanBlocked | undefined {
  if (address === undefined) return undefined
  const stanza = inetStanza(lines, name)
  if (stanza?.method === 'dhcp')
    return blocked(`${name} gets its address by DHCP`, 'leave `address` out, or make the stanza static first')
  const present = addressesNamed(lines, name)
  const isThere = address !== 'none' && present.some((cidr) => formatCidr(cidr) === formatCidr(address))
  if (isThere) return undefined
  if (present.length > 1)
    return blocked(
      `${name} has several addresses in /etc/network/interfaces (${present.map(formatCidr).join(', ')})`,
      'leave one of them, then run again; which to replace is not for pvectl to guess',
    )
  return (
    gatewayBlocked(name, address, lines) ??
    (address === 'none' ? undefined : overlapBlocked(name, address, lines, links))
  )
}

function gatewayBlocked(name: string, address: Ipv4Cidr | 'none', lines: Lines): PlanBlocked | undefined {
  const stanza = inetStanza(lines, name)
  const value = stanza === undefined ? undefined : optionsNamed(stanza, 'gateway')[0]?.value
  const gateway = value === undefined ? undefined : parseCidr(value)
  if (gateway === undefined) return undefined
  if (address !== 'none' && (address.prefix === 32 || overlaps(address, gateway))) return undefined
  const asked = address === 'none' ? 'no address' : formatCidr(address)
  return blocked(`${name} has the gateway ${value}, which ${asked} could not reach`, 'change the gateway first')
}

/** Host routes (/32) are how hosters route single addresses; they overlap on purpose. */
function overlapBlocked(name: string, address: Ipv4Cidr, lines: Lines, links: LinksState): PlanBlocked | undefined {
  if (address.prefix === 32) return undefined
  const live = links.links
    .filter((link) => link.name !== name && link.master !== name)
    .flatMap((link) => link.addresses.map(({ cidr }) => ({ name: link.name, cidr: parseCidr(cidr) })))
  const written = [...new Set(stanzasOf(lines).map((stanza) => stanza.name))]
    .filter((other) => other !== name)
    .flatMap((other) => addressesNamed(lines, other).map((cidr) => ({ name: other, cidr })))
  const clash = [...live, ...written].find(
    ({ cidr }) => cidr !== undefined && cidr.prefix < 32 && overlaps(cidr, address),
  )
  return clash?.cidr === undefined
    ? undefined
    : blocked(
        `${formatCidr(address)} of ${name} overlaps ${formatCidr(clash.cidr)} of ${clash.name}`,
        'give them networks that do not overlap, or the node cannot tell where a packet belongs',
      )
}

function portBlocked(
  bridge: string,
  port: string,
  interfaces: InterfacesState,
  lines: Lines,
  links: LinksState,
): PlanBlocked | undefined {
  const link = linkNamed(links, port)
  const stanzas = stanzasOf(lines, port)
  if (
    link === undefined &&
    stanzas.length === 0 &&
    definedElsewhere(interfaces, port) === undefined &&
    !isVlanOfLink(port, links)
  )
    return blocked(`this node has no interface ${port} to be a port of ${bridge}`, 'see `ip link` on the node')
  const other = [...new Set(stanzasOf(lines).map(({ name }) => name))].find(
    (name) => name !== bridge && portsInFile(lines, name)?.includes(port) === true,
  )
  if (other !== undefined) return blocked(`${port} is a port of ${other} already`, 'take it out there first')
  if (link?.master !== undefined && link.master !== bridge)
    return blocked(`${port} is a port of ${link.master} already`, 'take it out there first')
  const owns = stanzas.some(({ method }) => method === 'dhcp') || addressesNamed(lines, port).length > 0
  const live = link?.addresses.some(({ scope, family }) => scope === 'global' && family === 4) === true
  return owns || live
    ? blocked(
        `${port} has an address of its own, which it would lose as a port of ${bridge}`,
        `move the address to ${bridge} in the web interface first: that can cut the node off, so it is left to you`,
      )
    : undefined
}

function isVlanOfLink(port: string, links: LinksState): boolean {
  const [, parent] = /^(.+)\.\d+$/.exec(port) ?? []
  return parent !== undefined && linkNamed(links, parent) !== undefined
}

function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
