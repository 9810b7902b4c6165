/** Where new sections and entries go: as PVE would write them, with nothing else moved. */
import { type Lines, splice, toBytes, trim } from '../interfaces/lines.ts'
import { type FileKind, headerText, parseFile, type Section, type SectionKind, sectionOf } from './sections.ts'

/** The order that PVE writes sections in, and that makes aliases and sets known before rules that use them. */
const ORDER: readonly SectionKind[] = ['options', 'aliases', 'ipset', 'rules', 'group']

/** Adds an entry at the end of a section. */
export function appendEntry(lines: Lines, section: Section, text: string): Lines {
  const last = section.entries.at(-1)
  return last === undefined ? insertFirst(lines, section, [text]) : insertAt(lines, last.at + 1, [text])
}

/** Adds entries before all others of a section. */
export function insertFirst(lines: Lines, section: Section, texts: readonly string[]): Lines {
  const first = section.entries[0]
  if (first !== undefined) return insertAt(lines, commentsAbove(lines, first.at, section.header + 1), texts)
  const blank = isBlank(lines, section.header + 1)
  const after = section.header + (blank ? 2 : 1)
  const rest = after < lines.length && !isBlank(lines, after) ? [''] : []
  return insertAt(lines, after, [...(blank ? [] : ['']), ...texts, ...rest])
}

/** Adds lines at a place. */
export function insertAt(lines: Lines, at: number, texts: readonly string[]): Lines {
  return splice(lines, at, 0, texts.map(toBytes))
}

/** Gives a line another text. */
export function replaceEntry(lines: Lines, at: number, text: string): Lines {
  return splice(lines, at, 1, [toBytes(text)])
}

/** Takes a line out. */
export function removeEntry(lines: Lines, at: number): Lines {
  return splice(lines, at, 1, [])
}

/** Takes a section out: header, entries, and what PVE would drop with them. */
export function removeSection(lines: Lines, { header, end }: Section): Lines {
  return splice(lines, header, end - header, [])
}

/** The file with an empty section, unless it is there already. */
export function withSection(
  lines: Lines,
  file: FileKind,
  section: { readonly kind: SectionKind; readonly name?: string; readonly comment?: string },
): Lines {
  const { kind, name = '', comment = '' } = section
  const { sections } = parseFile(lines, file)
  if (sections.some((other) => other.kind === kind && other.name === name)) return lines
  const rank = (of: { kind: SectionKind; name: string }) => `${ORDER.indexOf(of.kind)} ${of.name}`
  const next = sections.find((other) => rank(other) > rank({ kind, name }))
  const at = next === undefined ? lines.length : commentsAbove(lines, next.header, previousEnd(sections, next))
  const gap = at > 0 && !isBlank(lines, at - 1) ? [''] : []
  return insertAt(lines, at, [...gap, headerText(kind, name, comment), '', ''])
}

/** The section of a file that is known to have it. */
export function sectionIn(lines: Lines, file: FileKind, kind: SectionKind, name = ''): Section {
  const section = sectionOf(parseFile(lines, file), kind, name)
  if (section === undefined) throw new Error(`no section ${headerText(kind, name)}`)
  return section
}

/** Comment lines that stand directly above a line belong to it; the first of them, not above `floor`. */
function commentsAbove(lines: Lines, at: number, floor: number): number {
  let first = at
  while (first > floor && trim(lines[first - 1]?.text ?? '').startsWith('#')) first -= 1
  return first
}

function previousEnd(sections: readonly Section[], next: Section): number {
  const before = sections[sections.indexOf(next) - 1]
  return before === undefined ? 0 : (before.entries.at(-1)?.at ?? before.header) + 1
}

function isBlank(lines: Lines, at: number): boolean {
  const line = lines[at]
  return line !== undefined && trim(line.text) === ''
}
