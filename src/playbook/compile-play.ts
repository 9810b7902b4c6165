/** Compiles the templates of a play once, for all its hosts. */
import type { Locals } from '../templates/engine.ts'
import { TemplateProblem } from '../templates/problem.ts'
import { LOOP_SCOPE_NAMES, SCOPE_NAMES } from '../templates/scope.ts'
import { isJinja, jinjaProblem, ValueCompiler, type ValueTemplate, wholeExpression } from '../templates/value.ts'
import type { DataPath } from '../yaml/document.ts'
import { type CheckedParams, checkParams, type ShapedParams, shapeParams } from './params.ts'
import type { Condition, Play, PlayTask } from './play.ts'
import type { PlayVarTemplates } from './play-vars.ts'

/** A play with its templates compiled. */
export interface CompiledPlay {
  readonly play: Play
  readonly vars: PlayVarTemplates
  readonly tasks: readonly CompiledTask[]
}

/** A task with its templates compiled. */
export interface CompiledTask {
  readonly task: PlayTask
  readonly name: ValueTemplate | undefined
  readonly params: ValueTemplate
  /** Parameters without templates, validated once for all hosts. */
  readonly fixed: { readonly shaped: ShapedParams; readonly checked: CheckedParams } | undefined
  readonly conditions: readonly CompiledCondition[]
  readonly loop: ValueTemplate | undefined
}

/** A condition, compiled. */
export interface CompiledCondition {
  /** As in the playbook, for the reason of a skip. */
  readonly source: string
  readonly path: DataPath
  /** It needs `item`, so it is asked for each turn of the loop and not before. */
  readonly perItem: boolean
  /** Throws TemplateProblem. */
  evaluate(locals: Locals): unknown
}

/** Compiles plays; a source that occurs twice is compiled once. */
export class PlayCompiler {
  readonly #plain = new ValueCompiler(SCOPE_NAMES)
  readonly #looped = new ValueCompiler(LOOP_SCOPE_NAMES)

  compile(play: Play): CompiledPlay {
    return {
      play,
      vars: new Map(Object.entries(play.vars).map(([name, value]) => [name, this.#plain.value(value)])),
      tasks: play.tasks.map((task) => this.#task(task)),
    }
  }

  #task(task: PlayTask): CompiledTask {
    const compiler = task.loop === undefined ? this.#plain : this.#looped
    const params = compiler.value(task.params)
    const shaped = shapeParams(task.type, task.params)
    return {
      task,
      name: task.name === undefined ? undefined : compiler.value(task.name),
      params,
      fixed: params.isStatic ? { shaped, checked: checkParams(task.type, shaped) } : undefined,
      conditions: task.when.map((condition) => this.#condition(condition, task.loop !== undefined)),
      loop: task.loop === undefined ? undefined : this.#plain.value(task.loop),
    }
  }

  #condition({ value, path }: Condition, inLoop: boolean): CompiledCondition {
    const source = String(value)
    if (typeof value === 'boolean') return { source, path, perItem: false, evaluate: () => value }
    const perItem = inLoop && /\b(item|loop_index)\b/.test(source)
    const compiler = perItem ? this.#looped : this.#plain
    return {
      source: (wholeExpression(source) ?? source).trim(),
      path,
      perItem,
      evaluate: (locals) => evaluate(compiler, source, locals),
    }
  }
}

function evaluate(compiler: ValueCompiler, source: string, locals: Locals): unknown {
  if (isJinja(source)) throw jinjaProblem(source)
  try {
    return compiler.expression(source)(locals)
  } catch (error) {
    const words = /\bis (?:not )?(?:un)?defined\b|\b(?:and|or|not)\b/.exec(source)
    if (!(error instanceof TemplateProblem) || !error.reason.startsWith('syntax error') || words === null) throw error
    throw new TemplateProblem(error.reason, "conditions are JavaScript: &&, ||, !, and has('NAME') for `is defined`")
  }
}
