/** What of a cluster belongs into an inventory. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { HostAddition, Plain } from '../inventory/edit.ts'
import type { Host } from '../inventory/host.ts'
import { hostOf, ipContains, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import type { Cluster, Guest, Member, MemberNetwork } from './cluster.ts'

/** What to merge, and what people should know of it. */
export interface Findings {
  readonly hosts: readonly HostAddition[]
  readonly notes: readonly string[]
}

/** The inventory as it is, and which host was asked. */
export interface KnownHosts {
  readonly hosts: readonly Host[]
  readonly asked: Host
  /** Group for members that are not in the inventory yet. */
  readonly group: string
  /** Read variables out of the cluster as well. */
  readonly vars: boolean
}

/** Compares a cluster with the hosts of an inventory. */
export function findings(cluster: Cluster, known: KnownHosts): Findings {
  const notes: string[] = [...cluster.gaps]
  if (!cluster.quorate) notes.unshift('the node has no quorum: what it knows of other members may be old')
  const hosts = cluster.members.flatMap((member): readonly HostAddition[] => {
    const host = hostOfMember(member, known)
    const vars = known.vars ? variables(member, cluster, host, { asked: known.asked, notes }) : {}
    if (host !== undefined) return [{ name: host.name, vars }]
    const address = addressFor(member, cluster, known)
    if (address === undefined) {
      notes.push(`${member.name} has no address in the cluster, so it is left out`)
      return []
    }
    return [{ name: member.name, group: known.group, settings: { address }, vars }]
  })
  return { hosts, notes: [...new Set(notes)] }
}

/** The host that a member is: the one that was asked, or one of its name or with an address of it. */
export function hostOfMember(member: Member, { hosts, asked }: Pick<KnownHosts, 'hosts' | 'asked'>): Host | undefined {
  if (member.local) return asked
  const own = new Set([member.ip, ...member.networks.flatMap(({ addresses }) => addresses.map(bare))])
  const others = hosts.filter((host) => host.name !== asked.name)
  return (
    others.find(({ name }) => name === member.name) ??
    others.find(({ target }) => own.has(target.address)) ??
    others.find(({ name }) => name.split('.')[0] === member.name)
  )
}

/**
 * The address to reach a new host by: the one in the network by which the asked host is reached, for the address of
 * the cluster may be in a network of its own; else that of the cluster.
 */
function addressFor(member: Member, { members }: Cluster, { asked }: KnownHosts): string | undefined {
  const local = members.find((each) => each.local)
  const reached = local?.networks
    .flatMap(({ addresses }) => addresses)
    .find((each) => bare(each) === asked.target.address)
  const network = reached === undefined ? undefined : parseIpCidr(reached)
  const near = member.networks
    .flatMap(({ addresses }) => addresses.map(bare))
    .find((address) => {
      const parsed = parseIp(address)
      return network !== undefined && parsed !== undefined && ipContains(network, hostOf(parsed))
    })
  return near ?? member.ip
}

/** The variables that the shipped playbooks read, where the member leaves no doubt about them. */
function variables(
  member: Member,
  { guests }: Cluster,
  host: Host | undefined,
  { asked, notes }: { readonly asked: Host; readonly notes: string[] },
): Readonly<Record<string, Plain>> {
  const bridges = member.networks.filter(({ type }) => /^(bridge|OVSBridge)$/.test(type))
  const outer = bridges.filter(({ gateway }) => gateway !== undefined)
  const inner = bridges.filter(({ gateway, addresses }) => gateway === undefined && addresses.some(isIpv4))
  const [external] = outer
  const [internal] = inner
  const found: Record<string, Plain> = {}
  if (external !== undefined && outer.length === 1) found.external_bridge = external.name
  if (internal !== undefined && inner.length === 1) {
    found.internal_bridge = internal.name
    found.internal_address = internal.addresses.find(isIpv4) ?? ''
    const reservations = reservationsOn(
      internal,
      guests.filter(({ node }) => node === member.name),
      notes,
    )
    if (reservations.length > 0) found.reservations = reservations
  } else if (inner.length > 1) {
    notes.push(`${member.name} has several internal bridges (${names(inner)}): none is put into variables`)
  }
  return Object.fromEntries(
    Object.entries(found).filter(
      ([name, value]) => !isDefault(name, value, host ?? asked) && isNews(name, value, host, notes),
    ),
  )
}

/** What the shipped playbooks take when nothing is set. */
const DEFAULTS: Readonly<Record<string, string>> = { external_bridge: 'vmbr0', internal_bridge: 'vmbr1' }

/** Needless to write: it is what comes of nothing being set, or of the group. */
function isDefault(name: string, value: Plain, { vars }: Host): boolean {
  return value === (vars[name] ?? DEFAULTS[name])
}

/** Guests with a hardware address and a fixed address in the network of the bridge. */
function reservationsOn(bridge: MemberNetwork, guests: readonly Guest[], notes: string[]): readonly Plain[] {
  const network = parseIpCidr(bridge.addresses.find(isIpv4) ?? '')
  const found = guests
    .filter(({ template }) => !template)
    .flatMap((guest) => guest.nics.map((nic) => ({ guest, nic })))
    .filter(({ nic }) => nic.bridge === bridge.name && nic.tag === undefined && nic.mac !== undefined)
    .flatMap(({ guest, nic: { name: nic, mac = '', address } }) => {
      const ip = address === undefined ? undefined : parseIp(bare(address))
      if (address === undefined) {
        notes.push(
          `guest ${guest.id} (${guest.name ?? 'without name'}) has no fixed address on ${bridge.name}: ${nic} ${mac}`,
        )
        return []
      }
      if (ip === undefined || network === undefined || !ipContains(network, hostOf(ip))) {
        notes.push(`guest ${guest.id} has ${address}, which is not in the network of ${bridge.name}`)
        return []
      }
      return [{ ...(isHostName(guest.name) ? { name: guest.name } : {}), mac, ip: bare(address) }]
    })
  return found.filter((each, i) => found.findIndex(({ ip, mac }) => ip === each.ip || mac === each.mac) === i)
}

/** What the inventory says already, wherever it says so, is neither repeated nor contradicted. */
function isNews(name: string, value: Plain, host: Host | undefined, notes: string[]): boolean {
  const is = host?.origins.get(name)
  if (host === undefined || is === undefined) return true
  if (!isDeepStrictEqual(is.value, value)) {
    const missing = name === 'reservations' ? missingReservations(is.value, value) : undefined
    if (missing === undefined)
      notes.push(`${name} of ${host.name} is set at ${is.from}; the node has ${JSON.stringify(value)}`)
    else if (missing.length > 0) notes.push(`reservations of ${host.name} (${is.from}) lack ${JSON.stringify(missing)}`)
  }
  return false
}

function missingReservations(is: unknown, wanted: Plain): readonly Plain[] | undefined {
  if (!Array.isArray(is) || !Array.isArray(wanted)) return undefined
  const known = new Set(is.map((each: { mac?: unknown }) => String(each?.mac).toLowerCase()))
  return (wanted as readonly { readonly mac: string }[]).filter(({ mac }) => !known.has(mac))
}

function isHostName(name: string | undefined): name is string {
  return name !== undefined && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)
}

function isIpv4(address: string): boolean {
  return !address.includes(':')
}

function bare(address: string): string {
  return address.split('/')[0] ?? address
}

function names(networks: readonly MemberNetwork[]): string {
  return networks.map(({ name }) => name).join(', ')
}
