/** Puts entries into the text of a YAML file and leaves every other character of it as it is. */
import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  type Node,
  type Pair,
  stringify,
  visit,
  type YAMLMap,
} from 'yaml'
import { parseForSplice } from './document.ts'

/** How a new entry is written. */
export interface EntryStyle {
  /** On one line with braces: `node2: { address: 203.0.113.11 }`; inside of braces everything is. Default false. */
  readonly flow?: boolean
}

/** Why an entry has no place in the text: it would change what other places of the file refer to. */
export class SpliceProblem extends Error {}

/**
 * Adds `key` to the end of the mapping at `path`, and what is missing of that path as well. The text must be valid YAML
 * without that key. Throws {@link SpliceProblem} where an alias or a value that is no mapping is in the way.
 */
export function insertEntry(
  text: string,
  path: readonly string[],
  key: string,
  value: unknown,
  style: EntryStyle = {},
): string {
  const document = parseForSplice(text)
  const place = findMapping(document, path)
  const missing = path.slice(place.depth)
  const [first = key, ...inner] = [...missing, key]
  const nested = inner.reduceRight<unknown>((body, name) => ({ [name]: body }), value)
  const entry: Entry = {
    key: first,
    value: nested,
    flow: style.flow === true && missing.length === 0,
    inner: style,
    depth: missing.length,
  }
  const layout = { eol: text.includes('\r\n') ? '\r\n' : '\n', step: indentStep(document, text) }
  if (place.map === undefined) return intoNothing(text, place, entry, layout)
  return place.map.flow === true ? intoFlow(text, place.map, entry) : intoBlock(text, place.map, entry, layout)
}

/** Puts another scalar in place of the one at `path`. Throws {@link SpliceProblem} where there is none of its own. */
export function replaceScalar(text: string, path: readonly string[], value: string | number | boolean): string {
  const node = parseForSplice(text).getIn(path, true)
  if (!isScalar(node) || node.range == null || node.range[0] === node.range[1]) {
    throw new SpliceProblem(`${path.join('.')} is no plain value`)
  }
  if (node.tag?.startsWith('!') === true) throw new SpliceProblem(`${path.join('.')} has a tag`)
  const [from, to] = node.range
  const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'
  return `${text.slice(0, from)}${flowText(value)}${isBlock ? '\n' : ''}${text.slice(to)}`
}

interface Entry {
  readonly key: string
  readonly value: unknown
  readonly flow: boolean
  readonly inner: EntryStyle
  /** Keys between this one and the one that was asked for. */
  readonly depth: number
}

interface Layout {
  readonly eol: string
  /** Columns that one level is indented by. */
  readonly step: number
}

/** The mapping on the way that is there, or the key whose value is still empty. */
interface Place {
  /** Number of steps of the path that are there. */
  readonly depth: number
  readonly map: YAMLMap<Node, Node | null> | undefined
  /** Key that has no value yet; undefined for an empty document. */
  readonly pair: Pair<Node, Node | null> | undefined
  readonly inFlow: boolean
}

function findMapping(document: Document.Parsed, path: readonly string[]): Place {
  let node: Node | null = document.contents
  let pair: Pair<Node, Node | null> | undefined
  let inFlow = false
  for (let depth = 0; ; depth += 1) {
    const shown = path.slice(0, depth).join('.') || 'the file'
    if (isAlias(node)) throw new SpliceProblem(`${shown} is an alias (*${node.source})`)
    if (isEmptyNode(node)) return { depth, map: undefined, pair, inFlow }
    if (!isMap<Node, Node | null>(node)) throw new SpliceProblem(`${shown} is no mapping`)
    if (node.anchor !== undefined && isReferredTo(document, node.anchor)) {
      throw new SpliceProblem(`${shown} has an anchor (&${node.anchor}), so a change would show in other places`)
    }
    inFlow ||= node.flow === true
    const here: Place = { depth, map: node, pair, inFlow }
    const next: Pair<Node, Node | null> | undefined =
      depth === path.length
        ? undefined
        : node.items.find((each) => isScalar(each.key) && String(each.key.value) === path[depth])
    if (next === undefined) return here
    pair = next
    node = next.value
  }
}

function isReferredTo(document: Document.Parsed, anchor: string): boolean {
  let found = false
  visit(document, {
    Alias: (_, { source }) => {
      if (source === anchor) found = true
    },
  })
  return found
}

/** Below a key without a value, or into a file without content. */
function intoNothing(text: string, { pair, inFlow }: Place, entry: Entry, layout: Layout): string {
  if (pair === undefined) return splice(text, text.length, blockText(entry, 0, layout), layout)
  const end = keyEnd(text, pair)
  const value = pair.value
  const isWritten = value !== null && value.range != null && value.range[0] !== value.range[1]
  const rest = isWritten ? (value.range?.[1] ?? end) : end
  if (inFlow) return `${text.slice(0, end)} ${flowText({ [entry.key]: entry.value })}${text.slice(rest)}`
  const cleared = text.slice(0, end) + text.slice(rest)
  const column = columnOf(cleared, pair.key.range?.[0] ?? 0) + layout.step
  return splice(cleared, afterComments(cleared, end, column), blockText(entry, column, layout), layout)
}

