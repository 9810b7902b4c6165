/** Adding and removing whole stanzas. */
import { removeAutostart } from './allow.ts'
import { continues, type Lines, splice, words } from './lines.ts'
import { removeSpan } from './options.ts'
import { placeFor, type StanzaType } from './place.ts'
import { type Stanza, stanzasOf } from './stanzas.ts'

/** Adds a stanza at PVE's place for its type, blank lines around. `texts` are its lines, `auto` and comment included. */
export function addStanza(lines: Lines, name: string, type: StanzaType, texts: readonly string[]): Lines {
  return addStanzaAt(lines, placeFor(lines, name, type), texts)
}

/** Adds a stanza above the line of an index, blank lines around. */
export function addStanzaAt(lines: Lines, at: number, texts: readonly string[]): Lines {
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
  return stanza === undefined ? without : removeStanzas(removeStanza(without, stanza), name)
}

/** Removes one stanza with its options and comments; `auto` lines stay. */
export function removeStanza(lines: Lines, stanza: Stanza): Lines {
  const strays = stanza.options.filter(({ stray }) => stray).reverse()
  const tidy = strays.reduce(removeSpan, lines)
  const rest = splice(tidy, stanza.first, stanza.pveEnd - stanza.first, [])
  return joinGap(rest, stanza.first)
}

function joinGap(lines: Lines, at: number): Lines {
  const above = at === 0 || isBlank(lines, at - 1)
  const below = at >= lines.length || isBlank(lines, at)
  if (!above || !below || lines.length === 0) return lines
  return splice(lines, Math.min(at, lines.length - 1), 1, [])
}

/** A blank line that nothing continues onto. */
function isBlank(lines: Lines, at: number): boolean {
  return !continues(lines[at - 1]?.text) && words(lines[at]?.text ?? '').length === 0
}
