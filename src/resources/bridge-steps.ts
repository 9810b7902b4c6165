/** Single changes to a live bridge, each with its command and what the links will be after it. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { type Link, type LinksState, linkNamed, portsOf } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import type { BridgeSettings } from '../interfaces/bridge.ts'
import { type Lines, words } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { formatCidr, type Ipv4Cidr, parseCidr } from '../net/cidr.ts'
import { replaceLink, withAddress, withoutAddress } from './predict-links.ts'

/** One change to a live bridge. */
export interface BridgeStep {
  readonly summary: string
  readonly script: Script
  /** It touches ports or addresses that connections may be using. */
  readonly movesTraffic: boolean
  readonly after: (state: LinksState) => LinksState
}

/** What has to change on a bridge that exists, in order: addresses are added before others go. */
export function bridgeSteps(
  settings: BridgeSettings,
  lines: Lines,
  links: LinksState,
  link: Link,
): readonly BridgeStep[] {
  return [
    ...spanningTree(settings, link),
    ...portSteps(settings, links, link),
    ...(link.up ? [] : [setUp(link.name)]),
    ...addressSteps(settings, lines, links, link),
  ]
}

/** True for the host's side of a guest: QEMU taps, container veths and their firewall bridges' ends. */
export function isGuestPort(name: string): boolean {
  return /^(tap|veth)\d+i\d+$|^(fwpr\d+p|fwln\d+i)\d+$/.test(name)
}

function setUp(name: string): BridgeStep {
  return {
    summary: `${name}: set up`,
    script: sh`ip link set ${name} up`,
    movesTraffic: false,
    after: edited(name, (link) => ({ ...link, up: true })),
  }
}

/** The kernel allows delays below 2 s only with spanning tree off, so what comes first depends on the direction. */
function spanningTree({ stp, forwardDelay }: BridgeSettings, link: Link): readonly BridgeStep[] {
  const { name, bridge } = link
  const wanted = { stp: stp ?? bridge?.stp ?? false, forwardDelay: forwardDelay ?? bridge?.forwardDelay ?? 15 }
  const tree: BridgeStep = {
    summary: `${name}: spanning tree ${wanted.stp ? 'on' : 'off'}`,
    script: sh`ip link set ${name} type bridge stp_state ${wanted.stp ? 1 : 0}`,
    movesTraffic: false,
    after: edited(name, (now) => ({ ...now, bridge: { forwardDelay: 15, ...now.bridge, stp: wanted.stp } })),
  }
  const delay: BridgeStep = {
    summary: `${name}: forward delay ${bridge?.forwardDelay ?? '?'} → ${wanted.forwardDelay} s`,
    script: sh`ip link set ${name} type bridge forward_delay ${Math.round(wanted.forwardDelay * 100)}`,
    movesTraffic: false,
    after: edited(name, (now) => ({
      ...now,
      bridge: { stp: false, ...now.bridge, forwardDelay: wanted.forwardDelay },
    })),
  }
  const needed = [
    ...(bridge?.stp === wanted.stp ? [] : [tree]),
    ...(bridge?.forwardDelay === wanted.forwardDelay ? [] : [delay]),
  ]
  return wanted.stp ? needed.reverse() : needed
}

function portSteps({ name, ports }: BridgeSettings, links: LinksState, link: Link): readonly BridgeStep[] {
  if (ports === undefined) return []
  const wanted = ports.map((port) => linkNamed(links, port)?.name ?? port)
  const present = portsOf(links, link.name).filter(isUplink)
  const added = wanted.filter((port) => linkNamed(links, port)?.master !== name)
  const removed = present.filter((port) => !wanted.includes(port.name))
  const down = portsOf(links, name).filter((port) => wanted.includes(port.name) && !port.up)
  return [
    ...added.map(
      (port): BridgeStep => ({
        summary: `${name}: add port ${port}`,
        script: sh`ip link set ${port} up
ip link set ${port} master ${name}`,
        movesTraffic: true,
        after: edited(port, (now) => ({ ...now, master: name, up: true })),
      }),
    ),
    ...down.map((port) => setUp(port.name)),
    ...removed.map(
      ({ name: port }): BridgeStep => ({
        summary: `${name}: remove port ${port}`,
        script: sh`ip link set ${port} nomaster`,
        movesTraffic: true,
        after: edited(port, ({ master: _, ...now }) => now),
      }),
    ),
  ]
}

