/** Variables of a play on one host: its own are templates and may use each other in any order. */
import { effectiveVars } from '../inventory/precedence.ts'
import { ReportedProblem, TemplateProblem } from '../templates/problem.ts'
import { createScope, type Scope, type ScopeData } from '../templates/scope.ts'
import type { ValueFailure, ValueTemplate } from '../templates/value.ts'

/** Variables of a play, compiled. */
export type PlayVarTemplates = ReadonlyMap<string, ValueTemplate>

/** What a play's variables come to on one host. */
export interface HostVars {
  /** Effective variables, plain data. */
  readonly vars: Readonly<Record<string, unknown>>
  readonly scope: Scope
  /** Templates that failed; paths begin with the name of the variable. */
  readonly failures: readonly ValueFailure[]
}

/** Layers below and above the variables of the play, and the rest of the scope. */
export interface HostVarsInput {
  readonly host: Readonly<Record<string, unknown>>
  readonly play: PlayVarTemplates
  readonly extra: Readonly<Record<string, unknown>>
  readonly scope: Omit<ScopeData, 'vars'>
}

/** Renders the variables of a play for one host. */
export function renderPlayVars({ host, play, extra, scope: rest }: HostVarsInput): HostVars {
  const failures: ValueFailure[] = []
  const own = [...play].filter(([name]) => !Object.hasOwn(extra, name))
  const placeholders = Object.fromEntries(own.map(([name]) => [name, undefined]))
  const vars = effectiveVars(host, placeholders, extra) as Record<string, unknown>
  const scope = createScope({ ...rest, vars })
  const open: string[] = []
  for (const [name, template] of own) {
    define(vars, name, () => {
      if (open.includes(name)) throw circle([...open.slice(open.indexOf(name)), name])
      open.push(name)
      try {
        return evaluate(template, name, scope, failures)
      } finally {
        open.pop()
      }
    })
  }
  for (const [name] of own) settle(vars, name)
  return { vars, scope, failures }
}

/** A property that is worked out when first read, and is plain data from then on. */
function define(vars: Record<string, unknown>, name: string, compute: () => unknown): void {
  const fix = (value: unknown) =>
    Object.defineProperty(vars, name, { value, enumerable: true, configurable: true, writable: true })
  const failing = (problem: TemplateProblem) =>
    Object.defineProperty(vars, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        throw problem
      },
    })
  Object.defineProperty(vars, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      try {
        const value = compute()
        fix(value)
        return value
      } catch (error) {
        if (error instanceof ReportedProblem) failing(error)
        throw error
      }
    },
  })
}

function evaluate(template: ValueTemplate, name: string, scope: Scope, failures: ValueFailure[]): unknown {
  const rendered = template.render(scope.locals)
  if (rendered.failures.length === 0) return rendered.value
  for (const failure of rendered.failures) failures.push({ ...failure, path: [name, ...failure.path] })
  throw new ReportedProblem(`vars.${name} could not be rendered`)
}

/** Makes sure that a variable has been worked out, used or not; failures are on record already. */
function settle(vars: Record<string, unknown>, name: string): void {
  try {
    void vars[name]
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
  }
}

function circle(names: readonly string[]): TemplateProblem {
  return new TemplateProblem(
    `variables of the play go round in a circle: ${names.map((name) => `vars.${name}`).join(' → ')}`,
    'a variable of a play cannot use a variable of the same name; give it another',
  )
}