function intoBlock(text: string, map: YAMLMap<Node, Node | null>, entry: Entry, layout: Layout): string {
  const [first] = map.items
  const last = map.items.at(-1)
  if (first === undefined || last === undefined) throw new SpliceProblem('a block mapping without entries')
  const column = columnOf(text, first.key.range?.[0] ?? 0)
  return splice(text, afterComments(text, pairEnd(last), column), blockText(entry, column, layout), layout)
}

function intoFlow(text: string, map: YAMLMap<Node, Node | null>, entry: Entry): string {
  const inner = flowText({ [entry.key]: entry.value }).slice(2, -2)
  const last = map.items.at(-1)
  if (last !== undefined) {
    const at = pairEnd(last)
    return `${text.slice(0, at)}, ${inner}${text.slice(at)}`
  }
  const close = (map.range?.[1] ?? 1) - 1
  const lead = /\s/.test(text[close - 1] ?? '') ? '' : ' '
  return `${text.slice(0, close)}${lead}${inner} ${text.slice(close)}`
}

/** Text on lines of its own. */
function splice(text: string, at: number, lines: string, { eol }: Layout): string {
  const before = text.slice(0, at)
  return `${before}${before === '' || before.endsWith('\n') ? '' : eol}${lines}${text.slice(at)}`
}

function blockText({ key, value, flow, inner, depth }: Entry, column: number, { eol, step }: Layout): string {
  const options = { indent: step, lineWidth: 0, nullStr: '', aliasDuplicateObjects: false }
  const body = flow
    ? `${flowText({ [key]: value }).slice(2, -2)}\n`
    : inner.flow === true
      ? stringify(withFlowBody({ [key]: value }, depth), options)
      : stringify({ [key]: value }, options)
  const lead = ' '.repeat(column)
  return body
    .split('\n')
    .map((line) => (line === '' ? '' : `${lead}${line}`))
    .join(eol)
}

/** The mapping `depth` keys below the first one on one line, those around it on several. */
function withFlowBody(data: unknown, depth: number): Document {
  const document = new Document(data, { aliasDuplicateObjects: false })
  let node: unknown = document.contents
  for (let level = 0; level <= depth && isMap<Node, Node | null>(node); level += 1) node = node.items[0]?.value
  if (isCollection(node)) node.flow = true
  return document
}

function flowText(data: unknown): string {
  const document = new Document(data, { aliasDuplicateObjects: false })
  if (isCollection(document.contents)) document.contents.flow = true
  return document.toString({ lineWidth: 0, nullStr: '' }).trimEnd()
}

/** The end of the line at `at`, or of the comments below it that are indented by `column` or more. */
function afterComments(text: string, at: number, column: number): number {
  let end = text[at - 1] === '\n' ? at : lineEnd(text, at)
  for (;;) {
    // Blank lines count only with a comment below them.
    const lead = /^(?:[ \t\r]*\n)*( *)#/.exec(text.slice(end))
    if (lead === null || (lead[1] ?? '').length < column) return end
    end = lineEnd(text, end + lead[0].length)
  }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end + 1
}

function pairEnd({ key, value }: Pair<Node, Node | null>): number {
  if (isEmptyNode(value) && (value?.range == null || value.range[0] === value.range[1])) return key.range?.[1] ?? 0
  return contentEnd(value) ?? key.range?.[1] ?? 0
}

/** Where what is written of a node ends, without comments after it. */
function contentEnd(node: Node | null): number | undefined {
  if (node === null) return undefined
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.at(-1)
    if (isMap(node) && last !== undefined) return pairEnd(last as Pair<Node, Node | null>)
    if (last !== undefined) return contentEnd(last as Node) ?? node.range?.[1]
  }
  return node.range?.[1]
}

/** Just behind the colon of a key. */
function keyEnd(text: string, { key }: Pair<Node, Node | null>): number {
  const end = key.range?.[1] ?? 0
  const colon = /^\s*:/.exec(text.slice(end))
  if (colon === null) throw new SpliceProblem(`${String(key)} has no colon`)
  return end + colon[0].length
}

function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1)
}

function isEmptyNode(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null && node.anchor === undefined)
}

/** Columns between a key and those below it, at the first place of the file that shows it; default 2. */
function indentStep(document: Document.Parsed, text: string): number {
  const search = (node: unknown): number | undefined => {
    if (!isMap<Node, Node | null>(node) || node.flow === true) return undefined
    for (const { key, value } of node.items) {
      if (!isMap<Node, Node | null>(value) || value.flow === true) continue
      const inner = value.items[0]?.key.range?.[0]
      if (inner !== undefined) return columnOf(text, inner) - columnOf(text, key.range?.[0] ?? 0)
    }
    return undefined
  }
  return search(document.contents) ?? 2
}
