/** Facts about the live network: links, addresses and routes, as the kernel has them. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'
import {
  type BondState,
  type BridgeState,
  type RawLinkInfo,
  readKind,
  type VlanState,
  type VxlanState,
} from './link-kinds.ts'

/** One address of a link. */
export interface LinkAddress {
  /** With prefix: `10.0.0.1/24`, `fe80::1/64`. */
  readonly cidr: string
  readonly family: 4 | 6
  /** `global`, `link`, `host`, … */
  readonly scope: string
}

/** One network interface. */
export interface Link {
  readonly name: string
  /** `bridge`, `veth`, `vlan`, `bond`, `tun`, …; empty for hardware. */
  readonly kind: string
  readonly mtu: number
  /** Set up by the administrator, whether or not there is a carrier. */
  readonly up: boolean
  /** Bridge or bond that it is a port of. */
  readonly master?: string
  /** Link that it is built on, as a VLAN is. */
  readonly lower?: string
  readonly altnames: readonly string[]
  readonly addresses: readonly LinkAddress[]
  /** It gives itself no IPv6 link-local address. */
  readonly noLinkLocal?: true
  readonly bridge?: BridgeState
  readonly vlan?: VlanState
  readonly bond?: BondState
  readonly vxlan?: VxlanState
}

/** One route of the main table. */
export interface Route {
  readonly family: 4 | 6
  /** `default`, a network with prefix, or a bare address. */
  readonly destination: string
  /** Links that it leaves by; several for multipath. */
  readonly devices: readonly string[]
  readonly gateway?: string
  /** Learned from a router advertisement. */
  readonly advertised?: true
}

/** Links in kernel order, and routes. */
export interface LinksState {
  readonly links: readonly Link[]
  readonly routes: readonly Route[]
}

/** One instance: the id is always empty. */
export const linksFact: FactKind<LinksState> = {
  name: 'links',
  observe: (_ids, mark): Script => sh`ip -j -d addr
echo ${mark}
ip -j route
echo ${mark}
ip -j -6 route 2>/dev/null || :
echo ${mark}
for f in /proc/sys/net/ipv6/conf/*/addr_gen_mode; do
	pv_m=
	read -r pv_m < "$f" || :
	[ "$pv_m" != 1 ] || echo "$f"
done 2>/dev/null`,
  parse: (output, ids, mark) => {
    const [addresses = '', routes4 = '', routes6 = '', silent = ''] = output.toString('utf8').split(`${mark}\n`)
    const state = {
      links: readJson<RawLink>(addresses).flatMap((raw) => (raw.ifname === undefined ? [] : [readLink(raw, silent)])),
      routes: [
        ...readJson<RawRoute>(routes4).map((raw) => readRoute(raw, 4)),
        ...readJson<RawRoute>(routes6).map((raw) => readRoute(raw, 6)),
      ],
    }
    return ids.map(() => state)
  },
}

/** The one reference to this fact. */
export const linksRef: FactRef<LinksState> = { kind: linksFact, id: '' }

/** The link of a name or altname. */
export function linkNamed({ links }: LinksState, name: string): Link | undefined {
  return links.find((link) => link.name === name || link.altnames.includes(name))
}

/** Links that are ports of a bridge or bond. */
export function portsOf({ links }: LinksState, name: string): readonly Link[] {
  return links.filter((link) => link.master === name)
}

/** A link and all that is built on it, upwards: VLANs, the bond or bridge that it is a port of, what is on those. */
export function linksAbove({ links }: LinksState, name: string): readonly string[] {
  const found = new Set([name])
  for (const below of found)
    for (const link of links) {
      if (link.lower === below || link.name.startsWith(`${below}.`)) found.add(link.name)
      if (link.name === below && link.master !== undefined) found.add(link.master)
    }
  return [...found]
}

/** True when a default route leaves by this link, or by anything that is built on it. */
export function carriesDefaultRoute(state: LinksState, name: string): boolean {
  const above = linksAbove(state, name)
  return state.routes.some(
    ({ destination, devices }) =>
      destination === 'default' && devices.some((device) => above.includes(device) || device.startsWith(`${name}.`)),
  )
}

interface RawLink {
  readonly ifname?: string
  readonly flags?: readonly string[]
  readonly mtu?: number
  readonly master?: string
  readonly link?: string | null
  readonly altnames?: readonly string[]
  readonly linkinfo?: RawLinkInfo
  readonly addr_info?: readonly {
    readonly family?: string
    readonly local?: string
    readonly prefixlen?: number
    readonly scope?: string
  }[]
}

interface RawRoute {
  readonly dst?: string
  readonly dev?: string
  readonly gateway?: string
  readonly protocol?: string
  readonly nexthops?: readonly { readonly dev?: string }[]
}

function readJson<Row>(text: string): readonly Row[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as Row[])
}

/** `silent`: files of links that give themselves no address, which `ip address` does not say. */
function readLink(
  { ifname = '', flags = [], mtu = 0, altnames = [], addr_info = [], ...raw }: RawLink,
  silent: string,
): Link {
  const { master, link, linkinfo = {} } = raw
  return {
    name: ifname,
    kind: linkinfo.info_kind ?? '',
    mtu,
    up: flags.includes('UP'),
    ...(master === undefined ? {} : { master }),
    // A veth names its other end there.
    ...(typeof link === 'string' && linkinfo.info_kind !== 'veth' ? { lower: link } : {}),
    altnames,
    addresses: addr_info.flatMap(({ family, local, prefixlen, scope = 'global' }) =>
      local === undefined ? [] : [{ cidr: `${local}/${prefixlen}`, family: family === 'inet6' ? 6 : 4, scope }],
    ),
    ...(silent.includes(`/conf/${ifname}/addr_gen_mode\n`) ? { noLinkLocal: true } : {}),
    ...readKind(linkinfo),
  }
}

function readRoute({ dst = '', dev, gateway, protocol, nexthops = [] }: RawRoute, family: 4 | 6): Route {
  const devices = [dev, ...nexthops.map((hop) => hop.dev)].filter((device) => device !== undefined)
  return {
    family,
    destination: dst,
    devices,
    ...(gateway === undefined ? {} : { gateway }),
    ...(protocol === 'ra' ? { advertised: true as const } : {}),
  }
}
