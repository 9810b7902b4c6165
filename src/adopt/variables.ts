/** Which values go into variables of the host, and which stand in the playbook. */
import { isDeepStrictEqual } from 'node:util'
import { type ParamValue, type TaskDraft, Variable } from './adopter.ts'
import { plainValue } from './expand.ts'

/** Variables of the host by name, as the playbook may use them. */
export interface HostVariables {
  /** To be written. */
  readonly fresh: ReadonlyMap<string, unknown>
  /** All that tasks may refer to: fresh ones, and those that the inventory has with the same value. */
  readonly usable: ReadonlySet<string>
}

/** Decides for the tasks in order; of two values for one name the first wins, and the inventory before both. */
export function hostVariables(tasks: readonly TaskDraft[], known: Readonly<Record<string, unknown>>): HostVariables {
  const fresh = new Map<string, unknown>()
  const usable = new Set<string>()
  for (const { name, value } of tasks.flatMap(({ params }) => variablesIn(params))) {
    const plain = plainValue(value)
    if (Object.hasOwn(known, name)) {
      if (isDeepStrictEqual(known[name], plain)) usable.add(name)
    } else if (!fresh.has(name)) {
      fresh.set(name, plain)
      usable.add(name)
    }
  }
  return { fresh, usable }
}

/** Parameters as they are written: templates in place of variables. `values`: what each variable comes to. */
export function writtenValue(
  value: ParamValue | undefined,
  usable: ReadonlySet<string>,
  values: Readonly<Record<string, unknown>>,
): unknown {
  if (value instanceof Variable) {
    const isSame = usable.has(value.name) && isDeepStrictEqual(values[value.name], plainValue(value.value))
    return isSame ? `<%= vars.${value.name} %>` : writtenValue(value.value, usable, values)
  }
  if (typeof value === 'string') return value.replaceAll('<%', '<%%')
  if (Array.isArray(value)) return (value as readonly ParamValue[]).map((each) => writtenValue(each, usable, values))
  if (typeof value !== 'object') return value
  const entries = Object.entries(value as Readonly<Record<string, ParamValue | undefined>>)
  return Object.fromEntries(
    entries.filter(([, each]) => each !== undefined).map(([key, each]) => [key, writtenValue(each, usable, values)]),
  )
}

function variablesIn(value: ParamValue | undefined): readonly Variable[] {
  if (value instanceof Variable) return [value]
  if (typeof value !== 'object') return []
  return Object.values(value as Readonly<Record<string, ParamValue | undefined>>).flatMap(variablesIn)
}
