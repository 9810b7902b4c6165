/** What `pvectl tasks` says. */
import { PvectlError } from '../errors.ts'
import { suggestion } from '../suggest.ts'
import { findTaskType, taskTypes } from '../tasks/index.ts'
import { taskReference } from '../tasks/reference.ts'
import { taskListText, taskText } from './task-text.ts'

/** An answer for people and for programs. */
export interface Answer {
  readonly text: string
  readonly data: unknown
}

/** All task types. */
export function listTasks(): Answer {
  const data = taskTypes.map(({ name, summary }) => ({ name, summary }))
  return { text: `${taskListText(data)}\n\nMore about one: pvectl tasks ${data[0]?.name ?? 'TYPE'}`, data }
}

/** One task type. Throws USAGE for a name that is none. */
export function describeTask(name: string, columns = Math.min(process.stdout.columns || 100, 100)): Answer {
  const type = findTaskType(name)
  if (type === undefined) {
    const known = taskTypes.map((known) => known.name)
    throw new PvectlError('USAGE', `there is no task type \`${name}\``, { hint: suggestion(name, known, 'task types') })
  }
  const data = taskReference(type)
  return { text: taskText(data, columns), data }
}
