/** VXLAN tunnels in interfaces(5), as pve-common writes them. */
import type { Lines } from './lines.ts'
import {
  type LinkSettings,
  mtuWish,
  type OptionWish,
  optionInFile,
  optionLinesInFile,
  writeLink,
} from './link-stanza.ts'

/** A tunnel as asked for. Undefined: as the file has it. */
export interface VxlanSettings extends LinkSettings {
  /** Number of the network, 1 to 16777214. */
  readonly id: number
  /** IPv4 addresses of the other nodes. */
  readonly peers: readonly string[]
}

/** Bytes that the tunnel adds to each packet, over IPv4. */
export const VXLAN_OVERHEAD = 50

/** A file that has the tunnel, as PVE would write it. A new one is given an MTU that fits into 1500. */
export function writeVxlan(lines: Lines, settings: VxlanSettings): Lines {
  const { id, peers, mtu } = settings
  const options: readonly OptionWish[] = [
    { name: 'vxlan-id', value: String(id), same: (text) => Number(text) === id },
    { name: 'vxlan-remoteip', value: peers, same: () => false },
    ...mtuWish(mtu),
  ]
  const fresh = mtu === undefined ? [...options, ...mtuWish(1500 - VXLAN_OVERHEAD)] : options
  return writeLink(lines, { ...settings, type: 'vlan', marks: ['vxlan-id'], fresh, edits: options })
}

/** Number of the network by the file; undefined when the interface is no tunnel. */
export function vxlanIdInFile(lines: Lines, name: string): number | undefined {
  const id = Number(optionInFile(lines, name, 'vxlan-id') ?? Number.NaN)
  return Number.isNaN(id) ? undefined : id
}

/** Addresses of the other nodes by the file. */
export function peersInFile(lines: Lines, name: string): readonly string[] {
  return optionLinesInFile(lines, name, 'vxlan-remoteip')
}
