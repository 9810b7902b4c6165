/** What tasks are called on screen. */
import type { TaskType } from '../tasks/task-type.ts'
import type { Scope } from '../templates/scope.ts'
import type { ValueFailure } from '../templates/value.ts'
import { isMapping } from '../yaml/words.ts'
import type { CompiledTask } from './compile-play.ts'
import { shapeParams } from './params.ts'

/** Scope of a task, or of one turn of its loop with what tells that from others. */
export interface TitleTurn {
  readonly scope: Scope
  readonly suffix: string
}

/** A title, not usable when there are failures. */
export interface RenderedTitle {
  readonly value: string
  readonly failures: readonly ValueFailure[]
}

/** The `name:` of the task, else its type and main parameter; and the item, unless the name says it. */
export function taskTitle({ name, task }: CompiledTask, { scope, suffix }: TitleTurn, input: unknown): RenderedTitle {
  if (name === undefined) return { value: describeTask(task.type, input) + suffix, failures: [] }
  const { value, failures } = name.render(scope.locals)
  const saysItem = /<%[^%]*\b(item|loop_index)\b/.test(task.name ?? '')
  return { value: `${String(value)}${saysItem ? '' : suffix}`, failures }
}

/** Title of a task that is skipped. It may lack what name and parameters need, so neither is insisted on. */
export function skippedTitle(compiled: CompiledTask, turn: TitleTurn): string {
  const { type, params } = compiled.task
  const known = withoutTemplates(shapeParams(type, params).input)
  const title = taskTitle(compiled, turn, known)
  return title.failures.length === 0 ? title.value : describeTask(type, known) + turn.suffix
}

const NAMING = ['name', 'path', 'interface', 'port', 'address', 'title']

/** A task by its type and main parameter: `bridge vmbr1`. */
export function describeTask(type: TaskType, input: unknown): string {
  if (!isMapping(input)) return type.name
  const keys = [...(type.shorthand === undefined ? [] : [type.shorthand]), ...NAMING, ...Object.keys(input)]
  const main = keys.map((key) => scalarText(input[key])).find((text) => text !== undefined)
  return main === undefined ? type.name : `${type.name} ${main}`
}

/** What tells an item of a loop from others; undefined when it holds nothing short. */
export function itemText(item: unknown): string | undefined {
  if (!isMapping(item)) return scalarText(item)
  return (
    scalarText(item.name) ??
    Object.values(item)
      .map(scalarText)
      .find((text) => text !== undefined)
  )
}

/** A scalar or a list of scalars, short and on one line. */
function scalarText(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const parts = value.map(scalarText)
    return parts.length > 0 && parts.every((part) => part !== undefined) ? shorten(parts.join(', ')) : undefined
  }
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return value === '' ? undefined : shorten(String(value).split('\n')[0] ?? '')
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

function withoutTemplates(input: unknown): unknown {
  if (!isMapping(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => !JSON.stringify(value ?? null).includes('<%')))
}
