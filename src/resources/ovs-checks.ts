/** What stands in the way of links of Open vSwitch. */
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type OvsState, ovsBridgeOf, ovsPortOf, ovsRef } from '../facts/ovs.ts'
import { mtuInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import type { LinkSettings } from '../interfaces/link-stanza.ts'
import { vlansOnInFile } from '../interfaces/members.ts'
import { type OvsPortSettings, ovsSlavesInFile, ovsTypeInFile } from '../interfaces/ovs.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { freeNameBlocked } from './bridge-checks.ts'
import { isCard } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { addressBlocked, blocked, memberBlocked, nameBlocked } from './link-checks.ts'
import type { PlanBlocked } from './resource.ts'

/** Why a bridge cannot be made or get these cards as ports. */
export function ovsBridgeBlocked(
  settings: LinkSettings & { readonly ports: readonly string[] },
  model: Model,
): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const ovs = model.get(ovsRef)
  const lines = linesOf(interfaces)
  const { name, ports } = settings
  const live = linkNamed(links, name)
  const foreign = live !== undefined && ovs.available && !ovs.bridges.some((bridge) => bridge.name === name)
  return (
    nameBlocked({ name, kinds: ['openvswitch'], what: 'a bridge of Open vSwitch' }, interfaces, links) ??
    (foreign ? blocked(`${name} exists and is not a bridge of Open vSwitch`, 'choose another name') : undefined) ??
    freeNameBlocked(name, model) ??
    stanzaBlocked(name, 'OVSBridge', lines) ??
    addressBlocked(settings, lines, links) ??
    firstOf(ports, (port) => cardBlocked(name, port, model))
  )
}

/** Why a port, internal port or bond cannot be made on its bridge. */
export function ovsPortBlocked(settings: OvsPortSettings, model: Model): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const ovs = model.get(ovsRef)
  const lines = linesOf(interfaces)
  const { name, type, bridge, slaves = [], mtu } = settings
  const kinds = type === 'OVSPort' ? [linkNamed(links, name)?.kind ?? '', 'openvswitch'] : ['openvswitch']
  const elsewhere = ovsBridgeOf(ovs, name)
  return (
    nameBlocked({ name, kinds, what: TYPE_NAMES[type] }, interfaces, links) ??
    noBridge(settings, lines, ovs) ??
    (elsewhere === undefined || elsewhere === bridge
      ? undefined
      : blocked(`${name} is a port of ${elsewhere} already`, 'take it out there first')) ??
    (type === 'OVSPort' ? cardBlocked(bridge, name, model) : stanzaBlocked(name, type, lines)) ??
    (type === 'OVSBond' && settings.slaves === undefined && ovsSlavesInFile(lines, name).length === 0
      ? blocked(`there is no ${name} yet, and a new bond needs slaves`, 'add `slaves`')
      : undefined) ??
    firstOf(slaves, (slave) => cardBlocked(name, slave, model, bridge)) ??
    ovsMtuBlocked(name, mtu, bridge, lines) ??
    addressBlocked(settings, lines, links)
  )
}

/** Words for people. */
export const TYPE_NAMES: Readonly<Record<OvsPortSettings['type'], string>> = {
  OVSPort: 'a port of Open vSwitch',
  OVSIntPort: 'an internal port of Open vSwitch',
  OVSBond: 'a bond of Open vSwitch',
}

function noBridge({ name, bridge }: OvsPortSettings, lines: Lines, ovs: OvsState): PlanBlocked | undefined {
  const written = ovsTypeInFile(lines, bridge) === 'OVSBridge'
  const live = ovs.bridges.some((one) => one.name === bridge)
  return written && live
    ? undefined
    : blocked(
        `there is no bridge ${bridge} of Open vSwitch${written || live ? (live ? ' in /etc/network/interfaces' : ' on the node, only in /etc/network/interfaces') : ''} for ${name}`,
        `describe it first (task ovs_bridge, name: ${bridge})`,
      )
}

/** A stanza that describes something else. A bond of Linux, say, would be a bond of both. */
function stanzaBlocked(name: string, type: string, lines: Lines): PlanBlocked | undefined {
  const stanzas = stanzasOf(lines, name)
  const present = ovsTypeInFile(lines, name)
  const isOther = present === undefined ? stanzas.some(({ options }) => options.length > 0) : present !== type
  return isOther
    ? blocked(
        `${name} is ${present === undefined ? 'no device of Open vSwitch' : `an ${present}`} in /etc/network/interfaces`,
        'choose another name, or take its stanza away first',
      )
    : undefined
}

/** `holder` is what the card is to be plugged into; `from`: a bridge that it may be taken from. */
function cardBlocked(holder: string, card: string, model: Model, from?: string): PlanBlocked | undefined {
  const links = model.get(linksRef)
  const link = linkNamed(links, card)
  const port = ovsPortOf(model.get(ovsRef), card)
  const owner = port === undefined ? undefined : port.name === card ? ovsBridgeOf(model.get(ovsRef), card) : port.name
  return (
    memberBlocked(holder, card, model.get(interfacesRef), links, from === undefined ? [] : [from]) ??
    (link !== undefined && !isCard(link)
      ? blocked(`${card} cannot be plugged into ${holder} (${link.kind})`, 'PVE allows network cards only')
      : undefined) ??
    (owner === undefined || owner === holder || owner === from
      ? undefined
      : blocked(`${card} is a port of ${owner} already`, 'take it out there first')) ??
    vlansBlocked(holder, card, links, linesOf(model.get(interfacesRef)))
  )
}

function vlansBlocked(holder: string, card: string, { links }: LinksState, lines: Lines): PlanBlocked | undefined {
  const live = links.find((other) => other.kind === 'vlan' && other.lower === card)?.name
  const vlan = live ?? vlansOnInFile(lines, card)[0]
  return vlan === undefined
    ? undefined
    : blocked(
        `${vlan} is built on ${card}, and would get no more frames once that belongs to ${holder}`,
        `take it away first (task vlan, state: absent); VLANs of the node are internal ports there (ovs_int_port)`,
      )
}

/** PVE refuses to save a port whose MTU is above that of its bridge. */
function ovsMtuBlocked(name: string, mtu: number | undefined, bridge: string, lines: Lines): PlanBlocked | undefined {
  const parent = mtuInFile(lines, bridge) ?? 1500
  return mtu === undefined || mtu <= parent
    ? undefined
    : blocked(
        `${name} is to have an MTU of ${mtu}, and ${bridge} has ${parent} in /etc/network/interfaces`,
        `give ${bridge} at least ${mtu} first, or ${name} at most ${parent}`,
      )
}

function firstOf(names: readonly string[], check: (name: string) => PlanBlocked | undefined): PlanBlocked | undefined {
  return names.reduce<PlanBlocked | undefined>((found, name) => found ?? check(name), undefined)
}
