/** A VLAN as the kernel has it: on the right link, with the right number, up, with its address. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { bridgeVlansRef, type PortVlans } from '../facts/bridge-vlans.ts'
import { becomes } from '../facts/fact.ts'
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { slavesInFile } from '../interfaces/bond.ts'
import type { Lines } from '../interfaces/lines.ts'
import { ownersInFile } from '../interfaces/members.ts'
import { ovsTypeInFile } from '../interfaces/ovs.ts'
import { type VlanSettings, vlanInFile, writeVlan } from '../interfaces/vlan.ts'
import { mergeVids, vidsWithout } from '../net/vids.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { linkStanza } from './interfaces-stanza.ts'
import { addressBlocked, blocked, mtuBlocked, nameBlocked } from './link-checks.ts'
import { addressSteps, mtuSteps, planSteps, setUp } from './link-steps.ts'
import { planChain } from './plan-chain.ts'
import { plainLink, withoutLink } from './predict-links.ts'
import { OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

/** Ensures the stanza of a VLAN. */
export function vlanStanza(settings: VlanSettings): Resource {
  return linkStanza({
    settings,
    what: 'VLAN',
    members: [],
    carriedBy: [settings.rawDevice],
    claims: [`vlan:${settings.id} on ${settings.rawDevice}`],
    blocked: (model) => vlanBlocked(settings, model.get(interfacesRef), model.get(linksRef)),
    edit: (lines) => writeVlan(lines, settings),
  })
}

/** Ensures the live VLAN. One with another number or on another link is made anew: neither can be changed. */
export function vlanLink(settings: VlanSettings): Resource {
  const { name } = settings
  return {
    kind: 'vlan_link',
    key: `VLAN:${name}`,
    title: `VLAN ${name}`,
    reads: [interfacesRef, linksRef, bridgeVlansRef],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const reason = vlanBlocked(settings, interfaces, links)
      if (reason !== undefined) return reason
      return planChain(model, [(now) => theLink(settings, now), (now) => joinOwnVlan(settings, now)])
    },
  }
}

function theLink(settings: VlanSettings, model: Model): Plan {
  const { name, mtu } = settings
  const links = model.get(linksRef)
  const lines = linesOf(model.get(interfacesRef))
  const link = linkNamed(links, name)
  if (link === undefined) return bringUp(settings, model)
  if (!isSame(settings, link, links)) return makeAnew(settings, model, link)
  const steps = [
    ...mtuSteps(link, mtu),
    ...(link.up ? [] : [setUp(name)]),
    ...addressSteps(settings, lines, links, link),
  ]
  return planSteps(steps, links, name)
}

function vlanBlocked(settings: VlanSettings, interfaces: InterfacesState, links: LinksState): PlanBlocked | undefined {
  const { name, rawDevice, id, mtu } = settings
  const lines = linesOf(interfaces)
  const raw = linkNamed(links, rawDevice)
  const twin = links.links.find((other) => other.name !== name && other.vlan?.id === id && other.lower === raw?.name)
  return (
    nameBlocked({ name, kinds: ['vlan'], what: 'a VLAN' }, interfaces, links) ??
    (raw === undefined
      ? blocked(`this node has no interface ${rawDevice} to carry VLAN ${id}`, 'see `ip link` on the node')
      : undefined) ??
    (raw?.kind === 'openvswitch' || isOvs(lines, rawDevice)
      ? blocked(`${rawDevice} belongs to Open vSwitch, whose VLANs are internal ports`, 'use ovs_int_port with a tag')
      : undefined) ??
    (twin === undefined
      ? undefined
      : blocked(
          `VLAN ${id} of ${rawDevice} is there already as ${twin.name}`,
          `use ${twin.name}, or remove it first`,
        )) ??
    slaveBlocked(name, rawDevice, lines, links) ??
    mtuBlocked(name, mtu, rawDevice, links) ??
    addressBlocked(settings, lines, links)
  )
}

