/** Reads one task: what is common to all, and which type it is of. */
import type { Problem } from '../errors.ts'
import { sealedIn } from '../secrets/sealed.ts'
import { nearest, suggestion } from '../suggest.ts'
import type { TaskType } from '../tasks/task-type.ts'
import type { DataPath, YamlDocument } from '../yaml/document.ts'
import { explainIssues } from '../yaml/explain.ts'
import { allowedKeys } from '../yaml/schema-shape.ts'
import { isMapping, valueText } from '../yaml/words.ts'
import { moduleHint, taskKeyHint } from './ansible.ts'
import type { Condition, PlayTask } from './play.ts'
import type { ProblemList } from './problems.ts'
import { tagList, taskKeywords, taskSchema } from './schema.ts'

/** Where the task stands. */
export interface TaskPlace {
  readonly id: string
  readonly path: DataPath
  readonly playTags: readonly string[]
}

/** What reading a task needs. */
export interface TaskContext {
  readonly document: YamlDocument
  readonly registry: readonly TaskType[]
  readonly problems: ProblemList
}

const KEYWORDS = Object.keys(taskKeywords)

/** Reads a task; undefined when it has problems, which go to the list. */
export function parseTask(raw: unknown, place: TaskPlace, context: TaskContext): PlayTask | undefined {
  const { document, problems } = context
  const location = document.locate(place.path)
  if (!isMapping(raw)) {
    const known = typeof raw === 'string' && context.registry.some(({ name }) => name === raw)
    const hint = known ? `write \`${String(raw)}: {…}\`` : 'write it as `- TYPE: {…}`'
    problems.add({ message: `a task must be a mapping, not ${valueText(raw)}`, hint, location })
    return undefined
  }
  const sealed = sealedIn(raw)
  for (const value of sealed) {
    const hint = 'make it a variable of the inventory or the play, and write "<%= vars.NAME %>" here'
    problems.add({ message: 'an encrypted value cannot stand in a task', hint, location: value.location })
  }
  if (sealed.length > 0) return undefined
  const result = taskSchema.safeParse(raw)
  if (!result.success) {
    for (const { path, message, hint } of explainIssues(result.error.issues, {
      schema: taskSchema,
      input: raw,
      subject: 'task',
    })) {
      problems.add({
        message,
        location: document.locate([...place.path, ...path]),
        ...(hint === undefined ? {} : { hint }),
      })
    }
  }
  const type = typeOf(raw, place, context)
  if (type === undefined || !result.success) return undefined
  const { name, tags, when, loop } = result.data
  return {
    id: place.id,
    name,
    type,
    params: raw[type.name],
    tags: [...new Set([...place.playTags, ...tagList(tags)])],
    when: conditions(when, [...place.path, 'when']),
    loop,
    path: place.path,
    location,
  }
}

function conditions(when: unknown, path: DataPath): readonly Condition[] {
  if (when === undefined) return []
  if (!Array.isArray(when)) return [{ value: when as string | boolean, path }]
  return when.map((value: string | boolean, index) => ({ value, path: [...path, index] }))
}

/** The one task type that the keys of a task name. */
function typeOf(raw: Readonly<Record<string, unknown>>, place: TaskPlace, context: TaskContext): TaskType | undefined {
  const { document, problems, registry } = context
  const keys = Object.keys(raw).filter((key) => !KEYWORDS.includes(key))
  const types = keys.flatMap((key) => registry.find(({ name }) => name === key) ?? [])
  const strange = keys.filter((key) => !types.some(({ name }) => name === key))
  const add = (problem: Problem, key?: string) =>
    problems.add({
      ...problem,
      location: key === undefined ? document.locate(place.path) : document.locateKey([...place.path, key]),
    })
  for (const key of strange) add(strangeKey(key, registry, types[0]), key)
  const [type, second] = types
  if (type === undefined && strange.length === 0) {
    add({ message: 'the task does nothing: it names no task type', hint: typeHint('', registry) })
  }
  if (type !== undefined && second !== undefined) {
    add(
      { message: `a task does one thing, but this one names ${types.map(({ name }) => `\`${name}\``).join(' and ')}` },
      second.name,
    )
    return undefined
  }
  return strange.length === 0 ? type : undefined
}

/** A key that is neither a keyword nor a task type: which of the two was meant depends on whether there is a type. */
function strangeKey(key: string, registry: readonly TaskType[], type: TaskType | undefined): Problem {
  const names = registry.map(({ name }) => name)
  const ansible = taskKeyHint(key) ?? moduleHint(key, names)
  const message = `unknown key \`${key}\` of a task`
  if (type !== undefined && allowedKeys(type.params, []).includes(key)) {
    return { message, hint: `it is a parameter of \`${type.name}\`; indent it below that` }
  }
  const isKeyword = nearest(key, names) === undefined && nearest(key, KEYWORDS) !== undefined
  if (type !== undefined || isKeyword) {
    return { message, hint: ansible ?? suggestion(key, KEYWORDS, 'beside its type, a task may have') }
  }
  if (taskKeyHint(key) !== undefined) return { message, hint: taskKeyHint(key) ?? '' }
  return { message: `unknown task type \`${key}\``, hint: ansible ?? typeHint(key, registry) }
}

function typeHint(key: string, registry: readonly TaskType[]): string {
  const hint = suggestion(
    key,
    registry.map(({ name }) => name),
    'task types',
    40,
  )
  return hint.startsWith('did') ? hint : `${hint} (pvectl tasks)`
}
