/** The written reference of task types, made from the same data as `pvectl tasks TYPE`. */
import { type ParamReference, type TaskReference, taskReference } from '../../src/tasks/reference.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'

const INTRO = `<!-- Written by \`npm run generate\` from the task types in src/tasks. Changes made here will be overwritten. -->

# Task types

What a task of a [playbook](playbooks.md) can ask for. \`pvectl tasks\` prints this list, and \`pvectl tasks TYPE\` one of
the types below. Besides its parameters every task takes \`name\`, \`when\`, \`loop\` and \`tags\`.

\`a.b\` is the parameter \`b\` in the mapping \`a\`; \`a[].b\` is the parameter \`b\` of each entry of the list \`a\`. A parameter
that is marked as required below an optional one is required when the optional one is there.`

/** docs/tasks.md for these task types. */
export function taskReferenceMarkdown(registry: readonly TaskType[]): string {
  const types = registry.map(taskReference)
  const index = types.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${cell(summary)} |`)
  return [INTRO, ['| type | what it is |', '|---|---|', ...index].join('\n'), ...types.map(section)]
    .join('\n\n')
    .concat('\n')
}

function section({ name, summary, shorthand, params, example }: TaskReference): string {
  const short = shorthand === undefined ? [] : [`A bare value stands for \`${shorthand}\`: \`${name}: …\`.`]
  const table = ['| parameter | type | default | meaning |', '|---|---|---|---|', ...params.map(row)].join('\n')
  return [`## ${name}`, sentence(summary), ...short, table, `\`\`\`yaml\n${example.trimEnd()}\n\`\`\``].join('\n\n')
}

function row(param: ParamReference): string {
  return `| \`${param.name}\` | ${cell(param.type)} | ${preset(param)} | ${cell(param.description)} |`
}

function preset({ required, default: value }: ParamReference): string {
  if (required) return '**required**'
  const text = JSON.stringify(value)
  return text === undefined || text === '[]' || text === '{}' ? '' : `\`${text.replaceAll('|', '\\|')}\``
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`
}

/** Text in a table: a bar would end the cell, `<x>` would be HTML, and `*x*` emphasis; code spans stay as they are. */
function cell(text: string): string {
  const parts = text.replaceAll('|', '\\|').split(/(`[^`]*`)/)
  return parts.map((part, i) => (i % 2 === 1 ? part : part.replace(/[<*_]/g, '\\$&'))).join('')
}
