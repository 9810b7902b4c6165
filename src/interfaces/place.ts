/** Where PVE puts stanzas: by type, new ones after all of their type; `source` lines at the end stay at the end. */
import type { Lines } from './lines.ts'
import { type Block, optionsNamed, parseBlocks, type Stanza } from './stanzas.ts'

/** Ranks of types, as in pve-common (`__write_etc_network_interfaces`); unknown types have none and keep their place. */
const RANK = { loopback: 1, eth: 2, OVSIntPort: 3, bond: 4, bridge: 5, vlan: 6 } as const

/** What a new stanza describes. */
export type StanzaType = Exclude<keyof typeof RANK, 'loopback'>

/** Index of the line before which a new stanza of a name belongs, with all that is above it of no higher rank. */
export function placeFor(lines: Lines, name: string, type: StanzaType): number {
  const blocks = parseBlocks(lines)
  const stanzas = blocks.filter((block): block is Stanza => block.kind === 'iface')
  const ranks = stanzas.map((stanza) => rankOf(stanza.name, stanzas))
  const own = /[.:]/.test(name) ? rankOf(name, stanzas) : RANK[type]
  let last = ranks.findLastIndex((rank) => rank > 0 && rank <= own)
  while (ranks[last + 1] === 0) last += 1
  const above = stanzas[last] ?? stanzas.at(-1)
  if (above !== undefined) return above.end
  const source = blocks.find((block) => block.kind === 'other' && /^source(-directory)?$/.test(block.keyword))
  return source === undefined ? lines.length : aboveComments(lines, source)
}

function aboveComments(lines: Lines, block: Block): number {
  let at = block.first
  while (at > 0 && (lines[at - 1]?.text ?? '').startsWith('#')) at -= 1
  return at
}

/** Rank by the root of dotted and aliased names (`eno1.50` goes with `eno1`); 0 for types PVE does not know. */
function rankOf(dotted: string, all: readonly Stanza[]): number {
  const root = dotted.split(/[.:]/)[0] ?? ''
  const stanzas = all.filter(({ name }) => name === root)
  return typeRank(root, stanzas)
}

function typeRank(name: string, stanzas: readonly Stanza[]): number {
  const has = (...names: string[]) => stanzas.some((stanza) => optionsNamed(stanza, ...names).length > 0)
  const ovs = stanzas.flatMap((stanza) => optionsNamed(stanza, 'ovs-type'))[0]?.value
  if (name === 'lo') return RANK.loopback
  if (has('bridge-ports') || ovs === 'OVSBridge') return RANK.bridge
  if (/^bond\d+$/.test(name)) return RANK.bond
  if (has('vlan-raw-device', 'vxlan-id')) return RANK.vlan
  if (ovs === 'OVSIntPort') return RANK.OVSIntPort
  if (stanzas.some((stanza) => optionsNamed(stanza, 'link-type')[0]?.value === 'dummy')) return RANK.loopback
  return PHYSICAL.test(name) ? RANK.eth : 0
}

/** Names that PVE takes for those of network cards (pve-common, `$PHYSICAL_NIC_RE`). */
export const PHYSICAL = /^(?:eth\d+|en[^:.]+|ib[^:.]+|(?:nic|if)\d+)$/
