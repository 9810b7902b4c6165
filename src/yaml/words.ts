/** Words for data in messages: paths and values as the author of a YAML file sees them. */
import type { DataPath } from './document.ts'

/** `ranges[0].start`; empty for the root. */
export function pathText(path: DataPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? String(step) : `${text}.${String(step)}`
  }, '')
}

/** A value, short and on one line: `"abc"`, `7`, `a list`. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return isMapping(value) ? 'a mapping' : 'a secret'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** The value at a path of plain data; undefined where the path leads nowhere. */
export function valueAt(root: unknown, path: DataPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    return (value as Record<PropertyKey, unknown>)[step]
  }, root)
}

/** True for a mapping of YAML: an object that is no list and of no class. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
