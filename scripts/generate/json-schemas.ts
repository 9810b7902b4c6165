/** JSON Schemas for editors, made from what the loaders themselves check by. */
import { z } from 'zod'
import { inventorySchema } from '../../src/inventory/schema.ts'
import { importSchema, playSchema, taskKeywords } from '../../src/playbook/schema.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'

/** The parts of JSON Schema (draft 7) that are touched here. */
export interface JsonSchema {
  readonly $schema?: string
  readonly $ref?: string
  readonly $id?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly type?: string | readonly string[]
  readonly pattern?: string
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: boolean | JsonSchema
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly definitions?: Readonly<Record<string, JsonSchema>>
}

const DRAFT = 'http://json-schema.org/draft-07/schema#'
const TEMPLATE = { $ref: '#/definitions/template' } as const

/** Schema of inventory files. */
export function inventoryJsonSchema(): JsonSchema {
  return { $schema: DRAFT, title: 'Inventory of pvectl', ...toJson(inventorySchema) }
}

/** Schema of playbooks with these task types. */
export function playbookJsonSchema(registry: readonly TaskType[]): JsonSchema {
  const play = toJson(playSchema)
  const properties = { ...play.properties, tasks: { ...play.properties?.tasks, items: { $ref: '#/definitions/task' } } }
  return {
    $schema: DRAFT,
    title: 'Playbook of pvectl',
    type: 'array',
    items: { anyOf: [{ ...play, description: 'a play', properties }, toJson(importSchema)] },
    definitions: {
      template: {
        type: 'string',
        pattern: '<%',
        description: 'a template: "<%= vars.NAME %>" as the whole value keeps the type of the expression',
      },
      task: taskJsonSchema(registry),
    },
  }
}

function taskJsonSchema(registry: readonly TaskType[]): JsonSchema {
  const keywords = toJson(z.strictObject(taskKeywords))
  const types = Object.fromEntries(registry.map((type) => [type.name, paramsJsonSchema(type)]))
  return {
    ...keywords,
    description: 'a task: the key of one task type, with its parameters',
    properties: { ...types, ...keywords.properties },
    oneOf: registry.map(({ name }) => ({ type: 'object', properties: { [name]: {} }, required: [name] })),
  }
}

function paramsJsonSchema({ params, shorthand, summary }: TaskType): JsonSchema {
  const full = allowTemplates(toJson(params))
  const short = shorthand === undefined ? undefined : full.properties?.[shorthand]
  const empty: readonly JsonSchema[] = (full.required ?? []).length === 0 ? [{ type: 'null' }] : []
  const written = [full, ...(short === undefined ? [] : [short]), ...empty]
  return { description: summary, anyOf: [...written, TEMPLATE] }
}

/** Lets a template stand wherever a value of a certain type is asked for, at any depth. */
function allowTemplates(schema: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, anyOf, oneOf, allOf } = schema
  const each = (list: readonly JsonSchema[]) => list.map(allowTemplates)
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: mapValues(properties, orTemplate) }),
    ...(items === undefined ? {} : { items: orTemplate(items) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: orTemplate(additionalProperties) } : {}),
    ...(anyOf === undefined ? {} : { anyOf: each(anyOf) }),
    ...(oneOf === undefined ? {} : { oneOf: each(oneOf) }),
    ...(allOf === undefined ? {} : { allOf: each(allOf) }),
  }
}

function orTemplate(schema: JsonSchema): JsonSchema {
  const { description, default: fallback, ...shape } = schema
  const isAnything = Object.keys(shape).length === 0
  const isAnyText = shape.type === 'string' && Object.keys(shape).length === 1
  if (isAnything || isAnyText) return schema
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [...alternatives(allowTemplates(shape)), TEMPLATE],
  }
}

/** The members of a bare `anyOf`, nested ones included; anything else is the only one. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const isBare = schema.anyOf !== undefined && Object.keys(schema).length === 1
  return isBare ? (schema.anyOf ?? []).flatMap(alternatives) : [schema]
}

function toJson(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
  return withoutNoise(json) as JsonSchema
}

/** Leaves out what says nothing to an author: that keys are text, and bounds of what JavaScript can count to. */
function withoutNoise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNoise)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(
    ([key, entry]) =>
      Math.abs(Number(entry)) !== Number.MAX_SAFE_INTEGER &&
      !(key === 'propertyNames' && JSON.stringify(entry) === '{"type":"string"}'),
  )
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutNoise(entry)]))
}

function mapValues(
  record: Readonly<Record<string, JsonSchema>>,
  map: (schema: JsonSchema) => JsonSchema,
): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
