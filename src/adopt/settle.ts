/** Proves a playbook before it is kept: loaded as `check` loads it, and planned against what was observed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { planTasks } from '../engine/plan.ts'
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Host, Inventory } from '../inventory/host.ts'
import type { HostTask } from '../playbook/job.ts'
import { loadJob } from '../playbook/load.ts'
import type { TaskType } from '../tasks/task-type.ts'
import { reasonsOf, whyLeft } from './choose.ts'
import { playbookText, type Section } from './playbook-text.ts'
import { type HostVariables, hostVariables } from './variables.ts'

/** What is to be proven, and against what. */
export interface SettleOptions {
  readonly sections: readonly Section[]
  readonly host: Host
  readonly inventory: Inventory
  readonly model: Model
  /** Reads what the model lacks. */
  readonly observe: (refs: readonly FactRef<unknown>[]) => Promise<Model>
  readonly cwd: string
  readonly registry: readonly TaskType[]
}

/** Sections of which every task is proven, with the variables that they use. */
export interface Settled {
  readonly sections: readonly Section[]
  readonly variables: HostVariables
  readonly values: Readonly<Record<string, unknown>>
}

/** Takes out, with the reason, whatever still differs; throws what loading throws when the playbook is not valid. */
export async function settle(options: SettleOptions): Promise<Settled> {
  let { sections } = options
  for (;;) {
    const settled = withVariables(sections, options.host)
    const differences = await findDifferences(settled, options)
    if (differences.size === 0) return settled
    sections = without(sections, differences)
  }
}

function withVariables(sections: readonly Section[], { vars }: Host): Settled {
  const variables = hostVariables(
    sections.flatMap(({ tasks }) => tasks),
    vars,
  )
  return { sections, variables, values: { ...vars, ...Object.fromEntries(variables.fresh) } }
}

/** Reasons by the number of the task, counted over all sections. */
async function findDifferences(
  { sections, variables, values }: Settled,
  options: SettleOptions,
): Promise<ReadonlyMap<number, readonly string[]>> {
  const { host, inventory, registry, cwd } = options
  const all = sections.flatMap((section) => section.tasks)
  if (all.length === 0) return new Map()
  const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-adopt-'))
  try {
    const playbook = path.join(dir, 'playbook.yml')
    writeFileSync(playbook, playbookText({ host: host.name, day: '', sections, variables, values, ownVars: false }))
    for (const [name, content] of all.flatMap(({ files }) => [...(files ?? [])])) {
      mkdirSync(path.join(dir, path.dirname(name)), { recursive: true })
      writeFileSync(path.join(dir, name), content)
    }
    const hosts = inventory.hosts.map((each) => (each.name === host.name ? { ...each, vars: values } : each))
    const job = await loadJob({ playbook, inventory: { ...inventory, hosts }, cwd, registry })
    const tasks = job.stages.flatMap((stage) => stage.hosts.flatMap((each) => each.tasks))
    return differencesOf(tasks, await completeModel(tasks, options))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function completeModel(tasks: readonly HostTask[], { model, observe }: SettleOptions): Promise<Model> {
  const refs = tasks.flatMap(({ resources }) => resources.flatMap(({ reads }) => reads))
  const isRead = refs.every((ref) => model.has(ref) || ref.kind.name === 'installation')
  return isRead ? model : observe(refs)
}

function differencesOf(tasks: readonly HostTask[], model: Model): ReadonlyMap<number, readonly string[]> {
  const differences = new Map<number, readonly string[]>()
  for (const [index, { resources }] of planTasks(tasks, model).tasks.entries()) {
    const reasons = resources.flatMap(({ plan }) => reasonsOf(plan))
    if (reasons.length > 0) differences.set(index, reasons)
  }
  return differences
}

function without(
  sections: readonly Section[],
  differences: ReadonlyMap<number, readonly string[]>,
): readonly Section[] {
  let index = -1
  return sections.map((section) => {
    const numbered = section.tasks.map((task) => {
      index += 1
      return { task, why: differences.get(index) }
    })
    const differing = numbered.flatMap(({ task, why }) => (why === undefined ? [] : [{ task, why }]))
    return {
      ...section,
      tasks: numbered.flatMap(({ task, why }) => (why === undefined ? [task] : [])),
      suggestions: [...section.suggestions, ...differing.map(({ task, why }) => ({ tasks: [task], why }))],
      leftOvers: [...section.leftOvers, ...differing.map(({ task, why }) => ({ what: task.name, why: whyLeft(why) }))],
    }
  })
}