/** Ports that a file may list; guests' and other programs' ends come and go without it. */
function isUplink({ name, kind }: Link): boolean {
  if (isGuestPort(name)) return false
  return ['', 'bond', 'vlan'].includes(kind) || /^(eth\d|en[opsx]|nic\d)/.test(name)
}

/**
 * The new address comes first, then the one it takes the place of goes. Once the new one is there, others are left
 * alone: they belong to hooks, keepalived and the like.
 */
function addressSteps(
  { name, address }: BridgeSettings,
  lines: Lines,
  { routes }: LinksState,
  link: Link,
): readonly BridgeStep[] {
  if (address === undefined) return []
  const kept = keptAddresses(lines, name)
  const stale = link.addresses.filter(({ cidr, family, scope }) => family === 4 && scope === 'global' && !kept(cidr))
  if (address === 'none') return stale.map(({ cidr }) => removal(name, cidr))
  const wanted = formatCidr(address)
  if (link.addresses.some(({ cidr }) => cidr === wanted)) return []
  const replaced = stale.filter(({ cidr }) => !cidr.endsWith('/32')).slice(0, 1)
  const gateway = routes.find(
    (route) => route.family === 4 && route.destination === 'default' && route.devices.includes(name),
  )?.gateway
  return [addition(name, address), ...replaced.map(({ cidr }) => replacement(name, cidr, wanted, gateway))]
}

/** With the first address of a network, the kernel may drop the others of that network, and routes through it. */
function replacement(name: string, old: string, wanted: string, gateway: string | undefined): BridgeStep {
  const { script, ...step } = removal(name, old)
  const again = sh`ip addr replace ${wanted} broadcast + dev ${name}`
  const route = gateway === undefined ? [] : [sh`ip route replace default via ${gateway} dev ${name}`]
  return { ...step, script: joinScripts([script, again, ...route]) }
}

function addition(name: string, address: Ipv4Cidr): BridgeStep {
  const cidr = formatCidr(address)
  return {
    summary: `${name}: add address ${cidr}`,
    script: sh`ip addr add ${cidr} broadcast + dev ${name}`,
    movesTraffic: true,
    after: edited(name, (link) => withAddress(link, address)),
  }
}

function removal(name: string, cidr: string): BridgeStep {
  return {
    summary: `${name}: remove address ${cidr}`,
    script: sh`ip addr del ${cidr} dev ${name}`,
    movesTraffic: true,
    after: edited(name, (link) => withoutAddress(link, cidr)),
  }
}

/** Addresses that the file gives the interface, by `address` or in a hook (`up ip addr add 10.9.9.1/24 dev vmbr1`). */
function keptAddresses(lines: Lines, name: string): (cidr: string) => boolean {
  const addresses = addressesNamed(lines, name).map(formatCidr)
  const hooks = stanzasOf(lines).flatMap(({ options }) =>
    options.filter((option) => /up$/.test(option.name)).flatMap((option) => words(option.value)),
  )
  const mentioned = hooks.flatMap((word) => {
    const cidr = parseCidr(word)
    return cidr === undefined ? [] : [formatCidr(cidr)]
  })
  return (cidr) => addresses.includes(cidr) || mentioned.includes(cidr)
}

function edited(name: string, edit: (link: Link) => Link): (state: LinksState) => LinksState {
  return (state) => {
    const link = state.links.find((candidate) => candidate.name === name)
    return link === undefined ? state : replaceLink(state, edit(link))
  }
}
