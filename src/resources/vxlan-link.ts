/** A VXLAN tunnel: in the file, as the kernel has it, and whom it sends to. */
import { joinScripts, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { tunnelPeers } from '../facts/tunnel-peers.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { VXLAN_OVERHEAD, type VxlanSettings, vxlanIdInFile, writeVxlan } from '../interfaces/vxlan.ts'
import { ipContains, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { linkStanza } from './interfaces-stanza.ts'
import { addressBlocked, blocked, mtuAboveBlocked, nameBlocked } from './link-checks.ts'
import { addressSteps, mtuSteps, planSteps, setUp } from './link-steps.ts'
import { planChain } from './plan-chain.ts'
import { plainLink, withoutLink } from './predict-links.ts'
import { OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

/** Ensures the stanza of a tunnel. */
export function vxlanStanza(settings: VxlanSettings): Resource {
  return linkStanza({
    settings,
    what: 'VXLAN',
    members: [],
    claims: [`VXLAN:${settings.id}`],
    blocked: (model) => vxlanBlocked(settings, model),
    edit: (lines, links) => writeVxlan(lines, { ...settings, peers: others(settings, links) }),
  })
}

/** Ensures the live tunnel and its far ends. One of another network is made anew: that cannot be changed. */
export function vxlanLink(settings: VxlanSettings): Resource {
  const { name } = settings
  return {
    kind: 'vxlan_link',
    key: `VXLAN:${name}`,
    title: `VXLAN ${name}`,
    reads: [interfacesRef, linksRef, tunnelPeers(name) as FactRef<unknown>],
    plan(model) {
      return (
        vxlanBlocked(settings, model) ??
        planChain(model, [(now) => theLink(settings, now), (now) => peerSteps(settings, now)])
      )
    },
  }
}

/** All nodes can be given one list: a node leaves itself out. */
function others({ peers }: VxlanSettings, { links }: LinksState): readonly string[] {
  const own = links.flatMap((link) => link.addresses.map(({ cidr }) => cidr.split('/')[0] ?? ''))
  return peers.filter((peer) => !own.includes(peer))
}

function vxlanBlocked(settings: VxlanSettings, model: Model): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const lines = linesOf(interfaces)
  const { name, id, mtu } = settings
  const twin = [
    ...links.links.filter((link) => link.vxlan?.id === id).map((link) => link.name),
    ...stanzasOf(lines)
      .map((stanza) => stanza.name)
      .filter((other) => vxlanIdInFile(lines, other) === id),
  ].find((other) => other !== name)
  return (
    nameBlocked({ name, kinds: ['vxlan'], what: 'a VXLAN tunnel' }, interfaces, links) ??
    (twin === undefined
      ? undefined
      : blocked(`${twin} carries VXLAN ${id} already, and PVE refuses to save two`, `use ${twin}, or another id`)) ??
    (others(settings, links).length === 0
      ? blocked(
          `${name} has nobody to send to: all of its peers are this node`,
          'name the addresses of the other nodes',
        )
      : undefined) ??
    sizeBlocked(settings, links) ??
    mtuAboveBlocked(name, mtu, links) ??
    addressBlocked(settings, lines, links)
  )
}

/** What is sent must fit into packets of the link that leads to the others, or it is lost without a word. */
function sizeBlocked(settings: VxlanSettings, links: LinksState): PlanBlocked | undefined {
  const mtu = settings.mtu ?? linkNamed(links, settings.name)?.mtu ?? 1500 - VXLAN_OVERHEAD
  for (const peer of others(settings, links)) {
    const under = linkTo(peer, links)
    if (under === undefined || under.mtu >= mtu + VXLAN_OVERHEAD) continue
    return blocked(
      `packets of ${mtu} bytes do not fit through ${settings.name}: ${under.name}, which leads to ${peer}, carries ${under.mtu}, and the tunnel takes ${VXLAN_OVERHEAD}`,
      `give ${settings.name} an MTU of at most ${under.mtu - VXLAN_OVERHEAD}`,
    )
  }
  return undefined
}

/** The link that packets to an address leave by, as far as the networks of links and the default route tell. */
function linkTo(address: string, { links, routes }: LinksState): Link | undefined {
  const host = parseIpv4Cidr(address)
  const near = links.find((link) =>
    link.addresses.some(({ cidr }) => {
      const network = parseIpv4Cidr(cidr)
      return host !== undefined && network !== undefined && ipContains(network, host)
    }),
  )
  if (near !== undefined) return near
  const [device] = routes.find((route) => route.family === 4 && route.destination === 'default')?.devices ?? []
  return links.find(({ name }) => name === device)
}

function theLink(settings: VxlanSettings, model: Model): Plan {
  const { name, id, mtu } = settings
  const links = model.get(linksRef)
  const lines = linesOf(model.get(interfacesRef))
  const link = linkNamed(links, name)
  if (link === undefined) return bringUp(settings, model)
  if (link.vxlan?.id !== id) {
    const gone = becomes(linksRef, withoutLink(links, name))
    const plan = bringUp(settings, model.with([gone, becomes(tunnelPeers(name), [])]), link.master)
    if (plan.kind !== 'change') return plan
    const was = { summary: `${name}: take down, it is VXLAN ${link.vxlan?.id ?? '?'}` }
    return {
      ...plan,
      changes: [was, ...plan.changes],
      script: joinScripts([sh`ip link del dev ${name}`, plan.script]),
      after: [becomes(tunnelPeers(name), []), ...plan.after],
      risk: 'link',
    }
  }
  const steps = [
    ...mtuSteps(link, mtu),
    ...(link.up ? [] : [setUp(name)]),
    ...addressSteps(settings, lines, links, link),
  ]
  return planSteps(steps, links, name)
}

function bringUp(settings: VxlanSettings, model: Model, master?: string): Plan {
  const { name, id } = settings
  const lines = linesOf(model.get(interfacesRef))
  const link: Link = {
    ...plainLink(lines, name, 'vxlan', 1500),
    vxlan: { id, port: 4789 },
    ...(master === undefined ? {} : { master }),
  }
  const replug = master === undefined ? [] : [sh`ip link set ${name} master ${master}`]
  return planBringUp(model, { link, ports: [], summary: describeLink(link, [`VXLAN ${id}`]), settle: replug })
}

function peerSteps(settings: VxlanSettings, model: Model): Plan {
  const { name } = settings
  const ref = tunnelPeers(name)
  const wanted = others(settings, model.get(linksRef))
  const present = model.get(ref)
  const added = wanted.filter((peer) => !present.includes(peer))
  const removed = present.filter((peer) => !wanted.includes(peer))
  if (added.length + removed.length === 0) return OK
  return {
    kind: 'change',
    changes: [
      ...added.map((peer) => ({ summary: `${name}: send to ${peer}` })),
      ...removed.map((peer) => ({ summary: `${name}: no longer send to ${peer}` })),
    ],
    // ifup may have added them already.
    script: joinScripts([
      ...added.map(
        (peer) =>
          sh`bridge fdb show dev ${name} | grep -q ${`^00:00:00:00:00:00 dst ${peer} `} || bridge fdb append 00:00:00:00:00:00 dev ${name} dst ${peer}`,
      ),
      ...removed.map((peer) => sh`bridge fdb del 00:00:00:00:00:00 dev ${name} dst ${peer}`),
    ]),
    after: [becomes(ref, [...wanted].sort())],
  }
}
