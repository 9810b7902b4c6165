/** Single changes to a live bridge. */
import { sh } from '../connection/script.ts'
import { type Link, type LinksState, linkNamed, portsOf } from '../facts/links.ts'
import { type BridgeSettings, mtuInFile, portsInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { vlanOfName } from '../interfaces/vlan.ts'
import { addressSteps, edited, type LinkStep, linkLocalSteps, mtuSteps, setUp } from './link-steps.ts'
import { replaceLink } from './predict-links.ts'

/** What has to change on a bridge that exists, in order: addresses are added before others go. */
export function bridgeSteps(
  settings: BridgeSettings,
  lines: Lines,
  links: LinksState,
  link: Link,
): readonly LinkStep[] {
  return [
    ...spanningTree(settings, link),
    ...vlanFiltering(settings, links, link),
    ...vlanPortSteps(settings.ports ?? [], links),
    ...portMtuSteps(settings, lines, links),
    ...portSteps(settings, links, link),
    ...mtuSteps(link, settings.mtu),
    ...(link.up ? [] : [setUp(link.name)]),
    ...linkLocalSteps(link, settings.linkLocal, lines),
    ...addressSteps(settings, lines, links, link),
  ]
}

/** Ports such as `eno1.50` need no stanza: ifupdown2 makes these VLANs at boot, for the bridge that names them. */
export function vlanPortSteps(ports: readonly string[], links: LinksState): readonly LinkStep[] {
  return ports.flatMap((port): readonly LinkStep[] => {
    const { rawDevice, id } = vlanOfName(port)
    const raw = rawDevice === undefined ? undefined : linkNamed(links, rawDevice)
    if (raw === undefined || id === undefined || linkNamed(links, port) !== undefined) return []
    const vlan = { kind: 'vlan', vlan: { id, protocol: '802.1Q' }, lower: raw.name, mtu: raw.mtu } as const
    return [
      ...(raw.up ? [] : [setUp(raw.name)]),
      {
        summary: `${port}: VLAN ${id} of ${raw.name}`,
        script: sh`ip link add link ${raw.name} name ${port} type vlan id ${id}`,
        movesTraffic: false,
        after: (state) => replaceLink(state, { ...vlan, name: port, up: false, altnames: [], addresses: [] }),
      },
    ]
  })
}

/** A network card carries nothing but its bridge, so it is given at least the MTU of that. */
export function portMtuSteps(settings: BridgeSettings, lines: Lines, links: LinksState): readonly LinkStep[] {
  const { name, ports } = settings
  const mtu = mtuOfPorts(settings, lines)
  if (mtu === undefined) return []
  return (ports ?? portsInFile(lines, name) ?? []).flatMap((port) => {
    const card = linkNamed(links, port)
    return card !== undefined && isCard(card) && card.mtu < mtu ? mtuSteps(card, mtu) : []
  })
}

/** What the ports of a bridge are to carry: what is asked for, and where only ports are, what the bridge has in the file. */
export function mtuOfPorts({ name, mtu, ports }: BridgeSettings, lines: Lines): number | undefined {
  return mtu ?? (ports === undefined ? undefined : mtuInFile(lines, name))
}

/** True for hardware; VLANs, bonds, tunnels and the like have a kind. */
export function isCard(link: Link | undefined): boolean {
  return link !== undefined && (link.kind === '' || (link.kind === 'veth' && isUplink(link)))
}

/** True for the host's side of a guest: QEMU taps, container veths and their firewall bridges' ends. */
export function isGuestPort(name: string): boolean {
  return /^(tap|veth)\d+i\d+$|^(fwpr\d+p|fwln\d+i)\d+$/.test(name)
}

/** The kernel allows delays below 2 s only with spanning tree off, so what comes first depends on the direction. */
function spanningTree({ stp, forwardDelay }: BridgeSettings, link: Link): readonly LinkStep[] {
  const { name, bridge } = link
  const wanted = { stp: stp ?? bridge?.stp ?? false, forwardDelay: forwardDelay ?? bridge?.forwardDelay ?? 15 }
  const tree: LinkStep = {
    summary: `${name}: spanning tree ${wanted.stp ? 'on' : 'off'}`,
    script: sh`ip link set ${name} type bridge stp_state ${wanted.stp ? 1 : 0}`,
    movesTraffic: false,
    after: edited(name, (now) => ({ ...now, bridge: { forwardDelay: 15, ...now.bridge, stp: wanted.stp } })),
  }
  const delay: LinkStep = {
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

/** Guests' ports were plugged in without VLANs of their own, and keep only untagged frames until they are plugged anew. */
function vlanFiltering({ vlanAware }: BridgeSettings, links: LinksState, { name, bridge }: Link): readonly LinkStep[] {
  if (vlanAware === undefined || vlanAware === (bridge?.vlanAware === true)) return []
  const guests = vlanAware && portsOf(links, name).some((port) => isGuestPort(port.name))
  return [
    {
      summary: `${name}: VLAN-aware ${vlanAware ? 'on' : 'off'}${guests ? '; guests that tag frames themselves need a restart' : ''}`,
      script: sh`ip link set ${name} type bridge vlan_filtering ${vlanAware ? 1 : 0}`,
      movesTraffic: true,
      after: edited(name, ({ bridge: now, ...rest }) => ({
        ...rest,
        bridge: { stp: now?.stp ?? false, forwardDelay: now?.forwardDelay ?? 15, ...(vlanAware ? { vlanAware } : {}) },
      })),
    },
  ]
}

function portSteps({ name, ports }: BridgeSettings, links: LinksState, link: Link): readonly LinkStep[] {
  if (ports === undefined) return []
  const wanted = ports.map((port) => linkNamed(links, port)?.name ?? port)
  const present = portsOf(links, link.name).filter(isUplink)
  const added = wanted.filter((port) => linkNamed(links, port)?.master !== name)
  const removed = present.filter((port) => !wanted.includes(port.name))
  const down = portsOf(links, name).filter((port) => wanted.includes(port.name) && !port.up)
  return [
    ...added.map(
      (port): LinkStep => ({
        summary: `${name}: add port ${port}`,
        script: sh`ip link set ${port} up
ip link set ${port} master ${name}`,
        movesTraffic: true,
        after: edited(port, (now) => ({ ...now, master: name, up: true })),
      }),
    ),
    ...down.map((port) => setUp(port.name)),
    ...removed.map(
      ({ name: port }): LinkStep => ({
        summary: `${name}: remove port ${port}`,
        script: sh`ip link set ${port} nomaster`,
        movesTraffic: true,
        after: edited(port, ({ master: _, ...now }) => now),
      }),
    ),
  ]
}

/** Ports that a file may list; guests' and other programs' ends come and go without it. */
export function isUplink({ name, kind }: Link): boolean {
  if (isGuestPort(name)) return false
  return ['', 'bond', 'vlan', 'vxlan'].includes(kind) || /^(eth\d|en[opsx]|nic\d)/.test(name)
}
