/** Links of Open vSwitch: bridges, ports, internal ports, bonds; in the file and live. */
import { sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type OvsPort, ovsRef } from '../facts/ovs.ts'
import { withCards } from '../interfaces/cards.ts'
import {
  type OvsBridgeSettings,
  type OvsPortSettings,
  ovsOptionsInFile,
  ovsSlavesInFile,
  writeOvsBridge,
  writeOvsPort,
} from '../interfaces/ovs.ts'
import { bridgeNameReads } from './bridge-checks.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { linkStanza } from './interfaces-stanza.ts'
import { addressSteps, edited, type LinkStep, planSteps, setUp } from './link-steps.ts'
import { ovsBridgeBlocked, ovsPortBlocked } from './ovs-checks.ts'
import {
  addBond,
  addCard,
  type OvsStep,
  optionSteps,
  planOvsSteps,
  slaveSteps,
  withBridge,
  withPort,
} from './ovs-steps.ts'
import { planChain } from './plan-chain.ts'
import { plainLink } from './predict-links.ts'
import { OK, type Plan, type Resource } from './resource.ts'

const OVS = ovsRef as FactRef<unknown>

/** Ensures the stanza of a bridge, and those of its cards. */
export function ovsBridgeStanza(settings: OvsBridgeSettings): Resource {
  return linkStanza({
    settings,
    what: 'OVS bridge',
    members: settings.ports,
    reads: [OVS, ...bridgeNameReads(settings.name)],
    blocked: (model) => ovsBridgeBlocked(settings, model),
    edit: (lines) => writeOvsBridge(withCards(lines, settings.ports), settings),
  })
}

/** Ensures the live bridge, with its cards plugged in. */
export function ovsBridgeLink(settings: OvsBridgeSettings): Resource {
  const { name, ports } = settings
  return {
    kind: 'ovs_bridge_link',
    key: `OVS bridge:${name}`,
    title: `OVS bridge ${name}`,
    reads: [interfacesRef, linksRef, OVS, ...bridgeNameReads(name)],
    plan(model) {
      const reason = ovsBridgeBlocked(settings, model)
      if (reason !== undefined) return reason
      return planChain(model, [(now) => internalLink(settings, now, undefined), (now) => planOvsSteps(cards(now), now)])
    },
  }

  function cards(model: Model): readonly OvsStep[] {
    const lines = linesOf(model.get(interfacesRef))
    const plugged = model.get(ovsRef).bridges.find((bridge) => bridge.name === name)?.ports ?? []
    return ports
      .filter((port) => !plugged.includes(port))
      .map((port) => addCard(port, name, ovsOptionsInFile(lines, port), model.get(linksRef)))
  }
}

/** Ensures the stanza of a port, internal port or bond, and its place in that of its bridge. */
export function ovsPortStanza(settings: OvsPortSettings): Resource {
  const { name, type, slaves = [] } = settings
  const own = type === 'OVSPort' ? [name] : []
  return linkStanza({
    settings,
    what: { OVSPort: 'OVS port', OVSIntPort: 'OVS internal port', OVSBond: 'OVS bond' }[type],
    members: [...own, ...slaves],
    also: [settings.bridge],
    carriedBy: [settings.bridge],
    reads: [OVS],
    blocked: (model) => ovsPortBlocked(settings, model),
    edit: (lines) => writeOvsPort(withCards(withCards(lines, own), slaves, { autostart: true }), settings),
  })
}

/** Ensures the live port, internal port or bond. */
export function ovsPortLink(settings: OvsPortSettings): Resource {
  const { name, type } = settings
  const what = { OVSPort: 'OVS port', OVSIntPort: 'OVS internal port', OVSBond: 'OVS bond' }[type]
  return {
    kind: 'ovs_port_link',
    key: `${what}:${name}`,
    title: `${what} ${name}`,
    reads: [interfacesRef, linksRef, OVS],
    plan(model) {
      const reason = ovsPortBlocked(settings, model)
      if (reason !== undefined) return reason
      const port = model.get(ovsRef).ports.find((one) => one.name === name)
      if (type === 'OVSIntPort') return internalPort(settings, model, port)
      if (type === 'OVSBond') return bond(settings, model, port)
      return card(settings, model, port)
    },
  }
}

