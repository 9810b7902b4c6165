/** A parsed YAML file that still knows where everything stood. */
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  parseDocument,
  type ScalarTag,
  visit,
} from 'yaml'
import { type ErrorCode, type Location, type Problem, PvectlError } from '../errors.ts'
import { Sealed } from '../secrets/sealed.ts'
import { syntaxProblem } from './syntax.ts'
import { unusable } from './unusable.ts'

/** Where in the data: keys and list indices from the root. */
export type DataPath = readonly PropertyKey[]

/** Data of a YAML file with positions. */
export class YamlDocument {
  /** As shown in messages. */
  readonly file: string
  /** Plain data: objects, lists and scalars; and {@link Sealed} values. */
  readonly value: unknown
  readonly #root: Document.Parsed
  readonly #lines: LineCounter

  constructor(file: string, root: Document.Parsed, lines: LineCounter) {
    this.file = file
    this.#root = root
    this.#lines = lines
    this.#seal()
    this.value = root.toJS()
  }

  /** Place of a value; of its nearest ancestor that is in the file when the path goes beyond it. */
  locate(path: DataPath): Location {
    return this.#find(path, 'value')
  }

  /** Place of the key that introduces a value; for a list item the place of the item. */
  locateKey(path: DataPath): Location {
    return this.#find(path, 'key')
  }

  /** Place of a line within a scalar; differs from {@link locate} for block scalars (`|` and `>`). */
  locateLine(path: DataPath, line: number): Location {
    const { node } = this.#descend(path)
    const start = this.locate(path)
    const isBlock = isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
    if (!isBlock || start.line === undefined) return start
    return { file: this.file, line: start.line + line }
  }

  /** Turns values with the tag `!age` into {@link Sealed} ones that know their place. */
  #seal(): void {
    visit(this.#root, {
      Scalar: (_, node) => {
        if (node.tag !== AGE_TAG.tag || node.value instanceof Sealed) return
        node.value = new Sealed(String(node.value), this.#place(node.range?.[0] ?? 0))
      },
    })
  }

  #find(path: DataPath, part: 'key' | 'value'): Location {
    const { node, pair } = this.#descend(path)
    const key = pair?.key as Node | undefined
    const shown = part === 'key' || node?.range == null || isEmpty(node) ? (key ?? node) : node
    return this.#place(shown?.range?.[0] ?? this.#root.range[0])
  }

  #place(offset: number): Location {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) }
  }

  #descend(path: DataPath): { node: Node | null | undefined; pair: Pair | undefined } {
    let node: Node | null | undefined = this.#root.contents
    let pair: Pair | undefined
    for (const step of path) {
      const next = this.#step(node, step)
      if (next === undefined) break
      pair = isPair(next) ? next : undefined
      node = (isPair(next) ? next.value : next) as Node | null
    }
    return { node, pair }
  }

  #step(from: Node | null | undefined, step: PropertyKey): Node | Pair | undefined {
    const node = isAlias(from) ? from.resolve(this.#root) : from
    if (isSeq(node)) return node.items[Number(step)] as Node | undefined
    if (!isMap(node)) return undefined
    const own = node.items.find((pair) => keyText(pair) === String(step))
    if (own !== undefined) return own
    for (const merge of node.items.filter((pair) => keyText(pair) === '<<')) {
      const found = this.#step(merge.value as Node, step)
      if (found !== undefined) return found
    }
    return undefined
  }
}

/** Tag of an encrypted value: `!age |` and an armored age file below. */
const AGE_TAG: ScalarTag = { tag: '!age', resolve: (text) => text }

const OPTIONS = { prettyErrors: true, merge: true, version: '1.2' } as const

/** Parses YAML 1.2 text; throws a PvectlError of `code` that lists every syntax error with place and excerpt. */
export function parseYaml(text: string, file: string, code: ErrorCode): YamlDocument {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { ...OPTIONS, customTags: [AGE_TAG], lineCounter: lines })
  const [root] = documents as Document.Parsed[]
  if (root === undefined) return parseYaml('null\n', file, code)
  const problems: Problem[] = documents.flatMap((document) =>
    [...document.errors, ...document.warnings].map((error) => syntaxProblem(error, text, file)),
  )
  const [, second] = documents as Document.Parsed[]
  if (second !== undefined && problems.length === 0) {
    const { line, col } = lines.linePos(second.range[0])
    problems.push({
      message: 'more than one YAML document in a file',
      hint: 'a line `---` begins a new document; keep one a file',
      location: { file, line, column: col },
    })
  }
  if (problems.length === 0) problems.push(...unusable(root, lines, file))
  if (problems.length > 0) throw PvectlError.of(code, problems)
  return toDocument(root, lines, file, code)
}

/** The nodes of a text that {@link parseYaml} has accepted, with ranges, for edits of the text itself. */
export function parseForSplice(text: string): Document.Parsed {
  return parseDocument(text, { ...OPTIONS, customTags: [AGE_TAG] })
}

/** Turning nodes into data can still fail: aliases of aliases that come to more than any machine could hold. */
function toDocument(root: Document.Parsed, lines: LineCounter, file: string, code: ErrorCode): YamlDocument {
  try {
    return new YamlDocument(file, root, lines)
  } catch (error) {
    throw new PvectlError(code, `not usable YAML: ${(error as Error).message}`, { location: { file } })
  }
}

function keyText(pair: Pair): string {
  if (!isScalar(pair.key)) return String(pair.key)
  // The parser turns the key of a merge into a symbol.
  return typeof pair.key.value === 'symbol' ? '<<' : String(pair.key.value)
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.range != null && node.range[0] === node.range[1]
}
