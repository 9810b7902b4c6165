/** The text of the playbook and of the variables that describe a node. */
import { Document, stringify, visit } from 'yaml'
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

/** What belongs to the cluster and its guests rather than to the system of the node. */
export const NOT_LOOKED_AT = 'guests and their firewall, storage, the cluster, passwords'

const STYLE = { lineWidth: 0 } as const

function sectionText({ title, tasks, suggestions }: Section, parts: PlaybookParts): string {
  const texts = [
    ...tasks.map((task) => taskText(task, parts)),
    ...suggestions.map((each) => suggestionText(each, parts)),
  ]
  return `    # --- ${title}\n${texts.join('\n')}`
}

function taskText({ name, type, params }: TaskDraft, { variables, values }: PlaybookParts): string {
  const written = writtenValue(params, variables.usable, values)
  const document = new Document([{ name: name.replaceAll('<%', '<%%'), [type]: written }], {
    aliasDuplicateObjects: false,
  })
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && node.value.startsWith('<%=')) node.type = 'QUOTE_DOUBLE'
    },
  })
  return indented(document.toString(STYLE), 4)
}

function suggestionText({ tasks, why }: Suggestion, parts: PlaybookParts): string {
  const plain = { ...parts, variables: { fresh: new Map(), usable: new Set<string>() } }
  const lines = [
    '# pvectl could take this over. It would then:',
    ...why.map((reason) => `#   ${oneLine(reason)}`),
    ...tasks.flatMap((task) => taskText(task, plain).trimEnd().split('\n')).map((line) => line.replace(/^ {4}/, '')),
  ]
  return `${lines.map((line) => `    # ${line}`).join('\n')}\n`
}

function leftOversText(leftOvers: readonly LeftOver[]): string {
  const lines = leftOvers.map(({ what, why }) => `# - ${oneLine(what)}: ${oneLine(why)}\n`)
  const list = lines.length === 0 ? '' : `\n# Not adopted, and left as it is on the node:\n${lines.join('')}`
  return `${list}\n# Not looked at: ${NOT_LOOKED_AT}.\n`
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
