/** Chooses, for everything that was found, the first way to describe it that the node agrees with. Pure. */
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Plan, Resource } from '../resources/resource.ts'
import type { Finding, LeftOver, TaskDraft, Way } from './adopter.ts'
import { type ExpandOptions, expandDraft, SECRET } from './expand.ts'

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
  readonly why: readonly string[]
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
      const verdicts = ways.map((each): Verdict => ({ each, why: this.#whyNot(each) }))
      const fitting = verdicts.find(({ why }) => why.length === 0)
      const [first] = verdicts
      if (first === undefined || verdicts.some(({ why }) => why.includes(DESCRIBED))) continue
      if (fitting !== undefined) {
        const { way, resources } = fitting.each
        this.#claim(resources)
        tasks.push(...way.tasks)
        leftOvers.push(...(way.leaves ?? []), ...missingPart(way, verdicts))
      } else if (finding.otherwise === 'silent') continue
      else if (finding.otherwise === undefined) leftOvers.push({ what: finding.what, why: whyLeft(first.why) })
      if (fitting !== first && !first.why.includes(SECRET) && isTelling(first.each.way, fitting?.each.way)) {
        suggestions.push({ tasks: first.each.way.tasks, why: first.why })
      }
    }
    return { tasks, suggestions, leftOvers }
  }

  /** Empty when the way fits. */
  #whyNot({ resources, problem }: ExpandedWay): readonly string[] {
    if (problem !== undefined) return [problem]
    if (this.#isTaken(resources)) return [DESCRIBED]
    return resources.flatMap((resource) => reasonsOf(resource.plan(this.#model)))
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

interface Verdict {
  readonly each: ExpandedWay
  readonly why: readonly string[]
}

/** What a way leaves out, and why. */
function missingPart({ partial }: Way, verdicts: readonly Verdict[]): readonly LeftOver[] {
  const fuller = verdicts.find(({ each }) => each.way === partial?.fuller)
  return partial === undefined || fuller === undefined ? [] : [{ what: partial.what, why: whyLeft(fuller.why) }]
}

/** Why something is not described, at no great length. */
export function whyLeft(reasons: readonly string[]): string {
  const [first = '', ...others] = reasons
  if (first === SECRET) return `${SECRET}; it stays on the node`
  if (first.startsWith(BLOCKED)) return `its task does not fit here: ${first.slice(BLOCKED.length)}`
  return `pvectl would change it: ${first}${others.length === 0 ? '' : ` … and ${others.length} more`}`
}

/** Begins the reason of a task that cannot be done. */
const BLOCKED = 'refused: '

const DESCRIBED = 'a task above describes it already'

/** What a plan would change, or why there is none; empty for what is as described. */
export function reasonsOf(plan: Plan): readonly string[] {
  switch (plan.kind) {
    case 'ok':
      return []
    case 'change':
      return plan.changes.map(({ summary }) => summary)
    case 'blocked':
    case 'unknown':
      return [`${BLOCKED}${plan.reason}`]
  }
}

/** A task of another type than what was taken is worth showing; the same one with fewer parameters is not. */
function isTelling(first: Way, taken: Way | undefined): boolean {
  return taken === undefined || first.tasks.some(({ type }) => !taken.tasks.some((task) => task.type === type))
}
