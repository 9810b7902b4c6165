/** Expands the tasks of a play for one host: conditions, loops, parameters, resources. */
import { PvectlError } from '../errors.ts'
import { findTaskType } from '../tasks/index.ts'
import { type HostContext, ParamProblem, type TaskType } from '../tasks/task-type.ts'
import { ReportedProblem, TemplateProblem } from '../templates/problem.ts'
import type { Scope } from '../templates/scope.ts'
import type { ValueTemplate } from '../templates/value.ts'
import type { Finding } from '../yaml/explain.ts'
import { isMapping, valueText } from '../yaml/words.ts'
import type { CompiledCondition, CompiledPlay, CompiledTask } from './compile-play.ts'
import type { HostTask } from './job.ts'
import { checkParams, type ShapedParams, shapeParams } from './params.ts'
import type { Play, PlayTask } from './play.ts'
import type { HostVars } from './play-vars.ts'
import { PlayReport, type ReportContext } from './report.ts'
import { describeTask, itemText, skippedTitle, taskTitle } from './title.ts'

/** What the tasks of a host are expanded with. */
export interface ExpandContext extends ReportContext {
  readonly vars: HostVars
  /** What a task type sees of the host, within a scope. */
  hostContext(scope: Scope): HostContext
}

/** Tasks of one host in order. Problems go to the list, and the tasks that have them are left out. */
export function expandTasks({ play, tasks }: CompiledPlay, context: ExpandContext): readonly HostTask[] {
  const expander = new Expander(play, context)
  return tasks.flatMap((task) => expander.task(task))
}

/** One turn of a task: all of it, or one item of its loop. */
interface Turn {
  readonly scope: Scope
  readonly id: string
  /** Added to the title to tell items apart. */
  readonly suffix: string
}

/** A task that stands for others, with its parameters checked. */
interface WholeTask {
  readonly task: PlayTask
  readonly scope: Scope
  readonly shaped: ShapedParams
  readonly params: unknown
  readonly id: string
  readonly title: string
}

class Expander {
  readonly #play: Play
  readonly #context: ExpandContext
  readonly #report: PlayReport

  constructor(play: Play, context: ExpandContext) {
    this.#play = play
    this.#context = context
    this.#report = new PlayReport(play, context)
    this.#report.failures(context.vars.failures, [...play.path, 'vars'])
  }

