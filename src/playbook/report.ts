/** Reports problems of one play on one host, each at its place in the playbook. */
import type { Location, PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { ReportedProblem, TemplateProblem } from '../templates/problem.ts'
import type { ValueFailure } from '../templates/value.ts'
import type { DataPath } from '../yaml/document.ts'
import type { Finding } from '../yaml/explain.ts'
import { isMapping } from '../yaml/words.ts'
import { type ShapedParams, writtenPath } from './params.ts'
import type { Play, PlayTask } from './play.ts'
import type { ProblemList } from './problems.ts'
import { variableSource } from './variable-source.ts'

/** Of which host, and where to. */
export interface ReportContext {
  readonly host: Host
  readonly extra: Readonly<Record<string, unknown>>
  readonly problems: ProblemList
}

/** Reporter of a play on a host. */
export class PlayReport {
  readonly #play: Play
  readonly #context: ReportContext

  constructor(play: Play, context: ReportContext) {
    this.#play = play
    this.#context = context
  }

  /** Failed templates; their paths are below `base`. What was reported before is not repeated. */
  failures(failures: readonly ValueFailure[], base: DataPath): undefined {
    const { document } = this.#play
    for (const { path, atKey, problem } of failures) {
      if (problem instanceof ReportedProblem) continue
      const full = [...base, ...path]
      const line = problem.place?.line
      const ofValue = line === undefined ? document.locate(full) : document.locateLine(full, line)
      this.problem(problem.reason, atKey ? document.locateKey(full) : ofValue, problem.hint)
    }
    return undefined
  }

  /** Runs what evaluates a template; undefined when it failed, and then that is reported for `path`. */
  guarded<Result>(path: DataPath, work: () => Result): Result | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof TemplateProblem)) throw error
      return this.failures([{ path: [], problem: error }], path)
    }
  }

  /** A parameter that does not fit; `everywhere` when it cannot depend on the host. */
  finding(
    finding: Finding,
    task: PlayTask,
    shaped: ShapedParams,
    { everywhere }: { readonly everywhere: boolean },
  ): void {
    const { document, vars } = this.#play
    const path = [...task.path, task.type.name, ...writtenPath(finding.path, shaped)]
    const source = finding.atKey ? undefined : variableSource(document, path, this.#context, vars)
    const hint = [finding.hint, source].filter((part) => part !== undefined).join('; ')
    const location = finding.atKey ? document.locateKey(path) : document.locate(path)
    const problem = { message: finding.message, location, ...(hint === '' ? {} : { hint }) }
    this.#context.problems.add(problem, everywhere ? {} : { host: this.#context.host.name })
  }

  /** An error thrown while a task was expanded; without a place of its own it gets that of the task. */
  error(error: PvectlError, task: PlayTask, input: unknown): void {
    const used = this.#placeOfQuoted(task, error.message, input)
    for (const problem of error.problems) {
      this.#context.problems.add(
        { ...problem, location: problem.location ?? used },
        { code: error.code, host: this.#context.host.name },
      )
    }
  }

  /** Anything else that is wrong on this host. */
  problem(message: string, location: Location, hint: string | undefined): void {
    const problem = { message, location, ...(hint === undefined ? {} : { hint }) }
    this.#context.problems.add(problem, { host: this.#context.host.name })
  }

  /** Place of the parameter whose value the message quotes, such as the name of a file; else that of the task's type. */
  #placeOfQuoted(task: PlayTask, message: string, input: unknown): Location {
    const { document } = this.#play
    const entries = isMapping(input) ? Object.entries(input) : []
    const quoted = entries.find(([, value]) => typeof value === 'string' && value !== '' && message.includes(value))
    const path = [...task.path, task.type.name]
    return quoted === undefined ? document.locateKey(path) : document.locate([...path, quoted[0]])
  }
}
