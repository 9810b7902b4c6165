/** Values with `!age` in the text of a YAML file: opened for people, closed again for the file. All else stays as it is. */
import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar, visit } from 'yaml'
import { ARMOR_BEGIN } from './age.ts'

/** What to do with the value of a tag: gives the new text of the value. */
export type Rewrite = (text: string, offset: number) => Promise<string>

/** How the new values stand in the file. */
export interface RewriteOptions {
  /** Keep `!age` in front of the values. */
  readonly tagged: boolean
}

interface Place {
  /** Of the tag. */
  readonly start: number
  /** Of the value behind it. */
  readonly from: number
  readonly to: number
  readonly inFlow: boolean
  readonly value: string
}

/** True for a value that is encrypted already. */
export function isSealed(text: string): boolean {
  return text.trimStart().startsWith(ARMOR_BEGIN)
}

/** Rewrites all values with `!age`. The text must be valid YAML. */
export async function rewriteValues(text: string, rewrite: Rewrite, { tagged }: RewriteOptions): Promise<string> {
  let result = ''
  let at = 0
  for (const place of placesOf(text)) {
    const value = await rewrite(place.value, place.from)
    result += text.slice(at, place.start) + (tagged ? '!age ' : '') + written(value, place, text)
    at = place.to
  }
  return result + text.slice(at)
}

function placesOf(text: string): readonly Place[] {
  const places: Place[] = []
  const document = parseDocument(text, {
    customTags: [{ tag: '!age', resolve: (value: string) => value }],
    merge: true,
  })
  visit(document, {
    Scalar: (_, node, path) => {
      const place = placeOf(node, path as readonly (Node | Pair)[], text)
      if (place !== undefined) places.push(place)
    },
  })
  return places
}

function placeOf(node: Scalar, ancestors: readonly (Node | Pair)[], text: string): Place | undefined {
  if (node.tag !== '!age' || node.range == null || !isScalar(node)) return undefined
  const [from, to] = node.range
  const tag = /!age\s*$/.exec(text.slice(0, from))
  if (tag === null) return undefined
  const inFlow = ancestors.some((each) => (isMap(each) || isSeq(each)) && each.flow === true)
  return { start: tag.index, from, to, inFlow, value: String(node.value) }
}

/** Several lines as a block where that can be, else in quotes. */
function written(value: string, { start, to, inFlow }: Place, text: string): string {
  const endsLine = text[to - 1] === '\n'
  const rest = endsLine ? '' : (text.slice(to).split('\n')[0] ?? '')
  const fits = /^[^\s][^\r]*$/.test(value) && value.includes('\n') && !hasControl(value)
  if (inFlow || !fits || rest.trim() !== '') return `${JSON.stringify(value)}${endsLine ? '\n' : ''}`
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const lead = /^ *(?:- +)*/.exec(text.slice(lineStart, start))?.[0].length ?? 0
  const indent = ' '.repeat(lead + 2)
  const body = value.replace(/\n+$/, '').split('\n')
  const chomp = value.endsWith('\n\n') ? '+' : value.endsWith('\n') ? '' : '-'
  const blank = value.endsWith('\n\n') ? '\n'.repeat((/\n+$/.exec(value)?.[0].length ?? 1) - 1) : ''
  const lines = body.map((line) => (line === '' ? '' : `${indent}${line}`)).join('\n')
  // At the end of a file without a last newline, a kept newline of the value has to stand in the file.
  const last = endsLine || (to === text.length && chomp !== '-')
  return `|${chomp}\n${lines}${blank}${last ? '\n' : ''}`
}

function hasControl(value: string): boolean {
  return [...value].some((char) => char < ' ' && char !== '\n' && char !== '\t')
}
