/** The move of the management address of a node to another link, in the file and live. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type ManagementSettings, managementLink, moveManagement } from '../interfaces/management.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { formatIp, formatIpCidr, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { formatIpv4 } from '../net/subnet.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { keptAddresses } from './link-steps.ts'
import { replaceLink, withAddress, withoutAddress } from './predict-links.ts'
import { OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

const COROSYNC = fileAt('/etc/pve/corosync.conf')
const HOSTS = fileAt('/etc/hosts')

/** A management network, and whether a task sees to /etc/hosts too. */
export interface ManagementDesired extends ManagementSettings {
  /** Names of the node are brought to the new address by the same task. */
  readonly namesFollow: boolean
}

/** Ensures that the stanza of the link, and no other, has address and gateway. */
export function managementStanza(desired: ManagementDesired): Resource {
  const { name, address } = desired
  return {
    kind: 'interfaces_management',
    key: 'management:file',
    claims: [`address:${formatIpCidr(address)}`],
    link: { name, addresses: [formatIpCidr(address)], plugged: [], carriedBy: [] },
    title: `management address on ${name} in /etc/network/interfaces`,
    reads: [interfacesRef, linksRef, COROSYNC, HOSTS],
    plan(model) {
      const lines = linesOf(model.get(interfacesRef))
      const old = managementLink(lines, desired)
      const blocked = missing(desired, model) ?? addressInUse(desired, model)
      if (blocked !== undefined) return blocked
      const from = old === undefined ? '' : ` from ${old}`
      return planInterfacesEdit(model, {
        edit: (file) => moveManagement(file, desired),
        summary: `move ${formatIpCidr(address)}, gateway ${formatIpv4(desired.gateway)}${from} to ${name}`,
        risk: 'link',
      })
    },
  }
}

/** Ensures the same of the live links and the default route. */
export function managementLive(desired: ManagementDesired): Resource {
  return {
    kind: 'management_link',
    key: 'management:live',
    title: `management address on ${desired.name}`,
    reads: [interfacesRef, linksRef],
    plan: (model) => missing(desired, model) ?? planLive(desired, model),
  }
}

function planLive({ name, address, gateway, from, keep }: ManagementDesired, model: Model): Plan {
  const links = model.get(linksRef)
  const target = linkNamed(links, name)
  if (target === undefined) return OK
  const wanted = formatIpCidr(address)
  const via = formatIpv4(gateway)
  const route = links.routes.find(({ family, destination }) => family === 4 && destination === 'default')
  const routed = route?.devices.includes(target.name) === true && route.gateway === via
  const has = target.addresses.some(({ cidr }) => cidr === wanted)
  const old = keep ? undefined : oldHolder(links, target, from ?? route?.devices[0], wanted)
  const kept = keptAddresses(linesOf(model.get(interfacesRef)), old?.name ?? '')
  const stale =
    old?.addresses.filter(({ cidr, family, scope }) => family === 4 && scope === 'global' && !kept(cidr)) ?? []
  if (has && routed && stale.length === 0) return OK
  const changes = [
    ...(has ? [] : [{ summary: `${name}: add address ${wanted}` }]),
    ...stale.map(({ cidr }) => ({ summary: `${old?.name}: remove address ${cidr}` })),
    ...(routed ? [] : [{ summary: `default route via ${via} by ${name}` }]),
  ]
  const after = predict(links, { target, wanted: address, via, old, stale: stale.map(({ cidr }) => cidr) })
  return {
    kind: 'change',
    changes,
    // One after the other without anything in between; the ping tells the gateway at once whose address it is now.
    script: sh`ip link set ${name} up
${has ? sh`:` : sh`ip addr add ${wanted} broadcast + dev ${name}`}
for pv_a in ${stale.map(({ cidr }) => cidr)}; do ip addr del "$pv_a" dev ${old?.name ?? name}; done
ip route replace default via ${via} dev ${name}
ping -c 1 -W 1 ${via} >/dev/null 2>&1 || :`,
    after: [becomes(linksRef, after)],
    risk: 'link',
  }
}

