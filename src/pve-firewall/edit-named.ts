/** Edits of aliases and of sets of addresses. */
import { type Lines, toBytes } from '../interfaces/lines.ts'
import { normalAddress } from './addresses.ts'
import { appendEntry, removeEntry, replaceEntry, sectionIn, withSection } from './place.ts'
import { type FileKind, headerComment, headerText, parseFile, type Section, sectionOf } from './sections.ts'

/** A name for an address or network. */
export interface Alias {
  readonly name: string
  readonly address: string
  readonly comment?: string | undefined
}

/** One member of a set. */
export interface SetEntry {
  /** Address, network or alias. */
  readonly address: string
  /** Taken out of a wider member. */
  readonly nomatch?: boolean | undefined
  readonly comment?: string | undefined
}

/** A set of addresses, as it should be. */
export interface WantedSet {
  readonly name: string
  readonly entries: readonly SetEntry[]
  /** Undefined leaves the comment of the set alone. */
  readonly comment?: string | undefined
  /** No other members are left. */
  readonly exclusive?: boolean | undefined
}

/** Reads a line of `[ALIASES]`; the iptables parser wants exactly one blank, which `exact` tells. */
export function parseAlias(text: string): (Alias & { readonly exact: boolean }) | undefined {
  const [, name, blank = '', address = '', comment = ''] = /^(\S+)(\s+)(\S+?)\s*(?:#\s*(.*?)\s*)?$/.exec(text) ?? []
  if (name === undefined) return undefined
  return { name, address, ...(comment === '' ? {} : { comment }), exact: blank.length === 1 }
}

/** Reads a line of a set; undefined for what is none. */
export function parseSetEntry(text: string): SetEntry | undefined {
  const [, nomatch, address, comment = ''] = /^(!)?\s*([^\s#]+)\s*(?:#\s*(.*?)\s*)?$/.exec(text) ?? []
  if (address === undefined) return undefined
  return { address, ...(nomatch === undefined ? {} : { nomatch: true }), ...(comment === '' ? {} : { comment }) }
}

/** Ensures aliases; `exclusive` takes all others out. */
export function setAliases(
  lines: Lines,
  file: FileKind,
  aliases: readonly Alias[],
  { absent = [], exclusive = false }: { absent?: readonly string[]; exclusive?: boolean } = {},
): Lines {
  if (aliases.length === 0 && sectionOf(parseFile(lines, file), 'aliases') === undefined) return lines
  const start = withSection(lines, file, { kind: 'aliases' })
  const set = aliases.reduce((now, alias) => setAlias(now, file, alias), start)
  const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase())
  const kept = lower(aliases.map(({ name }) => name))
  const gone = lower(absent)
  return removeWhere(set, file, 'aliases', (text) => {
    const name = parseAlias(text)?.name.toLowerCase()
    return exclusive ? name === undefined || !kept.includes(name) : name !== undefined && gone.includes(name)
  })
}

/** Ensures a set. */
export function setIpset(lines: Lines, file: FileKind, wanted: WantedSet): Lines {
  const { name, comment, entries, exclusive = false } = wanted
  const start = withSection(lines, file, { kind: 'ipset', name, ...(comment === undefined ? {} : { comment }) })
  const titled = comment === undefined ? start : retitle(start, sectionIn(start, file, 'ipset', name), comment)
  const filled = entries.reduce((now, entry) => setMember(now, file, name, entry), titled)
  if (!exclusive) return filled
  const kept = new Set(entries.map(memberKey))
  return removeWhere(filled, file, 'ipset', (text) => !kept.has(keyOfText(text)), name)
}

/** Gives the header of a set or group another comment. */
export function retitle(lines: Lines, section: Section, comment: string): Lines {
  const present = headerComment(lines[section.header]?.text ?? '')
  if (present === toBytes(comment)) return lines
  return replaceEntry(lines, section.header, headerText(section.kind, section.name, comment))
}

function setAlias(lines: Lines, file: FileKind, alias: Alias): Lines {
  const section = sectionIn(lines, file, 'aliases')
  const key = alias.name.toLowerCase()
  const found = parseFile(lines, file)
    .sections.filter(({ kind }) => kind === 'aliases')
    .flatMap(({ entries }) => entries)
    .findLast(({ text }) => parseAlias(text)?.name.toLowerCase() === key)
  const comment = alias.comment === undefined ? '' : ` # ${alias.comment}`
  if (found === undefined) return appendEntry(lines, section, `${alias.name} ${alias.address}${comment}`)
  const present = parseAlias(found.text)
  const same =
    present?.exact === true &&
    normalAddress(present.address) === normalAddress(alias.address) &&
    (alias.comment === undefined || present.comment === toBytes(alias.comment))
  if (same) return lines
  const kept = alias.comment === undefined && present?.comment !== undefined ? ` # ${utf8(present.comment)}` : comment
  return replaceEntry(lines, found.at, `${alias.name} ${alias.address}${kept}`)
}

function setMember(lines: Lines, file: FileKind, name: string, entry: SetEntry): Lines {
  const section = sectionIn(lines, file, 'ipset', name)
  const found = section.entries.find(({ text }) => keyOfText(text) === memberKey(entry))
  const present = found === undefined ? undefined : parseSetEntry(found.text)
  const note = entry.comment ?? (present?.comment === undefined ? undefined : utf8(present.comment))
  const text = `${entry.nomatch === true ? '!' : ''}${entry.address}${note === undefined ? '' : ` # ${note}`}`
  if (found === undefined) return appendEntry(lines, section, text)
  const same =
    (present?.nomatch === true) === (entry.nomatch === true) &&
    (entry.comment === undefined || present?.comment === toBytes(entry.comment))
  return same ? lines : replaceEntry(lines, found.at, text)
}

/** Members are told apart by their address: the kernel holds each once, whether it matches or not. */
function memberKey(entry: SetEntry): string {
  return normalAddress(entry.address)
}

function keyOfText(text: string): string {
  const entry = parseSetEntry(text)
  return entry === undefined ? '' : memberKey(entry)
}

function removeWhere(
  lines: Lines,
  file: FileKind,
  kind: 'aliases' | 'ipset',
  isGone: (text: string) => boolean,
  name = '',
): Lines {
  const gone = parseFile(lines, file)
    .sections.filter((section) => section.kind === kind && section.name === name)
    .flatMap(({ entries }) => entries)
    .filter(({ text }) => isGone(text))
    .map(({ at }) => at)
  return gone.reverse().reduce(removeEntry, lines)
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
