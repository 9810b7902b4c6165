/** What `adopt` does: read a node, choose tasks that describe it, prove them against what was read, write them down. */
import path from 'node:path'
import type { AdoptView } from '../adopt/adopter.ts'
import { Chooser, expandFindings, factsOf } from '../adopt/choose.ts'
import { hostVarsFile } from '../adopt/host-vars-file.ts'
import { adopters } from '../adopt/index.ts'
import { assertNew, type OutputFile, writeFiles } from '../adopt/output.ts'
import { playbookText, type Section, variablesText } from '../adopt/playbook-text.ts'
import { settle } from '../adopt/settle.ts'
import type { Connection } from '../connection/connection.ts'
import { groupFacts, observe } from '../engine/observe.ts'
import type { FactRef } from '../facts/fact.ts'
import type { Host } from '../inventory/host.ts'
import { locateInventory } from '../inventory/locate.ts'
import { findHost } from '../inventory/show.ts'
import { taskTypes } from '../tasks/index.ts'
import { TemplateFiles } from '../templates/files.ts'
import { displayPath } from '../yaml/display-path.ts'
import { loadForView } from './inventory-view.ts'
import { withConnector } from './run-job.ts'

/** What the user asked for. */
export interface AdoptOptions {
  readonly node: string
  readonly inventory: string
  /** Folder to write below; undefined: the working directory, and variables beside the inventory. */
  readonly out: string | undefined
  readonly force: boolean
  readonly check: boolean
  readonly cwd: string
  /** Shows text to people; silent under `--json`. */
  readonly say: (text: string) => void
}

/** What came of it, for `--json`. */
export interface AdoptReport {
  readonly host: string
  readonly playbook: string
  /** Text of the playbook. */
  readonly text: string
  readonly files: readonly string[]
  readonly tasks: number
  readonly variables: readonly string[]
  readonly suggestions: readonly { readonly tasks: readonly string[]; readonly why: readonly string[] }[]
  readonly notAdopted: readonly { readonly what: string; readonly why: string }[]
  readonly written: boolean
}

/** Adopts a node. Throws USAGE when files are there already, and what observing and loading throw. */
export async function adopt(options: AdoptOptions): Promise<AdoptReport> {
  const { node, cwd, say } = options
  const { inventory, notice } = await loadForView(options.inventory, cwd)
  if (notice !== undefined) say(`note: ${notice}`)
  const host = findHost(inventory, node)
  const base = path.resolve(cwd, options.out ?? '.')
  const playbook = path.join(base, 'playbooks', `${node}.yml`)
  const ownVars = options.out !== undefined
  const { sections, variables, values } = await withConnector([host.target], async (connector) => {
    const connection = await connector.connect(host.target)
    try {
      const read = (refs: readonly FactRef<unknown>[]) => observe(connection, groupFacts(refs))
      const chosen = await chooseSections(host, connection, cwd)
      return await settle({
        sections: chosen.sections,
        host,
        inventory,
        model: chosen.model,
        observe: read,
        cwd,
        registry: taskTypes,
      })
    } finally {
      await connection.close()
    }
  })
  const day = new Date().toISOString().slice(0, 10)
  const text = playbookText({ host: node, day, sections, variables, values, ownVars })
  const varsText = ownVars ? undefined : variablesText(variables, node)
  const varsPath = hostVarsFile(locateInventory(options.inventory, cwd).dir, node)
  const files: readonly OutputFile[] = [
    { path: playbook, content: Buffer.from(text), note: count(taskCount(sections), 'task') },
    ...copies(sections, path.dirname(playbook)),
    ...(varsText === undefined
      ? []
      : [{ path: varsPath, content: Buffer.from(varsText), note: count(variables.fresh.size, 'variable') }]),
  ]
  if (options.check) say(text)
  else {
    if (!options.force) assertNew(files, cwd)
    writeFiles(files)
  }
  say(reportText(files, sections, options))
  return {
    host: node,
    playbook: displayPath(playbook, cwd),
    text,
    files: files.map((file) => displayPath(file.path, cwd)),
    tasks: taskCount(sections),
    variables: [...variables.fresh.keys()],
    suggestions: sections.flatMap(({ suggestions }) =>
      suggestions.map(({ tasks, why }) => ({ tasks: tasks.map(({ name }) => name), why })),
    ),
    notAdopted: sections.flatMap(({ leftOvers }) => leftOvers),
    written: !options.check,
  }
}

/** Two exchanges: what is there, and then what the tasks that might describe it want to know. */
async function chooseSections(host: Host, connection: Connection, cwd: string) {
  const first = await observe(connection, groupFacts(adopters.flatMap(({ reads }) => reads)))
  const view: AdoptView = { host: host.name, model: first }
  const templates = new TemplateFiles({ cwd })
  const expand = {
    host: host.name,
    registry: taskTypes,
    template: (name: string, locals: Readonly<Record<string, unknown>>) =>
      templates.render(name, { vars: {}, ...locals }, cwd),
  }
  const adopted = adopters.map(({ title, adopt: read }) => {
    const { findings, leftOvers } = read(view)
    return { title, findings: expandFindings(findings, expand), leftOvers }
  })
  const model = await observe(connection, groupFacts(adopted.flatMap(({ findings }) => factsOf(findings))))
  const chooser = new Chooser(model)
  const sections = adopted.map(({ title, findings, leftOvers }): Section => {
    const choice = chooser.choose(findings)
    return { ...choice, title, leftOvers: [...choice.leftOvers, ...leftOvers] }
  })
  return { sections, model }
}

function copies(sections: readonly Section[], folder: string): readonly OutputFile[] {
  const drafts = sections.flatMap(({ tasks, suggestions }) => [...tasks, ...suggestions.flatMap((each) => each.tasks)])
  const files = new Map(drafts.flatMap(({ files: own }) => [...(own ?? [])]))
  return [...files].map(([name, content]) => ({ path: path.join(folder, name), content, note: '' }))
}

function reportText(
  files: readonly OutputFile[],
  sections: readonly Section[],
  { check, cwd, node, inventory, out }: AdoptOptions,
): string {
  const leftOvers = sections.flatMap(({ leftOvers: each }) => each)
  const suggestions = sections.flatMap(({ suggestions: each }) => each)
  const verb = check ? 'would write' : 'wrote'
  const name = out === undefined ? node : displayPath(files[0]?.path ?? '', cwd)
  const written = files.map(
    (file) => `${verb} ${displayPath(file.path, cwd)}${file.note === '' ? '' : `  (${file.note})`}`,
  )
  const left = leftOvers.map(({ what, why }) => `  ${what}: ${why}`)
  const open =
    suggestions.length === 0
      ? []
      : [
          '',
          `${count(suggestions.length, 'task')} that would change something: commented out in the playbook, with what`,
        ]
  return [
    ...written,
    ...(left.length === 0 ? [] : ['', `Not adopted (${left.length}):`, ...left]),
    ...open,
    '',
    `Against what was read of ${node} just now, the playbook changes nothing. Look again: pvectl check ${name} -i ${inventory}`,
  ].join('\n')
}

function taskCount(sections: readonly Section[]): number {
  return sections.reduce((sum, { tasks }) => sum + tasks.length, 0)
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
