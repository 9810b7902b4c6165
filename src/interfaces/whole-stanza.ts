/** Adding and removing whole stanzas. */
import { removeAutostart } from './allow.ts'
import { type Lines, splice, words } from './lines.ts'
import { removeSpan } from './options.ts'
import { placeFor, type StanzaType } from './place.ts'
import { stanzasOf } from './stanzas.ts'

/** Adds a stanza at PVE's place for its type, blank lines around. `texts` are its lines, `auto` and comment included. */
export function addStanza(lines: Lines, type: StanzaType, texts: readonly string[]): Lines {
  const at = placeFor(lines, type)
  const before = at === 0 || isBlank(lines, at - 1) ? [] : ['']
  const after = at >= lines.length || isBlank(lines, at) ? [] : ['']
  return splice(lines, at, 0, [...before, ...texts, ...after])
}

/**
 * Removes all stanzas of a name with their options, comments and `auto`, and one blank line where two would meet.
 * Options that only ifupdown2 counts in go too: left behind, they would belong to the stanza above.
 */
export function removeStanzas(lines: Lines, name: string): Lines {
  const without = removeAutostart(lines, name)
  const [stanza] = stanzasOf(without, name)
  if (stanza === undefined) return without
  const strays = stanza.options.filter(({ stray }) => stray).reverse()
  const tidy = strays.reduce(removeSpan, without)
  const rest = splice(tidy, stanza.first, stanza.pveEnd - stanza.first, [])
  return removeStanzas(joinGap(rest, stanza.first), name)
}

function joinGap(lines: Lines, at: number): Lines {
  const above = at === 0 || isBlank(lines, at - 1)
  const below = at >= lines.length || isBlank(lines, at)
  if (!above || !below || lines.length === 0) return lines
  return splice(lines, Math.min(at, lines.length - 1), 1, [])
}

/** A blank line that nothing continues onto. */
function isBlank(lines: Lines, at: number): boolean {
  return lines[at - 1]?.text.endsWith('\\') !== true && words(lines[at]?.text ?? '').length === 0
}
