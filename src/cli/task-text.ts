/** Task types as text for the terminal. */
import type { ParamReference, TaskReference } from '../tasks/reference.ts'

/** One line a type. */
export function taskListText(types: readonly Pick<TaskReference, 'name' | 'summary'>[]): string {
  const width = Math.max(...types.map(({ name }) => name.length))
  return types.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`).join('\n')
}

/** All about one type, wrapped to `columns`. */
export function taskText(type: TaskReference, columns: number): string {
  const shorthand =
    type.shorthand === undefined ? [] : ['', `A bare value stands for \`${type.shorthand}\`: \`${type.name}: …\`.`]
  return [
    `${type.name}: ${type.summary}`,
    ...shorthand,
    '',
    'PARAMETERS',
    ...type.params.flatMap((param) => paramLines(param, columns)),
    '',
    'EXAMPLE',
    ...type.example
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ].join('\n')
}

function paramLines({ name, type, required, default: preset, description }: ParamReference, columns: number): string[] {
  const isEmpty = preset === undefined || JSON.stringify(preset) === '[]' || JSON.stringify(preset) === '{}'
  const note = required ? ', required' : isEmpty ? '' : `, default ${JSON.stringify(preset)}`
  return [`  ${name}  (${type}${note})`, ...wrap(description, columns - 6).map((line) => `      ${line}`)]
}

/** Breaks text between words. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
