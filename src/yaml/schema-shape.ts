/** Questions about a zod schema: which keys does it allow at a path, and what do they mean. */
import type { z } from 'zod'
import type { DataPath } from './document.ts'

type Schema = z.core.$ZodType
type AnyDef = z.core.$ZodTypeDef & {
  readonly shape?: Readonly<Record<string, Schema>>
  readonly element?: Schema
  readonly innerType?: Schema
  readonly in?: Schema
  readonly valueType?: Schema
  readonly items?: readonly Schema[]
  readonly options?: readonly Schema[]
  readonly left?: Schema
  readonly right?: Schema
  readonly getter?: () => Schema
}

/** Keys that a mapping at `path` may have; empty when it may have any, or none is a mapping. */
export function allowedKeys(schema: Schema, path: DataPath): readonly string[] {
  const shapes = schemasAt(schema, path).map(({ _zod }) => (_zod.def as AnyDef).shape ?? {})
  return [...new Set(shapes.flatMap((shape) => Object.keys(shape)))]
}

/** What `.describe()` says of the value at `path`. */
export function descriptionAt(schema: Schema, path: DataPath): string | undefined {
  return schemasAt(schema, path, true)
    .map((found) => (found as z.ZodType).description)
    .find((text) => text !== undefined)
}

/** All schemas that can apply at a path: unions fork, wrappers are opened unless `keepWrappers`. */
function schemasAt(schema: Schema, path: DataPath, keepWrappers = false): readonly Schema[] {
  const [step, ...rest] = path
  const opened = open(schema)
  if (step === undefined) return keepWrappers ? [schema, ...opened] : opened
  return opened.flatMap((one) => {
    const def = one._zod.def as AnyDef
    const next = def.shape?.[String(step)] ?? def.element ?? def.valueType ?? def.items?.[Number(step)]
    return next === undefined ? [] : schemasAt(next, rest, keepWrappers)
  })
}

function open(schema: Schema): readonly Schema[] {
  const def = schema._zod.def as AnyDef
  const inner = def.innerType ?? def.in ?? def.getter?.()
  if (inner !== undefined) return open(inner)
  if (def.options !== undefined) return def.options.flatMap(open)
  if (def.left !== undefined && def.right !== undefined) return [...open(def.left), ...open(def.right)]
  return [schema]
}
