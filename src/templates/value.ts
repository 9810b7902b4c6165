/** Data with templates in it, as playbooks hold: compiled once, rendered for each host. */
import type { DataPath } from '../yaml/document.ts'
import { isMapping } from '../yaml/words.ts'
import { compileExpression, compileText, type Locals } from './engine.ts'
import { TemplateProblem } from './problem.ts'

/** A template in the data that failed. */
export interface ValueFailure {
  /** Where in the data. */
  readonly path: DataPath
  /** The key is at fault and not the value. */
  readonly atKey?: true
  readonly problem: TemplateProblem
}

/** Data as rendered; not usable when there are failures. */
export interface RenderedValue {
  readonly value: unknown
  readonly failures: readonly ValueFailure[]
}

/** Compiled data. */
export interface ValueTemplate {
  /** True when there is no template in it, so that every host gets the same. */
  readonly isStatic: boolean
  /** Renders all templates once. A scalar that is one `<%= … %>` as a whole keeps the type of the expression. */
  render(locals: Locals): RenderedValue
}

type Renderer = (locals: Locals, failures: ValueFailure[]) => unknown

/** Compiles templates, each source once. */
export class ValueCompiler {
  readonly #names: readonly string[]
  readonly #expressions = new Map<string, ReturnType<typeof compileExpression> | TemplateProblem>()
  readonly #texts = new Map<string, ReturnType<typeof compileText> | TemplateProblem>()

  /** `names` are those that all locals will have. */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** Compiles data; what does not compile fails when rendered. */
  value(data: unknown): ValueTemplate {
    const renderer = this.#renderer(data, [])
    if (renderer === undefined) return { isStatic: true, render: () => ({ value: data, failures: [] }) }
    return {
      isStatic: false,
      render(locals) {
        const failures: ValueFailure[] = []
        return { value: renderer(locals, failures), failures }
      },
    }
  }

  /** Compiles a bare expression, with or without `<%= %>` round it. */
  expression(source: string): (locals: Locals) => unknown {
    const code = wholeExpression(source) ?? source
    const compiled = cached(this.#expressions, code, () => compileExpression(code, { names: this.#names }))
    if (compiled instanceof TemplateProblem) throw compiled
    return compiled
  }

  /** Renderer of data with templates; undefined for data without. */
  #renderer(data: unknown, path: DataPath): Renderer | undefined {
    if (typeof data === 'string') return this.#string(data, path)
    if (Array.isArray(data)) {
      const items = data.map((item: unknown, index) => this.#renderer(item, [...path, index]))
      if (items.every((item) => item === undefined)) return undefined
      return (locals, failures) =>
        items.map((item, index) => (item === undefined ? data[index] : item(locals, failures)))
    }
    return isMapping(data) ? this.#mapping(data, path) : undefined
  }

  #mapping(data: Readonly<Record<string, unknown>>, path: DataPath): Renderer | undefined {
    const entries = Object.entries(data).map(([key, value]) => {
      const renderer = key.includes('<%') ? badKey([...path, key]) : this.#renderer(value, [...path, key])
      return { key, value, renderer }
    })
    if (entries.every(({ renderer }) => renderer === undefined)) return undefined
    return (locals, failures) =>
      Object.fromEntries(
        entries.map(({ key, value, renderer }) => [key, renderer === undefined ? value : renderer(locals, failures)]),
      )
  }

  #string(source: string, path: DataPath): Renderer | undefined {
    if (isJinja(source)) return fail(path, jinjaProblem(source))
    if (!source.includes('<%')) return undefined
    const code = wholeExpression(source)
    const compiled =
      code === undefined
        ? cached(this.#texts, source, () => compileText(source, { names: this.#names }))
        : cached(this.#expressions, code, () => compileExpression(code, { names: this.#names }))
    if (compiled instanceof TemplateProblem) return fail(path, compiled)
    return (locals, failures) => {
      try {
        const value = compiled(locals)
        if (value === undefined) throw new TemplateProblem('the expression comes to nothing (undefined)')
        return value
      } catch (error) {
        if (!(error instanceof TemplateProblem)) throw error
        failures.push({ path, problem: error })
        return undefined
      }
    }
  }
}

/** The expression of a text that is one `<%= … %>` as a whole. */
export function wholeExpression(source: string): string | undefined {
  const inner = /^\s*<%[=-]([\s\S]*?)[-_]?%>\s*$/.exec(source)?.[1]
  return inner === undefined || inner.includes('<%') || inner.includes('%>')
    ? undefined
    : inner.trim().replace(/;$/, '')
}

/** True for a text that is a variable in Jinja's braces and nothing else, which only an Ansible user writes. */
export function isJinja(source: string): boolean {
  return /^\s*\{\{\s*[A-Za-z_][\w.[\]'"|() -]*\}\}\s*$/.test(source)
}

/** Tells an Ansible user how variables are written here. */
export function jinjaProblem(source: string): TemplateProblem {
  const name = /[A-Za-z_][\w.]*/.exec(source)?.[0] ?? 'NAME'
  return new TemplateProblem(
    'Jinja is not understood here',
    `write "<%= ${name.startsWith('item') ? '' : 'vars.'}${name} %>"`,
  )
}

function fail(path: DataPath, problem: TemplateProblem): Renderer {
  return (_, failures) => {
    failures.push({ path, problem })
  }
}

function badKey(path: DataPath): Renderer {
  return (_, failures) => {
    failures.push({ path, atKey: true, problem: new TemplateProblem('keys cannot be templates, only values') })
  }
}

function cached<T>(cache: Map<string, T | TemplateProblem>, source: string, make: () => T): T | TemplateProblem {
  const known = cache.get(source)
  if (known !== undefined) return known
  let made: T | TemplateProblem
  try {
    made = make()
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
    made = error
  }
  cache.set(source, made)
  return made
}
