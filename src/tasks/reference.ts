/** What there is to know about a task type, as data: for `pvectl tasks` and the written reference. */
import { z } from 'zod'
import type { TaskType } from './task-type.ts'

/** One parameter. Those of nested mappings and lists have paths such as `ranges[].start`. */
export interface ParamReference {
  readonly name: string
  /** In words: `text`, `list of numbers`, `present | absent`. */
  readonly type: string
  readonly required: boolean
  /** Undefined when there is none, or when the description says what it depends on. */
  readonly default?: unknown
  readonly description: string
}

/** One task type. */
export interface TaskReference {
  readonly name: string
  readonly summary: string
  /** Parameter that a bare value stands for. */
  readonly shorthand?: string
  readonly params: readonly ParamReference[]
  readonly example: string
}

/** The part of JSON Schema that zod's parameters come to. */
interface Shape {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly additionalProperties?: boolean | Shape
}

/** Reads a task type's parameters out of its schema. */
export function taskReference({ name, summary, shorthand, params, example }: TaskType): TaskReference {
  const shape = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as Shape
  return { name, summary, ...(shorthand === undefined ? {} : { shorthand }), params: paramsOf(shape, ''), example }
}

function paramsOf({ properties = {}, required = [] }: Shape, prefix: string): ParamReference[] {
  return Object.entries(properties).flatMap(([key, shape]) => {
    const name = `${prefix}${key}`
    const own: ParamReference = {
      name,
      type: typeText(shape),
      required: required.includes(key),
      ...(shape.default === undefined ? {} : { default: shape.default }),
      description: shape.description ?? '',
    }
    return [own, ...paramsOf(shape, `${name}.`), ...paramsOf(shape.items ?? {}, `${name}[].`)]
  })
}

const PLURALS: Readonly<Record<string, string>> = {
  text: 'texts',
  number: 'numbers',
  'whole number': 'whole numbers',
  mapping: 'mappings',
  'any value': 'any values',
}
const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: 'true | false',
  object: 'mapping',
}

function typeText(shape: Shape): string {
  if (shape.enum !== undefined) return shape.enum.map(String).join(' | ')
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  const choices = shape.anyOf ?? shape.oneOf
  if (choices !== undefined) return [...new Set(choices.map(typeText))].join(' or ')
  if (shape.type === 'array') return `list of ${plural(typeText(shape.items ?? {}))}`
  if (shape.type === 'object' && typeof shape.additionalProperties === 'object') {
    return `mapping of names to ${plural(typeText(shape.additionalProperties))}`
  }
  const types = shape.type === undefined ? [] : [shape.type].flat()
  return types.length === 0 ? 'any value' : types.map((type) => WORDS[type] ?? type).join(' or ')
}

function plural(type: string): string {
  return type
    .split(' or ')
    .map((one) => PLURALS[one] ?? one)
    .join(' or ')
}
