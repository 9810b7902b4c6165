/**
 * The comment of an interface in the web interface: `#` lines of its stanza, written last by PVE. Notes between
 * options, commented-out settings and headings of the next stanza are the administrator's and stay.
 */
import { type Lines, splice, toBytes, trim, words } from './lines.ts'
import { refind } from './options.ts'
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
  const same = wanted === '' ? undefined : all.flatMap(({ comments }) => comments).find(saysSame(wanted))
  if (same !== undefined) return respell(lines, same, wanted)
  const holder = all.find((stanza) => ownComments(lines, stanza).length > 0) ?? first
  const own = ownComments(lines, holder)
  const at = own[0]?.first ?? holder.pveEnd - headingOf(lines, holder).length
  const texts = wanted === '' ? [] : [`#${wanted}`]
  const edited = splice(lines, at, own.length, texts)
  return wanted === '' ? edited : separate(edited, refind(edited, lines, holder), at + 1)
}

function saysSame(wanted: string): (comment: Comment) => boolean {
  return ({ text }) => trim(text) === trim(wanted)
}

function respell(lines: Lines, comment: Comment, wanted: string): Lines {
  if (comment.text === wanted) return lines
  const indent = /^[ \t]*/.exec(lines[comment.first]?.text ?? '')?.[0] ?? ''
  return splice(lines, comment.first, comment.end - comment.first, [`${indent}#${wanted}`])
}

/** The lines that PVE would have written as comment: the last ones, prose, with a blank line or nothing after. */
function ownComments(lines: Lines, stanza: Stanza): readonly Comment[] {
  return headingOf(lines, stanza).length > 0 ? [] : lastProse(stanza)
}

/** `#` lines right above the next stanza: meant for that one, though PVE counts them in here. */
function headingOf(lines: Lines, stanza: Stanza): readonly Comment[] {
  const [next = ''] = words(lines[stanza.pveEnd]?.text ?? '')
  return isKeyword(next) ? lastProse(stanza) : []
}

function lastProse(stanza: Stanza): readonly Comment[] {
  const last: Comment[] = []
  let at = stanza.pveEnd
  for (const comment of [...stanza.comments].reverse()) {
    if (comment.end !== at || comment.end !== comment.first + 1 || isSetting(comment.text)) break
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
