/** Bridges in interfaces(5): what a file says of one, and PVE's way of writing one. */

import { ALL_VIDS, formatVids, parseVids, sameVids, type VidRange } from '../net/vids.ts'
import { type Lines, words } from './lines.ts'
import { type LinkSettings, mtuWish, type OptionWish, optionInFile, writeLink } from './link-stanza.ts'

export { isWithoutIpv4 } from './link-stanza.ts'

/** A bridge as asked for. Undefined: as the file has it, or the default for a new one. */
export interface BridgeSettings extends LinkSettings {
  /** Names of links. Default for a new bridge: none. */
  readonly ports?: readonly string[] | undefined
  /** Default for a new bridge: false. */
  readonly stp?: boolean | undefined
  /** Forward delay in seconds. Default for a new bridge: 0, and the kernel's own with `stp`. */
  readonly forwardDelay?: number | undefined
  /** It tells VLANs apart. Default for a new bridge: false. */
  readonly vlanAware?: boolean | undefined
  /** VLANs that may pass its ports; only with `vlanAware`. Default for a new bridge: all, as PVE writes it. */
  readonly vids?: readonly VidRange[] | undefined
  /** False: it gets no IPv6 address of its own accord. Default for a new bridge: true. */
  readonly linkLocal?: boolean | undefined
}

/** A file that has the bridge, as PVE would write it: edited where there is a stanza, added where there is none. */
export function writeBridge(lines: Lines, settings: BridgeSettings): Lines {
  const { ports = [], stp = false, forwardDelay = stp ? undefined : 0 } = settings
  return writeLink(lines, {
    ...settings,
    type: 'bridge',
    marks: ['bridge-ports'],
    fresh: options({ ...settings, ports, stp, forwardDelay }, lines),
    edits: options(settings, lines),
  })
}

/** Ports of a bridge by its file; `none` is no port. Undefined when no stanza of the name has such a line. */
export function portsInFile(lines: Lines, name: string): readonly string[] | undefined {
  const value = optionInFile(lines, name, 'bridge-ports')
  return value === undefined ? undefined : readPorts(value)
}

/** Spanning tree of a bridge by its file; off when not said, as for PVE and ifupdown2. */
export function stpInFile(lines: Lines, name: string): boolean {
  return isOn(optionInFile(lines, name, 'bridge-stp'))
}

/** Forward delay of a bridge by its file, seconds; undefined when not said. */
export function forwardDelayInFile(lines: Lines, name: string): number | undefined {
  return numberInFile(lines, name, 'bridge-fd')
}

/** MTU of an interface by its file; undefined when not said. */
export function mtuInFile(lines: Lines, name: string): number | undefined {
  return numberInFile(lines, name, 'mtu') ?? numberInFile(lines, name, 'ovs-mtu')
}

/** Whether a bridge tells VLANs apart by its file, as ifupdown2 reads it; PVE takes any value for yes. */
export function vlanAwareInFile(lines: Lines, name: string): boolean {
  return isOn(optionInFile(lines, name, 'bridge-vlan-aware'))
}

/** VLANs that may pass the ports of a VLAN-aware bridge by its file; all when not said, as PVE writes it. */
export function vidsInFile(lines: Lines, name: string): readonly VidRange[] {
  const value = optionInFile(lines, name, 'bridge-vids')
  return (value === undefined ? undefined : parseVids(value)) ?? ALL_VIDS
}

/** Whether an interface gets an IPv6 link-local address by its file. */
export function linkLocalInFile(lines: Lines, name: string): boolean {
  return !/^(off|no|0)$/i.test(optionInFile(lines, name, ADDRGEN) ?? '')
}

/** ifupdown2's name for it; PVE keeps the line without knowing it. */
const ADDRGEN = 'ipv6-addrgen'

function options(settings: BridgeSettings, lines: Lines): readonly OptionWish[] {
  const { name, ports, stp, forwardDelay, mtu, linkLocal } = settings
  // With spanning tree the least is 2 s: PVE drops less, and the kernel takes 2 s for it.
  const tooShort = stp === true && (forwardDelayInFile(lines, name) ?? 2) < 2
  return [
    ...(ports === undefined
      ? []
      : [{ name: 'bridge-ports', value: portsText(ports), same: (text?: string) => samePorts(text, ports) }]),
    ...(stp === undefined
      ? []
      : [{ name: 'bridge-stp', value: stp ? 'on' : 'off', same: (text?: string) => isOn(text) === stp }]),
    ...(forwardDelay === undefined
      ? tooShort
        ? [{ name: 'bridge-fd', value: undefined }]
        : []
      : [{ name: 'bridge-fd', value: String(forwardDelay), same: (text?: string) => Number(text) === forwardDelay }]),
    ...vlanOptions(settings, lines),
    ...mtuWish(mtu),
    ...(linkLocal === undefined
      ? []
      : [
          {
            name: ADDRGEN,
            value: linkLocal ? undefined : 'off',
            same: (text?: string) => isLinkLocal(text) === linkLocal,
          },
        ]),
  ]
}

/** PVE takes the mere presence of `bridge-vlan-aware` for yes, so a bridge that is not to be has no such line. */
function vlanOptions({ name, vlanAware, vids }: BridgeSettings, lines: Lines): readonly OptionWish[] {
  if (vlanAware === false)
    return [
      { name: 'bridge-vlan-aware', value: undefined },
      { name: 'bridge-vids', value: undefined },
    ]
  const wanted = vids ?? (vlanAware === true ? vidsInFile(lines, name) : undefined)
  return [
    ...(vlanAware === undefined ? [] : [{ name: 'bridge-vlan-aware', value: 'yes', same: isOn }]),
    ...(wanted === undefined
      ? []
      : [{ name: 'bridge-vids', value: formatVids(wanted), same: (text?: string) => sameVids(text, wanted) }]),
  ]
}

function isOn(text: string | undefined): boolean {
  return text !== undefined && /^(on|yes|1|true)$/i.test(text)
}

function isLinkLocal(text: string | undefined): boolean {
  return text === undefined || !/^(off|no|0)$/i.test(text)
}

function numberInFile(lines: Lines, name: string, option: string): number | undefined {
  const value = Number(optionInFile(lines, name, option) ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}

function readPorts(text: string): readonly string[] {
  return words(text.replace(/[;,]/g, ' ')).filter((port) => port !== 'none')
}

function samePorts(present: string | undefined, wanted: readonly string[]): boolean {
  return present !== undefined && [...readPorts(present)].sort().join(' ') === [...wanted].sort().join(' ')
}

function portsText(ports: readonly string[]): string {
  return ports.length === 0 ? 'none' : ports.join(' ')
}
