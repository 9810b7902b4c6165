/**
 * The comment of an interface in the web interface: `#` lines of its stanza, written last by PVE. Notes between
 * options, commented-out settings and headings of the next stanza are the administrator's and stay.
 */
import { type Lines, splice, toBytes, trim, words } from './lines.ts'
import { refind, removeSpan } from './options.ts'
import { type Comment, isKeyword, type Stanza, stanzasOf } from './stanzas.ts'

/** Comment texts of an interface, as PVE would show them, notes and all. */
export function commentsNamed(lines: Lines, name: string): readonly string[] {
  return stanzasOf(lines, name).flatMap((stanza) => stanza.comments.map(({ text }) => text))
}

/** Makes `comment` (one line) the comment of an interface; empty removes it. No stanza of that name: no change. */
export function setComment(lines: Lines, name: string, comment: string): Lines {
  const wanted = toBytes(comment)
  const [first, ...others] = stanzasOf(lines, name)
  if (first === undefined) return lines
  const all = [first, ...others]
  const own = all.flatMap((stanza) => ownComments(lines, stanza, wanted))
  if (wanted !== '' && own.some(({ text }) => text === wanted)) return lines
  const elsewhere = all
    .flatMap((stanza) => stanza.comments)
    .find((comment) => !own.includes(comment) && says(comment, wanted))
  // The same words in another place become the comment proper, so that the next text finds them.
  if (elsewhere !== undefined) return setComment(removeSpan(lines, elsewhere), name, comment)
  const commented = all.find((stanza) => ownComments(lines, stanza).length > 0)
  // PVE writes the comment of both families into the `inet` stanza.
  const holder = commented ?? all.find(({ family }) => family === 'inet') ?? first
  return replaceOwn(lines, holder, wanted)
}

function says({ text }: Comment, wanted: string): boolean {
  return wanted !== '' && trim(text) === trim(wanted)
}

function replaceOwn(lines: Lines, stanza: Stanza, wanted: string): Lines {
  const own = ownComments(lines, stanza)
  const at = own[0]?.first ?? stanza.pveEnd - headingOf(lines, stanza).length
  if (wanted === '') return splice(lines, at, own.length, [])
  const edited = splice(lines, at, own.length, [`#${wanted}`])
  return separate(edited, refind(edited, lines, stanza), at + 1)
}

/** The lines that PVE would have written as comment: the last ones, prose, with a blank line or nothing after. */
function ownComments(lines: Lines, stanza: Stanza, wanted = ''): readonly Comment[] {
  return headingOf(lines, stanza).length > 0 ? [] : lastProse(stanza, wanted)
}

/** `#` lines right above the next stanza: meant for that one, though PVE counts them in here. */
function headingOf(lines: Lines, stanza: Stanza): readonly Comment[] {
  const [next = ''] = words(lines[stanza.pveEnd]?.text ?? '')
  return isKeyword(next) ? lastProse(stanza) : []
}

/** `wanted` is prose even when it reads like a setting. */
function lastProse(stanza: Stanza, wanted = ''): readonly Comment[] {
  const last: Comment[] = []
  let at = stanza.pveEnd
  for (const comment of [...stanza.comments].reverse()) {
    if (comment.end !== at || comment.end !== comment.first + 1) break
    if (comment.text !== wanted && isSetting(comment.text)) break
    last.unshift(comment)
    at = comment.first
  }
  return last
}

/** A heading below a new comment is parted from it, or the next edit would not know one from the other. */
function separate(lines: Lines, stanza: Stanza, at: number): Lines {
  const [next = ''] = words(lines[at]?.text ?? '')
  const isLast = stanza.options.every((option) => option.end <= at)
  return isLast && (at < stanza.pveEnd || isKeyword(next)) ? splice(lines, at, 0, ['']) : lines
}

/** `#	mtu 9000`, `#iface vmbr9 inet static`: a setting that somebody switched off. */
function isSetting(text: string): boolean {
  const [word = '', ...rest] = words(text)
  return rest.length > 0 && SETTING.test(word)
}

const SETTING =
  /^(auto|allow-.*|iface|mapping|source|source-directory|address|netmask|broadcast|gateway|network|pointopoint|mtu|hwaddress|(pre-|post-)?(up|down)|(bridge|bond|ovs|vlan|vxlan|dns|link|wpa)[-_].*)$/
