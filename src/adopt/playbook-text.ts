/** The text of the playbook and of the variables that describe a node. */
import { stringify } from 'yaml'
import type { LeftOver, TaskDraft } from './adopter.ts'
import type { Choice, Suggestion } from './choose.ts'
import { type HostVariables, writtenValue } from './variables.ts'

/** A heading with what stands below it. */
export interface Section extends Choice {
  readonly title: string
}

/** What a playbook is made of. */
export interface PlaybookParts {
  readonly host: string
  /** Day of the adoption, `2026-11-21`. */
  readonly day: string
  readonly sections: readonly Section[]
  readonly variables: HostVariables
  /** Variables of the inventory and fresh ones together. */
  readonly values: Readonly<Record<string, unknown>>
  /** Put the fresh variables into the play, instead of a file of the inventory. */
  readonly ownVars: boolean
}

/** The playbook: what describes the node as it is, suggestions commented out, and what is not described. */
export function playbookText(parts: PlaybookParts): string {
  const { host, day, sections, variables, ownVars } = parts
  const busy = sections.filter(({ tasks, suggestions }) => tasks.length + suggestions.length > 0)
  const vars =
    ownVars && variables.fresh.size > 0
      ? `  vars:\n${indented(stringify(Object.fromEntries(variables.fresh), STYLE), 4)}`
      : ''
  const head = `# ${host} as it was on ${day}, written by \`pvectl adopt\`. \`pvectl check\` finds nothing to change until one of the two changes.
- name: ${stringify(`${host} as it is`).trim()}
  hosts: ${stringify(host).trim()}
${vars}`
  const isEmpty = busy.every(({ tasks }) => tasks.length === 0)
  const tasks = `  tasks:${isEmpty ? ' []' : ''}\n${busy.map((section) => sectionText(section, parts)).join('\n')}`
  return `${head}${tasks}${leftOversText(sections.flatMap(({ leftOvers }) => leftOvers))}`
}

/** The file of variables; undefined when there are none. */
export function variablesText({ fresh }: HostVariables, host: string): string | undefined {
  if (fresh.size === 0) return undefined
  return `# Written by \`pvectl adopt ${host}\`.\n${stringify(Object.fromEntries(fresh), STYLE)}`
}

const STYLE = { lineWidth: 0, aliasDuplicateObjects: false } as const

function sectionText({ title, tasks, suggestions }: Section, parts: PlaybookParts): string {
  const texts = [
    ...tasks.map((task) => taskText(task, parts)),
    ...suggestions.map((each) => suggestionText(each, parts)),
  ]
  return `    # --- ${title}\n${texts.join('\n')}`
}

function taskText({ name, type, params }: TaskDraft, { variables, values }: PlaybookParts): string {
  const written = writtenValue(params, variables.usable, values)
  const body = stringify([{ name: name.replaceAll('<%', '<%%'), [type]: written }], STYLE)
  return indented(body, 4)
}

function suggestionText({ tasks, why }: Suggestion, parts: PlaybookParts): string {
  const plain = { ...parts, variables: { fresh: new Map(), usable: new Set<string>() } }
  const lines = [
    `pvectl could take this over, and would change then: ${oneLine(why)}`,
    ...tasks.flatMap((task) => taskText(task, plain).trimEnd().split('\n')),
  ]
  return `${lines.map((line) => `    # ${line.replace(/^ {4}/, '')}`).join('\n')}\n`
}

function leftOversText(leftOvers: readonly LeftOver[]): string {
  if (leftOvers.length === 0) return ''
  const lines = leftOvers.map(({ what, why }) => `# - ${oneLine(what)}: ${oneLine(why)}`)
  return `\n# Not adopted, and left as it is on the node:\n${lines.join('\n')}\n`
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ')
}

function indented(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(columns)}${line}`))
    .join('\n')
}