function card({ name, bridge, options, mtu }: OvsPortSettings, model: Model, port: OvsPort | undefined): Plan {
  const present = ovsOptionsInFile(linesOf(model.get(interfacesRef)), name)
  return planChain(model, [
    (now) =>
      planOvsSteps(
        port === undefined ? [addCard(name, bridge, present, now.get(linksRef))] : optionSteps(port, options),
        now,
      ),
    (now) =>
      linkNamed(now.get(linksRef), name)?.up === false ? planSteps([setUp(name)], now.get(linksRef), name) : OK,
    (now) => planSteps(ovsMtuSteps(name, mtu, now), now.get(linksRef), name),
  ])
}

function bond(settings: OvsPortSettings, model: Model, port: OvsPort | undefined): Plan {
  const { name, options, mtu } = settings
  const ovs = model.get(ovsRef)
  const lines = linesOf(model.get(interfacesRef))
  const slaves = settings.slaves ?? port?.interfaces ?? ovsSlavesInFile(lines, name)
  const present = ovsOptionsInFile(lines, name)
  const steps =
    port === undefined
      ? [addBond({ ...settings, slaves, options: present }, ovs)]
      : [...slaveSteps(port, slaves, ovs), ...optionSteps(port, options)]
  return planChain(model, [
    (now) => planOvsSteps(steps, now),
    // Open vSwitch has no packet size for a bond, only for its cards.
    (now) =>
      planSteps(
        slaves.flatMap((slave) => ovsMtuSteps(slave, mtu, now)),
        now.get(linksRef),
        name,
      ),
  ])
}

function internalPort(settings: OvsPortSettings, model: Model, port: OvsPort | undefined): Plan {
  return planChain(model, [
    (now) => internalLink(settings, now, settings.bridge),
    (now) => planOvsSteps(port === undefined ? [] : optionSteps(port, settings.options), now),
  ])
}

/** The node's own end: that of a bridge, or an internal port on `bridge`. */
function internalLink(settings: OvsBridgeSettings | OvsPortSettings, model: Model, bridge: string | undefined): Plan {
  const { name } = settings
  const links = model.get(linksRef)
  const lines = linesOf(model.get(interfacesRef))
  const link = linkNamed(links, name)
  if (link !== undefined)
    return planSteps(
      [
        ...ovsMtuSteps(name, settings.mtu, model),
        ...(link.up ? [] : [setUp(name)]),
        ...addressSteps(settings, lines, links, link),
      ],
      links,
      name,
    )
  const options = ovsOptionsInFile(lines, name)
  const parts =
    bridge === undefined ? [] : [`on ${bridge}`, ...(options.tag === undefined ? [] : [`VLAN ${options.tag}`])]
  const own: Link = plainLink(lines, name, 'openvswitch', 1500)
  const plan = planBringUp(model, { link: own, ports: [], summary: describeLink(own, parts) })
  if (plan.kind !== 'change') return plan
  const before = model.get(ovsRef)
  const ovs =
    bridge === undefined
      ? withBridge(before, name)
      : withPort(before, bridge, { name, interfaces: [name], options, type: 'internal' })
  return { ...plan, after: [...plan.after, becomes(ovsRef, ovs)] }
}

/** Open vSwitch sets the size of packets of its links itself, unless it is asked for one. */
function ovsMtuSteps(name: string, mtu: number | undefined, model: Model): readonly LinkStep[] {
  const link = linkNamed(model.get(linksRef), name)
  if (mtu === undefined || link === undefined || link.mtu === mtu) return []
  return [
    {
      summary: `${name}: mtu ${link.mtu} → ${mtu}`,
      script: sh`ovs-vsctl -t 10 set Interface ${name} ${`mtu_request=${mtu}`}`,
      movesTraffic: true,
      after: edited(name, (now) => ({ ...now, mtu })),
    },
  ]
}