/** The bond gets all frames of its slaves. A VLAN that is there already is left alone. */
function slaveBlocked(name: string, rawDevice: string, lines: Lines, links: LinksState): PlanBlocked | undefined {
  if (linkNamed(links, name) !== undefined) return undefined
  const master = linkNamed(links, linkNamed(links, rawDevice)?.master ?? '')
  const inFile = ownersInFile(lines, rawDevice).find((owner) => slavesInFile(lines, owner) !== undefined)
  const bond = inFile ?? (master?.kind === 'bond' ? master.name : undefined)
  return bond === undefined
    ? undefined
    : blocked(`${rawDevice} is a slave of ${bond}, which gets its frames`, `put the VLAN on ${bond}`)
}

/** PVE refuses to save a VLAN on what Open vSwitch has, and ports of it give it all their frames. */
function isOvs(lines: Lines, name: string): boolean {
  return [name, ...ownersInFile(lines, name)].some((one) => ovsTypeInFile(lines, one) !== undefined)
}

function isSame({ rawDevice, id, protocol }: VlanSettings, { lower, vlan }: Link, links: LinksState): boolean {
  const tagging = protocol ?? vlan?.protocol ?? ''
  return (
    lower === linkNamed(links, rawDevice)?.name &&
    vlan?.id === id &&
    vlan.protocol.toLowerCase() === tagging.toLowerCase()
  )
}

function bringUp(settings: VlanSettings, model: Model, more: readonly Script[] = [], master?: string): Plan {
  const lines = linesOf(model.get(interfacesRef))
  const links = model.get(linksRef)
  const { name, rawDevice, id } = settings
  const raw = linkNamed(links, rawDevice)
  const protocol = vlanInFile(lines, name)?.protocol === '802.1ad' ? '802.1ad' : '802.1Q'
  const link: Link = {
    ...plainLink(lines, name, 'vlan', raw?.mtu ?? 1500),
    lower: raw?.name ?? rawDevice,
    vlan: { id, protocol },
    ...(master === undefined ? {} : { master }),
  }
  return planBringUp(model, {
    link,
    ports: [],
    summary: describeLink(link, [`VLAN ${id} of ${rawDevice}`, ...sharedWith(raw, id, links)]),
    first: raw?.up === false ? [setUp(raw.name)] : [],
    settle: more,
  })
}

/** A VLAN on a card takes its frames before a bridge sees them that the card is a port of. */
function sharedWith(raw: Link | undefined, id: number, links: LinksState): readonly string[] {
  const bridge = raw?.master === undefined ? undefined : linkNamed(links, raw.master)
  return bridge?.bridge?.vlanAware === true
    ? [`whose frames ${bridge.name} and its guests no longer get (tag ${id})`]
    : []
}

function makeAnew(settings: VlanSettings, model: Model, link: Link): Plan {
  const { name } = settings
  const links = model.get(linksRef)
  const gone = model.with([becomes(linksRef, withoutLink(links, name))])
  const replug = link.master === undefined ? [] : [sh`ip link set ${name} master ${link.master}`]
  const plan = bringUp(settings, gone, replug, link.master)
  if (plan.kind !== 'change') return plan
  const was = `VLAN ${link.vlan?.id ?? '?'} of ${link.lower ?? '?'}`
  return {
    ...plan,
    changes: [{ summary: `${name}: take down, it is ${was}` }, ...plan.changes],
    script: joinScripts([sh`ip link del dev ${name}`, plan.script]),
    risk: 'link',
  }
}

/** A VLAN on a VLAN-aware bridge gets frames only when the bridge's own end is in that VLAN. */
function joinOwnVlan({ rawDevice, id }: VlanSettings, model: Model): Plan {
  const bridge = linkNamed(model.get(linksRef), rawDevice)
  if (bridge?.bridge?.vlanAware !== true) return OK
  const present = model.get(bridgeVlansRef)
  const own: PortVlans = present.find((port) => port.name === bridge.name) ?? { name: bridge.name, vids: [] }
  const vid = { from: id, to: id }
  if (vidsWithout([vid], own.vids).length === 0) return OK
  const joined = { ...own, vids: mergeVids([...own.vids, vid]) }
  return {
    kind: 'change',
    changes: [{ summary: `${bridge.name}: let VLAN ${id} reach the node` }],
    script: sh`bridge vlan add dev ${bridge.name} vid ${id} self`,
    after: [becomes(bridgeVlansRef, [...present.filter((port) => port !== own), joined])],
  }
}
