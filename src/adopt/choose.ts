/** Chooses, for everything that was found, the first way to describe it that the node agrees with. Pure. */
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Plan, Resource } from '../resources/resource.ts'
import type { Finding, LeftOver, TaskDraft, Way } from './adopter.ts'
import { type ExpandOptions, expandDraft } from './expand.ts'

/** A way with its resources. */
interface ExpandedWay {
  readonly way: Way
  readonly resources: readonly Resource[]
  /** Why it cannot even be planned. */
  readonly problem?: string
}

/** A finding with all its ways, ready to plan. */
export interface ExpandedFinding {
  readonly finding: Finding
  readonly ways: readonly ExpandedWay[]
}

/** A way that does not fit as the node is, with what it would change. */
export interface Suggestion {
  readonly tasks: readonly TaskDraft[]
  readonly why: string
}

/** What is to stand in the playbook for a section. */
export interface Choice {
  readonly tasks: readonly TaskDraft[]
  /** Shown commented out. */
  readonly suggestions: readonly Suggestion[]
  readonly leftOvers: readonly LeftOver[]
}

/** Expands all ways of all findings. */
export function expandFindings(findings: readonly Finding[], options: ExpandOptions): readonly ExpandedFinding[] {
  return findings.map((finding) => ({
    finding,
    ways: finding.ways.map((way) => {
      const expanded = way.tasks.map((task) => expandDraft(task, options))
      const problems = expanded.flatMap((each) => ('problem' in each ? [each.problem] : []))
      const resources = expanded.flatMap((each) => ('problem' in each ? [] : each.resources))
      return problems.length === 0 ? { way, resources } : { way, resources: [], problem: problems.join('; ') }
    }),
  }))
}

/** Facts that are needed to choose. */
export function factsOf(findings: readonly ExpandedFinding[]): readonly FactRef<unknown>[] {
  return findings.flatMap(({ ways }) => ways.flatMap(({ resources }) => resources.flatMap(({ reads }) => reads)))
}

/** Chooses ways section by section; remembers what is taken, since one thing may be described once only. */
export class Chooser {
  readonly #model: Model
  readonly #claims = new Map<string, { readonly shared: boolean }>()

  constructor(model: Model) {
    this.#model = model
  }

  /** The choice for the findings of one section. */
  choose(findings: readonly ExpandedFinding[]): Choice {
    const tasks: TaskDraft[] = []
    const suggestions: Suggestion[] = []
    const leftOvers: LeftOver[] = []
    for (const { finding, ways } of findings) {
      const verdicts = ways.map((each) => ({ each, why: this.#whyNot(each) }))
      const fitting = verdicts.find(({ why }) => why === undefined)
      const [first] = verdicts
      if (first === undefined || verdicts.some(({ why }) => why === DESCRIBED)) continue
      if (fitting !== undefined) {
        this.#claim(fitting.each.resources)
        tasks.push(...fitting.each.way.tasks)
        for (const what of fitting.each.way.leaves ?? [])
          leftOvers.push({ what, why: 'the task above does not describe it' })
      } else leftOvers.push({ what: finding.what, why: finding.otherwise ?? `pvectl would change it: ${first.why}` })
      if (fitting !== first && isTelling(first.each.way, fitting?.each.way)) {
        suggestions.push({ tasks: first.each.way.tasks, why: first.why ?? '' })
      }
    }
    return { tasks, suggestions, leftOvers }
  }

  #whyNot({ resources, problem }: ExpandedWay): string | undefined {
    if (problem !== undefined) return problem
    if (this.#isTaken(resources)) return DESCRIBED
    const reasons = resources.flatMap((resource) => reasonOf(resource.plan(this.#model)))
    return reasons.length === 0 ? undefined : reasons.join('; ')
  }

  #isTaken(resources: readonly Resource[]): boolean {
    return resources.some(({ key, shared = false, claims = [] }) => {
      const first = this.#claims.get(key)
      return (first !== undefined && !(first.shared && shared)) || claims.some((claim) => this.#claims.has(claim))
    })
  }

  #claim(resources: readonly Resource[]): void {
    for (const { key, shared = false, claims = [] } of resources) {
      this.#claims.set(key, { shared })
      for (const claim of claims) this.#claims.set(claim, { shared: false })
    }
  }
}

const DESCRIBED = 'a task above describes it already'

function reasonOf(plan: Plan): readonly string[] {
  switch (plan.kind) {
    case 'ok':
      return []
    case 'change':
      return plan.changes.map(({ summary }) => summary)
    case 'blocked':
    case 'unknown':
      return [plan.reason]
  }
}

/** A task of another type than what was taken is worth showing; the same one with fewer parameters is not. */
function isTelling(first: Way, taken: Way | undefined): boolean {
  return taken === undefined || first.tasks.some(({ type }) => !taken.tasks.some((task) => task.type === type))
}
