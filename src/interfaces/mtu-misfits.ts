/** Links that the file gives larger packets than what carries them, which PVE refuses to save. */
import { mtuInFile, portsInFile } from './bridge.ts'
import type { Lines } from './lines.ts'
import { optionInFile } from './link-stanza.ts'
import { membersInFile, rawDeviceInFile } from './members.ts'
import { stanzasOf } from './stanzas.ts'

/** Two links that do not go together. */
export interface MtuMisfit {
  readonly name: string
  readonly mtu: number
  readonly carriedBy: string
  readonly carriedMtu: number
}

interface Pair {
  readonly name: string
  readonly carriedBy: string
}

/** All of them, as pve-common judges when it writes (PVE::Network::Interfaces, `check_mtu` and its callers). */
export function mtuMisfits(lines: Lines): readonly MtuMisfit[] {
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return names
    .flatMap((name) => pairsOf(lines, name))
    .flatMap(({ name, carriedBy }) => {
      const mtu = mtuInFile(lines, name)
      if (mtu === undefined) return []
      const carriedMtu = mtuOfCarrier(lines, carriedBy, mtu)
      return carriedMtu < mtu ? [{ name, mtu, carriedBy, carriedMtu }] : []
    })
}

/** A bridge is carried by its ports and a VLAN by its device; slaves and what is in Open vSwitch by what has them. */
function pairsOf(lines: Lines, name: string): readonly Pair[] {
  const ports = portsInFile(lines, name)
  if (ports !== undefined) return ports.map((port) => ({ name, carriedBy: port }))
  const raw = rawDeviceInFile(lines, name)
  return [
    ...membersInFile(lines, name).map((member) => ({ name: member, carriedBy: name })),
    ...(raw === undefined ? [] : [{ name, carriedBy: raw }]),
  ]
}

/** Without a line of its own: what is asked for (a bond), that of its device (a VLAN without a stanza), or the default. */
function mtuOfCarrier(lines: Lines, name: string, asked: number): number {
  const own = mtuInFile(lines, name)
  if (own !== undefined) return own
  if (optionInFile(lines, name, 'bond-slaves') !== undefined) return asked
  const device = stanzasOf(lines, name).length === 0 ? rawDeviceInFile(lines, name) : undefined
  return (device === undefined ? undefined : mtuInFile(lines, device)) ?? 1500
}
