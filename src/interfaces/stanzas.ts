/**
 * interfaces(5) seen as stanzas over lines, by both of its readers. ifupdown2 ignores blank lines and comments, so a
 * stanza lasts until the next keyword. PVE ends it at the first blank or one-word line, takes `#` lines before that
 * for the comment of the interface, and what follows for unknown text (pve-common, PVE::Network::Interfaces).
 * An option that only ifupdown2 still counts in is called stray here.
 */
import { continues, type Lines, trim, words } from './lines.ts'
import { onceEach } from './once.ts'

/** Consecutive lines. */
export interface Span {
  /** Index of the first line. */
  readonly first: number
  /** Index after the last line. */
  readonly end: number
}

/** One option of a stanza; continuation lines are part of its span. */
export interface Option extends Span {
  /** As spelled. */
  readonly name: string
  /** All after the name, blanks at the ends removed; continuations joined. */
  readonly value: string
  /** PVE no longer counts it as part of the stanza. */
  readonly stray: boolean
}

/** A `#` line that PVE shows as comment of the interface. */
export interface Comment extends Span {
  /** After the `#`, as PVE reads it: blanks at the end removed. */
  readonly text: string
}

/** An `iface` line and what belongs to it. */
export interface Stanza extends Span {
  readonly kind: 'iface'
  readonly name: string
  /** `inet`, `inet6`; undefined where the line names none, which ifupdown2 allows. */
  readonly family: string | undefined
  readonly method: string | undefined
  /** The `iface` line itself. */
  readonly header: Span
  readonly options: readonly Option[]
  readonly comments: readonly Comment[]
  /** Index after the last line that PVE counts in. `end` is that of ifupdown2. */
  readonly pveEnd: number
}

/** `auto`, `allow-hotplug` and their like. */
export interface Allow extends Span {
  readonly kind: 'allow'
  readonly keyword: string
  readonly names: readonly string[]
}

/** Any other line at the top: `source`, `mapping`, options that belong to nothing, garbage. */
export interface Other extends Span {
  readonly kind: 'other'
  /** First word. */
  readonly keyword: string
}

/** What a file consists of, besides blank lines and comments. */
export type Block = Stanza | Allow | Other

interface Logical extends Span {
  readonly text: string
  /** PVE, which knows no continuation, would read all of it as comments and options. */
  readonly wholeInPve: boolean
}

/** Reads a file. Never fails: what is not understood is an {@link Other}. */
export const parseBlocks: (lines: Lines) => readonly Block[] = onceEach((lines) => {
  const logical = joinContinuations(lines)
  const blocks: Block[] = []
  for (let i = 0; i < logical.length; ) {
    const line = logical[i] as Logical
    const [keyword = '', ...rest] = words(line.text)
    if (keyword === 'iface' && rest.length > 0) {
      const { stanza, next } = readStanza(logical, i)
      blocks.push(stanza)
      i = next
      continue
    }
    if (isAllow(keyword)) blocks.push({ kind: 'allow', keyword, names: rest, ...spanOf(line) })
    else if (keyword !== '' && !keyword.startsWith('#')) blocks.push({ kind: 'other', keyword, ...spanOf(line) })
    i += 1
  }
  return blocks
})

/** All stanzas, optionally those of one name. */
export function stanzasOf(lines: Lines, name?: string): readonly Stanza[] {
  return parseBlocks(lines).filter(
    (block): block is Stanza => block.kind === 'iface' && (name === undefined || block.name === name),
  )
}

/** Options of these names, in any spelling (`bridge_ports` is `bridge-ports`). */
export function optionsNamed(stanza: Stanza, ...names: readonly string[]): readonly Option[] {
  return stanza.options.filter((option) => names.includes(normalName(option.name)))
}

/** Option names as ifupdown2 compares them. */
export function normalName(name: string): string {
  return name.replaceAll('_', '-')
}

/** ifupdown2 goes on after any backslash at the end of a line, comments included; PVE never does. */
function joinContinuations(lines: Lines): readonly Logical[] {
  const logical: Logical[] = []
  for (let i = 0; i < lines.length; ) {
    const first = i
    let text = lines[i]?.text ?? ''
    i += 1
    while (continues(text) && i < lines.length) {
      text = `${trim(trim(text).slice(0, -1))} ${trim(lines[i]?.text ?? '')}`
      i += 1
    }
    const physical = lines.slice(first, i).map((line) => words(line.text))
    // At the end of the file a backslash would swallow whatever is added after it, so nothing is.
    const dangling = continues(lines[i - 1]?.text)
    const wholeInPve = !dangling && physical.every(([word = '', ...rest]) => word.startsWith('#') || rest.length > 0)
    logical.push({ text, first, end: i, wholeInPve })
  }
  return logical
}

function readStanza(logical: readonly Logical[], at: number): { stanza: Stanza; next: number } {
  const header = logical[at] as Logical
  const [, name = '', family, method] = words(header.text)
  const options: Option[] = []
  const comments: Comment[] = []
  let pveEnd = header.end
  let inPve = true
  let next = at + 1
  for (; next < logical.length; next += 1) {
    const line = logical[next] as Logical
    const [word = '', ...rest] = words(line.text)
    if (isKeyword(word)) break
    const isComment = word.startsWith('#')
    inPve &&= line.wholeInPve
    if (inPve) pveEnd = line.end
    if (isComment && inPve) comments.push({ text: afterHash(line.text), ...spanOf(line) })
    else if (!isComment && rest.length > 0) options.push({ ...readOption(line), stray: !inPve })
  }
  const end = Math.max(pveEnd, options.at(-1)?.end ?? 0)
  const stanza: Stanza = {
    kind: 'iface',
    name,
    family,
    method,
    header: spanOf(header),
    options,
    comments,
    first: header.first,
    pveEnd,
    end,
  }
  return { stanza, next }
}

function readOption(line: Logical) {
  const text = trim(line.text)
  const name = words(text)[0] ?? ''
  return { name, value: trim(text.slice(name.length)), ...spanOf(line) }
}

function afterHash(text: string): string {
  const trimmed = text.replace(/[ \t\r\f\v]+$/, '')
  return trimmed.slice(trimmed.indexOf('#') + 1)
}

function spanOf({ first, end }: Span): Span {
  return { first, end }
}

function isAllow(word: string): boolean {
  return word === 'auto' || word.startsWith('allow-')
}

/** Keywords of PVE, ifupdown2 or ifupdown: each ends a stanza for at least one of them. */
export function isKeyword(word: string): boolean {
  return isAllow(word) || KEYWORDS.has(word)
}

const KEYWORDS = new Set([
  'iface',
  'mapping',
  'source',
  'source-directory',
  'vlan',
  'no-auto-down',
  'no-scripts',
  'rename',
])
