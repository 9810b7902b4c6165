/** Hides secrets in data and errors. */
import { PvectlError } from '../errors.ts'
import type { Mask } from './mask.ts'

/** How to treat the text at a key; undefined: like any other. */
export type MaskKey = (key: string, text: string) => string | undefined

/** Plain data with secrets hidden in all texts, at any depth; keys stay as they are. */
export function maskData<Data>(data: Data, mask: Mask, special?: MaskKey): Data {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return special?.(key, value) ?? mask(value)
    if (Array.isArray(value)) return value.map((item) => walk(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner, name)]))
  }
  return walk(data, '') as Data
}

/** An error with secrets hidden: a new one where it is a PvectlError, else the same with another text. */
export function maskError(error: unknown, mask: Mask): unknown {
  if (error instanceof PvectlError) return PvectlError.of(error.code, maskData(error.problems, mask))
  if (error instanceof Error) {
    error.message = mask(error.message)
    if (error.stack !== undefined) error.stack = mask(error.stack)
  }
  return error
}
