/** What a forward comes to on a node: from which address, by which interface, to which network behind the node. */
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import type { Lines } from '../interfaces/lines.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import type { Forward, PortSpan } from '../nat/forward.ts'
import type { Hairpin } from '../nat/hairpin.ts'
import { networksBehind } from '../nat/served.ts'
import {
  formatIp,
  formatIpCidr,
  hostOf,
  type IpCidr,
  type IpFamily,
  ipContains,
  ipNetworkOf,
  parseIpCidr,
} from '../net/ip-cidr.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'

/** A forward as asked for: one protocol, one address. */
export interface ForwardDesired {
  readonly family: IpFamily
  /** Default: the address of the interface with the default route. */
  readonly address: IpCidr | undefined
  readonly protocol: 'tcp' | 'udp'
  readonly ports: PortSpan
  /** The guest. */
  readonly to: IpCidr
  /** Its port for the first of `ports`. */
  readonly port: number
  /** Interface whose stanza carries the hooks; default: the one with an address in the guest's network. */
  readonly holder: string | undefined
}

/** A forward resolved against a node. */
export interface ForwardWish {
  readonly desired: ForwardDesired
  readonly address: IpCidr
  /** Interfaces that packets from outside come in by. */
  readonly outside: readonly string[]
  /** Network of the guest, as the node reaches it. */
  readonly network: IpCidr
  readonly holder: string
  readonly rules: readonly Forward[]
  readonly hairpin: Hairpin
}

/** The address that packets from outside are sent to, and where they come in. */
export interface Outside {
  readonly address: IpCidr
  readonly interfaces: readonly string[]
}

/** The wish for a node, or why it cannot be. */
export function resolveForward(desired: ForwardDesired, model: Model): ForwardWish | PlanBlocked {
  const links = model.get(linksRef)
  const interfaces = model.get(interfacesRef)
  const outside = resolveOutside(desired, links)
  if ('kind' in outside) return outside
  const network = networkOfGuest(desired.to, linesOf(interfaces), links, outside.interfaces)
  if ('kind' in network) return network
  const holder = holderOf(desired, network, interfaces, outside.interfaces)
  if (typeof holder !== 'string') return holder
  return {
    desired,
    address: outside.address,
    outside: outside.interfaces,
    network,
    holder,
    rules: forwardRules(desired, outside.address),
    hairpin: { kind: 'hairpin', network },
  }
}

/** Where packets from outside arrive: the address given, or that of the interface with the default route. */
export function resolveOutside({ family, address }: ForwardDesired, links: LinksState): Outside | PlanBlocked {
  const ways = links.routes
    .filter((route) => route.family === family && route.destination === 'default')
    .flatMap(({ devices }) => devices)
  const own = ways.map((name) => mainAddress(links, name, family)).find((found) => found !== undefined)
  const chosen = address ?? own
  if (chosen === undefined)
    return blocked(
      ways.length === 0
        ? `this node has no IPv${family} default route, so nobody can say which address is the public one`
        : `${ways.join(', ')} has no IPv${family} address`,
      'name the address that the outside uses: `address`',
    )
  const holders = links.links.filter(({ addresses }) =>
    addresses.some(({ cidr }) => {
      const parsed = parseIpCidr(cidr)
      return parsed !== undefined && formatIpCidr(hostOf(parsed)) === formatIpCidr(hostOf(chosen))
    }),
  )
  return { address: hostOf(chosen), interfaces: [...new Set([...ways, ...holders.map(({ name }) => name)])] }
}

/** The first global address of a family that a link has: the one that the node uses for itself. */
export function mainAddress({ links }: LinksState, name: string, family: IpFamily): IpCidr | undefined {
  const link = links.find((candidate) => candidate.name === name)
  const first = link?.addresses.find((address) => address.family === family && address.scope === 'global')
  return first === undefined ? undefined : parseIpCidr(first.cidr)
}

/** The rules of a forward, for the outside and for the node itself. */
export function forwardRules(desired: ForwardDesired, address: IpCidr): readonly Forward[] {
  const { family, protocol, ports, to, port } = desired
  return (['PREROUTING', 'OUTPUT'] as const).map((chain) => ({
    kind: 'forward',
    chain,
    family,
    address,
    in: undefined,
    protocol,
    ports: [ports],
    target: { kind: 'dnat', to: formatIp(to), port },
  }))
}

/** Tells the two results of {@link resolveForward} apart. */
export function isForwardBlocked<Found extends object>(found: Found | PlanBlocked): found is PlanBlocked {
  return 'kind' in found && found.kind === 'blocked'
}

function networkOfGuest(to: IpCidr, lines: Lines, links: LinksState, outside: readonly string[]): IpCidr | PlanBlocked {
  const guest = formatIp(to)
  const own = links.links.find(({ addresses }) => addresses.some(({ cidr }) => cidr.split('/')[0] === guest))
  if (own !== undefined)
    return blocked(`${guest} is an address of the node itself (${own.name})`, 'give the address of the guest as `to`')
  const [way] = outside
  const networks = networksBehind(lines, links, way)
  const found = networks
    .map(ipNetworkOf)
    .filter((network) => ipContains(network, to))
    .sort((a, b) => b.prefix - a.prefix)
  const network = found.find((candidate) => candidate.prefix < hostOf(to).prefix) ?? found[0]
  if (network !== undefined) return network
  const beside = way === undefined ? undefined : networksOn(links, way).find((candidate) => ipContains(candidate, to))
  if (beside !== undefined)
    return blocked(
      `${guest} is in the network of ${way} itself (${formatIpCidr(beside)}), which is reached without the node`,
      'give an address of a network behind the node as `to`',
    )
  const inner = [
    ...new Set(networks.filter(({ family }) => family === to.family).map((n) => formatIpCidr(ipNetworkOf(n)))),
  ]
  return blocked(
    `${guest} is in no network behind this node (${inner.length === 0 ? 'it has none' : inner.join(', ')})`,
    'correct `to`, or put a bridge task with an address in its network first',
  )
}

function networksOn({ links }: LinksState, name: string): readonly IpCidr[] {
  const link = links.find((candidate) => candidate.name === name)
  return (link?.addresses ?? []).flatMap(({ cidr }) => {
    const parsed = parseIpCidr(cidr)
    return parsed === undefined ? [] : [ipNetworkOf(parsed)]
  })
}

function holderOf(
  { holder, to }: ForwardDesired,
  network: IpCidr,
  interfaces: InterfacesState,
  outside: readonly string[],
): string | PlanBlocked {
  const lines = linesOf(interfaces)
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  const inner = names.find((name) => networksNamed(lines, name).some((cidr) => ipContains(ipNetworkOf(cidr), to)))
  const found = holder ?? inner ?? names.find((name) => outside.includes(name))
  if (found !== undefined && names.includes(found)) return found
  const elsewhere = found === undefined ? undefined : definedElsewhere(interfaces, found)
  return blocked(
    elsewhere === undefined
      ? `/etc/network/interfaces has no interface ${found ?? `with an address in ${formatIpCidr(network)}`}`
      : `${found} is described in ${elsewhere}, which pvectl does not edit`,
    'name an interface of /etc/network/interfaces that is to carry the rules (`bridge`), or add it first',
  )
}

function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
