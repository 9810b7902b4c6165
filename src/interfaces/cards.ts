/** Stanzas of network cards that other links are built on. */
import { addAutostart } from './allow.ts'
import { mtuInFile } from './bridge.ts'
import type { Lines } from './lines.ts'
import { inetStanza } from './link-stanza.ts'
import { setOption } from './options.ts'
import { stanzasOf } from './stanzas.ts'
import { addStanza } from './whole-stanza.ts'

/** What a card needs to have in the file. */
export interface CardNeeds {
  /** At least this; PVE refuses to save a link whose MTU is above that of what carries it. */
  readonly mtu?: number | undefined
  /** Up at boot of its own, as PVE does for slaves of bonds. */
  readonly autostart?: boolean
}

/** PVE describes each card, if only by `iface eno2 inet manual`; one that is put to use is described likewise. */
export function withCards(lines: Lines, names: readonly string[], needs: CardNeeds = {}): Lines {
  return names.reduce((file, name) => withCard(file, name, needs), lines)
}

function withCard(lines: Lines, name: string, { mtu, autostart = false }: CardNeeds): Lines {
  const known = stanzasOf(lines, name).length > 0
  const there = known ? lines : addStanza(lines, name, 'eth', [`iface ${name} inet manual`])
  const stanza = inetStanza(there, name) ?? stanzasOf(there, name)[0]
  const enough = mtu === undefined || mtu <= 1500 || (mtuInFile(there, name) ?? 1500) >= mtu
  const sized = stanza === undefined || enough ? there : setOption(there, stanza, 'mtu', String(mtu))
  return autostart ? addAutostart(sized, name) : sized
}