/** The link that has the address, else the one that is to give up its own, and is not the one to have it. */
function oldHolder(links: LinksState, target: Link, from: string | undefined, wanted: string): Link | undefined {
  const bare = wanted.split('/')[0]
  const holder = links.links.find(({ addresses }) => addresses.some(({ cidr }) => cidr.split('/')[0] === bare))
  const found = holder !== undefined && holder.name !== target.name ? holder : linkNamed(links, from ?? '')
  return found?.name === target.name ? undefined : found
}

function predict(
  links: LinksState,
  move: {
    readonly target: Link
    readonly wanted: ManagementDesired['address']
    readonly via: string
    readonly old: Link | undefined
    readonly stale: readonly string[]
  },
): LinksState {
  const { target, wanted, via, old, stale } = move
  const has = target.addresses.some(({ cidr }) => cidr === formatIpCidr(wanted))
  const placed = replaceLink(links, {
    ...(has ? target : withAddress(target, { cidr: formatIpCidr(wanted), family: 4, scope: 'global' })),
    up: true,
  })
  const released = old === undefined ? placed : replaceLink(placed, stale.reduce<Link>(withoutAddress, old))
  const others = released.routes.filter(({ family, destination }) => family !== 4 || destination !== 'default')
  return {
    ...released,
    routes: [...others, { family: 4, destination: 'default', devices: [target.name], gateway: via }],
  }
}

function missing({ name }: ManagementDesired, model: Model): PlanBlocked | undefined {
  const link = linkNamed(model.get(linksRef), name)
  const inFile = stanzasOf(linesOf(model.get(interfacesRef)), name).length > 0
  if (link === undefined || !inFile) {
    return {
      kind: 'blocked',
      reason:
        link === undefined ? `this node has no interface ${name}` : `${name} has no stanza in /etc/network/interfaces`,
      hint: 'describe it first, by a `bridge`, `vlan` or `bond` task above this one',
    }
  }
  if (link.master === undefined) return undefined
  return {
    kind: 'blocked',
    reason: `${name} is a port of ${link.master}, so it can have no address`,
    hint: `take it out of ${link.master} first, or name ${link.master}`,
  }
}

/** Another address is more than a move: cluster and name resolution go by the old one. */
function addressInUse(desired: ManagementDesired, model: Model): PlanBlocked | undefined {
  const lines = linesOf(model.get(interfacesRef))
  const old = managementLink(lines, desired)
  const wanted = formatIp(desired.address)
  if (old === undefined || desired.keep) return undefined
  const before = linkNamed(model.get(linksRef), old)
    ?.addresses.filter(({ family, scope }) => family === 4 && scope === 'global')
    .map(({ cidr }) => parseIpv4Cidr(cidr))
    .flatMap((cidr) => (cidr === undefined ? [] : [formatIp(cidr)]))
  for (const address of before ?? []) {
    if (address === wanted) continue
    if (names(model, COROSYNC, address))
      return {
        kind: 'blocked',
        reason: `corosync's links are on ${address}, which ${old} would lose: the node would drop out of the cluster`,
        hint: 'give corosync a link on another address first (/etc/pve/corosync.conf, config_version + 1), or `keep: true`',
      }
    if (!desired.namesFollow && names(model, HOSTS, address))
      return {
        kind: 'blocked',
        reason: `/etc/hosts has ${address}, which ${old} would lose: Proxmox VE finds its node by that name`,
        hint: 'give `names`, so that they follow to the new address, or `keep: true`',
      }
  }
  return undefined
}

function names(model: Model, ref: typeof HOSTS, address: string): boolean {
  const state = model.get(ref)
  if (state.type !== 'file') return false
  return new RegExp(`(^|[\\s:])${address.replaceAll('.', '\\.')}(\\s|$)`, 'm').test(state.content.toString('latin1'))
}
