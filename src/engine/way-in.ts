/** Whether a plan touches what this very connection to the node uses. Pure; it informs, and decides over no guard. */
import { BlockList, isIPv6 } from 'node:net'
import { type Arrival, arrivalRef } from '../facts/arrival.ts'
import { bridgeVlansRef } from '../facts/bridge-vlans.ts'
import type { FactUpdate } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type OvsState, ovsRef } from '../facts/ovs.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import type { PlanChange, Resource, Touches } from '../resources/resource.ts'
import { decidesLogins, riskOfPath, riskOfUnit } from '../resources/risk.ts'
import { belowInOvs, holderOf, ovsReasons, vlanReasons } from './way-in-ports.ts'

/** What a risky step means for the connection. */
export interface WayInVerdict {
  readonly touches: boolean
  /** Why, a line each; of a step that does not touch it, what the connection uses. */
  readonly reasons: readonly string[]
}

/** The links that a connection comes in by, the one with its address first. */
export interface WayIn {
  readonly arrival: Arrival
  readonly links: readonly string[]
}

/** Undefined where nobody can say: no SSH session, or nothing known of what the step does. */
export function judgeWayIn(resource: Resource, plan: PlanChange, model: Model): WayInVerdict | undefined {
  if (plan.risk === undefined || !model.has(arrivalRef) || !model.has(linksRef)) return undefined
  const arrival = model.get(arrivalRef)
  if (arrival === undefined) return undefined
  const way = wayIn(arrival, model.get(linksRef), ovsOf(model))
  const after = model.with(plan.after)
  const login = accountOf(plan.after)
  const known =
    plan.touches !== undefined || predicts(plan.after) || (login !== undefined && arrival.user !== undefined)
  const reasons = [
    ...linkReasons(way, model, after),
    ...vlanReasons(way.links, model, after),
    ...ovsReasons(way.links, model, after),
    ...(model.has(interfacesRef) ? fileReasons(way, model, after) : []),
    ...serviceReasons(way, resource, plan.after),
    ...accountReasons(arrival, login),
    ...(plan.touches === undefined ? [] : declaredReasons(way, plan.touches)),
  ]
  if (reasons.length > 0) return { touches: true, reasons: [...new Set(reasons)] }
  return known
    ? {
        touches: false,
        reasons: [
          `does not touch the path of this connection (${login === undefined ? describe(way) : `logged in as ${arrival.user}`})`,
        ],
      }
    : undefined
}

/** Follows a connection from its address down to the ports, and the way back to the client. */
export function wayIn(arrival: Arrival, { links }: LinksState, ovs?: OvsState): WayIn {
  const { address } = arrival.server
  const holder = links.find((link) => link.addresses.some(({ cidr }) => cidr.split('/')[0] === address))
  const start = [holder?.name, arrival.back?.device].filter((name) => name !== undefined)
  const found = new Set(start)
  for (const name of found) {
    const lower = links.find((link) => link.name === name)?.lower
    if (lower !== undefined) found.add(lower)
    for (const link of links) if (link.master === name && !isGuestEnd(link.name)) found.add(link.name)
    for (const link of belowInOvs(name, ovs)) found.add(link)
  }
  return { arrival, links: [...found] }
}

/** The host's ends of guests: no connection to the host from outside comes by those. */
function isGuestEnd(name: string): boolean {
  return /^(tap|veth|fwpr|fwln)\d+[ip]\d+$/.test(name)
}

function describe({ arrival, links }: WayIn): string {
  return `${arrival.server.address} on ${links.length === 0 ? 'an unknown link' : links.join(', ')}`
}

function predicts(after: readonly FactUpdate[]): boolean {
  const known: readonly unknown[] = [linksRef.kind, interfacesRef.kind, bridgeVlansRef.kind, ovsRef.kind]
  return after.some(({ ref }) => known.includes(ref.kind))
}

function ovsOf(model: Model): OvsState | undefined {
  return model.has(ovsRef) ? model.get(ovsRef) : undefined
}

function linkReasons({ arrival, links }: WayIn, model: Model, then: Model): readonly string[] {
  const [before, after] = [model.get(linksRef), then.get(linksRef)]
  const [ovs, ovsThen] = [ovsOf(model), ovsOf(then)]
  if (before === after && ovs === ovsThen) return []
  const { address } = arrival.server
  const own = links.flatMap((name) => {
    const [was, is] = [before, after].map((state) => state.links.find((link) => link.name === name))
    if (was === undefined) return []
    if (is === undefined) return [`${name} goes, which carries this connection`]
    const [from, to] = [holderOf(name, before, ovs), holderOf(name, after, ovsThen)]
    const held = was.addresses.find(({ cidr }) => cidr.split('/')[0] === address)
    const holds = held === undefined || is.addresses.some(({ cidr }) => cidr === held.cidr)
    return [
      ...(holds ? [] : [`removes ${held.cidr} from ${name}: this connection comes in on it`]),
      ...(was.up && !is.up ? [`sets ${name} down, which carries this connection`] : []),
      ...(from === to ? [] : [`${moved(name, from, to)}: it carries this connection`]),
      ...(was.mtu === is.mtu ? [] : [`changes the MTU of ${name} to ${is.mtu}: it carries this connection`]),
      ...(settings(was) === settings(is) ? [] : [`changes ${name}, which carries this connection`]),
    ]
  })
  const joining = after.links.flatMap(({ name }) => {
    const [from, to] = [holderOf(name, before, ovs), holderOf(name, after, ovsThen)]
    return to === undefined || from === to || links.includes(name) || !links.includes(to) || isGuestEnd(name)
      ? []
      : [`puts ${name} into ${to}, which carries this connection`]
  })
  return [...own, ...joining, ...routeReasons(arrival, before, after), ...rivalReasons(arrival, links, before, after)]
}