  task(compiled: CompiledTask): readonly HostTask[] {
    const { scope } = this.#context.vars
    const whole: Turn = { scope, id: compiled.task.id, suffix: '' }
    const general = compiled.conditions.filter(({ perItem }) => !perItem)
    return this.#unlessSkipped(compiled, whole, general, () => {
      if (compiled.loop === undefined) return this.#turn(compiled, whole)
      const turns = this.#turns(compiled, compiled.loop)
      if (turns?.length === 0) return [skipped(compiled, whole, 'the list of the loop is empty')]
      const perItem = compiled.conditions.filter((condition) => condition.perItem)
      return (turns ?? []).flatMap((turn) =>
        this.#unlessSkipped(compiled, turn, perItem, () => this.#turn(compiled, turn)),
      )
    })
  }

  #unlessSkipped(
    compiled: CompiledTask,
    turn: Turn,
    conditions: readonly CompiledCondition[],
    expand: () => readonly HostTask[],
  ): readonly HostTask[] {
    for (const condition of conditions) {
      const verdict = this.#report.guarded(condition.path, () => holds(condition, turn.scope))
      if (verdict === undefined) return []
      if (!verdict) return [skipped(compiled, turn, `${condition.source} is false`)]
    }
    return expand()
  }

  #turns({ task }: CompiledTask, loop: ValueTemplate): readonly Turn[] | undefined {
    const { scope } = this.#context.vars
    const path = [...task.path, 'loop']
    const { value, failures } = loop.render(scope.locals)
    if (failures.length > 0) return this.#report.failures(failures, path)
    if (!Array.isArray(value)) {
      this.#report.problem(
        `a loop needs a list, not ${valueText(value)}`,
        this.#play.document.locate(path),
        listHint(value),
      )
      return undefined
    }
    return value.map((item: unknown, index) => ({
      scope: scope.within({ item, index }),
      id: `${task.id}[${index}]`,
      suffix: ` [${itemText(item) ?? index}]`,
    }))
  }

  #turn(compiled: CompiledTask, turn: Turn): readonly HostTask[] {
    const { task, fixed } = compiled
    const shaped = fixed?.shaped ?? this.#rendered(compiled, turn)
    if (shaped === undefined) return []
    const checked = fixed?.checked ?? checkParams(task.type, shaped)
    if (!checked.ok) {
      const everywhere = fixed !== undefined
      for (const finding of checked.findings) this.#report.finding(finding, task, shaped, { everywhere })
      return []
    }
    const { value: title, failures } = taskTitle(compiled, turn, shaped.input)
    if (failures.length > 0) this.#report.failures(failures, [...task.path, 'name'])
    const parts = this.#parts({ task, scope: turn.scope, shaped, params: checked.params, id: turn.id, title })
    const expanded = this.#expanded(task, task.type, turn.scope, shaped, checked.params)
    if (parts === undefined || expanded === undefined || failures.length > 0) return []
    const { type, tags, location } = task
    const own = { id: turn.id, title, type: type.name, tags, location, ...expanded }
    return parts.length > 0 && own.resources.length === 0 ? parts : [...parts, own]
  }

  /** The tasks that a task stands for; undefined when one of them is wrong, and then that is reported. */
  #parts(whole: WholeTask): readonly HostTask[] | undefined {
    const { task, scope, params, id, title } = whole
    if (task.type.expand === undefined) return []
    const host = this.#context.hostContext(scope)
    const parts = task.type.expand(params, host).map((part, index) => {
      const type = findTaskType(part.type)
      if (type === undefined) throw new Error(`${task.type.name} expands to ${part.type}, which is no task type`)
      const shaped = shapeParams(type, part.params)
      const name = describeTask(type, shaped.input)
      const checked = checkParams(type, shaped)
      if (!checked.ok) return this.#badPart(whole, name, checked.findings)
      const expanded = this.#expanded(task, type, scope, whole.shaped, checked.params, name)
      const { tags, location } = task
      const own = { id: `${id}.${index}`, title: `${title}: ${name}`, type: type.name, tags, location }
      return expanded === undefined ? undefined : { ...own, ...expanded }
    })
    return parts.every((part) => part !== undefined) ? parts : undefined
  }

  #badPart({ task, shaped }: WholeTask, name: string, findings: readonly Finding[]): undefined {
    for (const { message, hint } of findings) {
      const finding = {
        path: [],
        atKey: false,
        message: `${name}: ${message}`,
        ...(hint === undefined ? {} : { hint }),
      }
      this.#report.finding(finding, task, shaped, { everywhere: false })
    }
    return undefined
  }

  #rendered({ task, params }: CompiledTask, { scope }: Turn): ShapedParams | undefined {
    const { value, failures } = params.render(scope.locals)
    if (failures.length > 0) return this.#report.failures(failures, [...task.path, task.type.name])
    return shapeParams(task.type, value)
  }

  /** Resources and checks of a type; `part` names it when the task stands for it, and then places are those of the task. */
  #expanded(
    task: PlayTask,
    type: TaskType,
    scope: Scope,
    shaped: ShapedParams,
    params: unknown,
    part?: string,
  ): Pick<HostTask, 'resources' | 'checks'> | undefined {
    try {
      const host = this.#context.hostContext(scope)
      const resources = type.resources(params, host)
      const checks = type.checks?.(params, host) ?? []
      return checks.length === 0 ? { resources } : { resources, checks }
    } catch (error) {
      if (error instanceof ParamProblem) {
        const hint = error.hint === undefined ? {} : { hint: error.hint }
        const path = part === undefined ? error.path : []
        const finding = { path, atKey: false, message: `${part ?? type.name}: ${error.message}`, ...hint }
        this.#report.finding(finding, task, shaped, { everywhere: false })
      } else if (error instanceof PvectlError) this.#report.error(error, task, shaped.input)
      else if (!(error instanceof ReportedProblem)) throw error
      return undefined
    }
  }
}

function holds(condition: CompiledCondition, scope: Scope): boolean {
  const value = condition.evaluate(scope.conditionLocals)
  if (value === true || value === false) return value
  if (value === null || value === undefined) return false
  throw new TemplateProblem(
    `the condition comes to ${valueText(value)}, and must come to true or false`,
    'compare it with something, or turn it into a truth value by Boolean(…)',
  )
}

function skipped(compiled: CompiledTask, turn: Turn, reason: string): HostTask {
  const { type, tags, location } = compiled.task
  const title = skippedTitle(compiled, turn)
  return { id: turn.id, title, type: type.name, tags, location, skipped: reason, resources: [] }
}

function listHint(value: unknown): string | undefined {
  if (typeof value === 'string') return 'an expression is written "<%= vars.NAME %>"'
  return isMapping(value) ? 'Object.entries(…) makes a list of a mapping' : undefined
}