/** What a link is besides up, addressed and plugged in. */
function settings({ vlan, bond, bridge }: Link): string {
  return JSON.stringify([vlan, bond, bridge?.stp, bridge?.forwardDelay, bridge?.vlanAware === true])
}

function moved(name: string, from: string | undefined, to: string | undefined): string {
  if (to === undefined) return `takes port ${name} out of ${from}`
  return from === undefined ? `puts ${name} into ${to}` : `moves port ${name} from ${from} to ${to}`
}

/** Answers leave by a gateway, and the default route becomes another. */
function routeReasons({ client, back }: Arrival, before: LinksState, after: LinksState): readonly string[] {
  if (back?.gateway === undefined) return []
  const family = isIPv6(client.address) ? 6 : 4
  const defaults = ({ routes }: LinksState) =>
    JSON.stringify(routes.filter((route) => route.family === family && route.destination === 'default'))
  return defaults(before) === defaults(after)
    ? []
    : [`changes the default route, by which answers reach ${client.address}`]
}

/** A new address whose network holds the client draws the answers to its own link. */
function rivalReasons(
  { client, back }: Arrival,
  links: readonly string[],
  before: LinksState,
  after: LinksState,
): readonly string[] {
  return after.links
    .filter(({ name }) => !links.includes(name) && name !== back?.device)
    .flatMap(({ name, addresses }) => {
      const known = before.links.find((link) => link.name === name)?.addresses.map(({ cidr }) => cidr) ?? []
      return addresses
        .filter(({ cidr, family }) => !known.includes(cidr) && isWithin(client.address, cidr, family))
        .map(({ cidr }) => `${cidr} on ${name}: answers to ${client.address} would leave there`)
    })
}

function isWithin(address: string, cidr: string, family: 4 | 6): boolean {
  if (isIPv6(address) !== (family === 6)) return false
  const [network = '', prefix] = cidr.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family === 6 ? 'ipv6' : 'ipv4')
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** The stanzas of those links, as far as the step leaves them otherwise. */
function fileReasons({ links }: WayIn, before: Model, after: Model): readonly string[] {
  const [was, is] = [before, after].map((model) => parseLines(model.get(interfacesRef).main ?? Buffer.alloc(0)))
  if (was === undefined || is === undefined) return []
  const differing = links.filter((name) => stanzaText(was, name) !== stanzaText(is, name))
  return differing.length === 0
    ? []
    : [`changes ${differing.join(', ')} in /etc/network/interfaces: this connection comes in by it`]
}

/** Options without comments and order of blank lines. */
function stanzaText(lines: Lines, name: string): string {
  return stanzasOf(lines, name)
    .map(({ family, method, options }) =>
      [`${family} ${method}`, ...options.map((option) => `${option.name} ${option.value}`)].join('\n'),
    )
    .join('\n')
}

/** Files and units that decide over logins or packets, by their names. */
function serviceReasons(
  { arrival: { client, server } }: WayIn,
  { kind, key }: Resource,
  after: readonly FactUpdate[],
): readonly string[] {
  const paths = after.flatMap(({ ref }) => (ref.kind.name === 'file' ? [ref.id] : []))
  const units = after.flatMap(({ ref }) => (ref.kind.name === 'unit' && riskOfUnit(ref.id) ? [ref.id] : []))
  const ssh =
    paths.some(decidesLogins) || units.some((unit) => /^sshd?\./.test(unit))
      ? [`sshd on port ${server.port}: open connections stay, new logins depend on it`]
      : []
  const sudo = paths.some((path) => path.startsWith('/etc/sudoers'))
    ? ['sudo: becoming root after the next login may depend on it']
    : []
  const firewall =
    /firewall|nft/.test(`${kind} ${key}`) ||
    paths.some((path) => path.startsWith('/etc/pve/firewall/')) ||
    units.some((unit) => /firewall|nftables/.test(unit))
      ? [
          `firewall: it decides whether ${client.address} reaches ${server.address} port ${server.port}, as this connection does`,
        ]
      : []
  const network = [
    ...units.filter((unit) => /^(networking|systemd-networkd)\./.test(unit)),
    ...paths.filter((path) => path.startsWith('/etc/network/') && riskOfPath(path)),
  ].map((name) => `${name}: all links depend on it, those of this connection too`)
  return [...ssh, ...sudo, ...firewall, ...network]
}

/** The account whose keys, shell or existence a step changes. */
function accountOf(after: readonly FactUpdate[]): { readonly name: string; readonly what: string } | undefined {
  const [update] = after.filter(({ ref: { kind } }) => kind.name === 'authorized-keys' || kind.name === 'user')
  if (update === undefined) return undefined
  return { name: update.ref.id, what: update.ref.kind.name === 'user' ? 'account' : 'keys' }
}

/** Which key let this connection in is known to sshd alone, so any of them may be it. */
function accountReasons({ user }: Arrival, login: ReturnType<typeof accountOf>): readonly string[] {
  if (login === undefined || login.name !== user) return []
  return login.what === 'keys'
    ? [`takes keys of ${user} away: this connection logged in as ${user}, perhaps by one of them`]
    : [`changes the account ${user}: this connection logged in as it`]
}

function declaredReasons({ arrival: { server }, links }: WayIn, touches: Touches): readonly string[] {
  const { links: named = [], addresses = [], ports = [] } = touches
  return [
    ...named.filter((name) => links.includes(name)).map((name) => `${name} carries this connection`),
    ...addresses
      .filter((address) => address.split('/')[0] === server.address)
      .map((address) => `this connection comes in on ${address}`),
    ...ports.filter((port) => port === server.port).map((port) => `this connection uses port ${port}`),
  ]
}
