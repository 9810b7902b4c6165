/** The only user of EJS: compiles templates and expressions, and makes their errors readable. */
import ejs from 'ejs'
import { Secret } from '../connection/secret.ts'
import { suggestion } from '../suggest.ts'
import { withDeadline } from './deadline.ts'
import { plain } from './guard.ts'
import { ReportedProblem, type TemplatePlace, TemplateProblem } from './problem.ts'

/** Names and values that a template sees. */
export type Locals = Readonly<Record<string, unknown>>

/** A file that an `include` leads to. */
export interface Included {
  readonly file: string
  readonly source: string
}

/** How to compile. */
export interface CompileOptions {
  /** Names that the template may use; the locals must have them all. */
  readonly names: readonly string[]
  /** File of the template, for messages and includes; a string in a playbook has none. */
  readonly file?: string
  /**
   * Reads what `include(name)` of a template file leads to; `resolved` is the file beside the including one, undefined
   * when there is none. Default: includes are refused.
   */
  readonly include?: (name: string, resolved: string | undefined) => Included
}

/** Compiles a template to a function that renders text. Throws TemplateProblem, as the function does. */
export function compileText(source: string, options: CompileOptions): (locals: Locals) => string {
  return compile(source, options, text)
}

/**
 * Compiles an expression (what stands between `<%=` and `%>`) to a function that gives its value as plain data, whatever
 * its type. Throws TemplateProblem, as the function does.
 */
export function compileExpression(expression: string, options: CompileOptions): (locals: Locals) => unknown {
  let value: unknown
  const run = compile(`<%= (${expression}\n) %>`, options, (result) => {
    value = result
    return ''
  })
  return (locals) => {
    run(locals)
    return plainValue(value)
  }
}

function plainValue(value: unknown): unknown {
  try {
    return plain(value)
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateProblem('the expression comes to data that contains itself')
    throw error
  }
}

/** Name of templates without a file; EJS escapes the name in messages, so there has to be one. */
const UNNAMED = 'template'

function compile(
  source: string,
  { names, file = UNNAMED, include }: CompileOptions,
  print: (value: unknown) => string,
): (locals: Locals) => string {
  const explain = (error: unknown, locals: Locals) => readable(error, names, locals)
  const includer = (name: string, resolved: string | undefined) => {
    if (include === undefined) throw new TemplateProblem('include() works in template files only')
    const found = include(name, resolved)
    // EJS takes both: the text to compile, and the name for messages and further includes. Its types allow one.
    return { filename: found.file, template: checked(found.source) } as unknown as ejs.IncluderResult
  }
  try {
    const compiled = ejs.compile(checked(source), {
      strict: true,
      async: false,
      destructuredLocals: [...names],
      filename: file,
      escape: print,
      includer,
    })
    const render = withDeadline<Locals, string>(source, compiled)
    return (locals) => {
      try {
        return render(locals)
      } catch (error) {
        throw explain(error, locals)
      }
    }
  } catch (error) {
    throw explain(error, {})
  }
}

/** `<%-` differs from `<%=` only in that it would print missing values as nothing. */
function checked(source: string): string {
  return source.replaceAll('<%-', '<%=')
}

/** How a value becomes part of a text. Throws for what would come out as nonsense. */
function text(value: unknown): string {
  if (value instanceof Secret) return value.reveal()
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      if (!Number.isFinite(value))
        throw new TemplateProblem(`an expression in a text comes to ${value}`, 'is a part of it text, not a number?')
      return String(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      throw new TemplateProblem('an expression in a text comes to nothing (undefined)')
    case 'object':
      if (value === null)
        throw new TemplateProblem('an expression in a text comes to null', "get('NAME', 'default') gives it a value")
      throw new TemplateProblem(
        `an expression in a text comes to a ${Array.isArray(value) ? 'list' : 'mapping'}`,
        Array.isArray(value) ? "join it: .join(', ')" : 'name the part of it that you mean',
      )
    default:
      throw new TemplateProblem(`an expression in a text comes to a ${typeof value}`)
  }
}

function readable(error: unknown, names: readonly string[], locals: Locals): TemplateProblem {
  if (!(error instanceof Error)) return new TemplateProblem(String(error))
  const place = placeOf(error.message)
  if (error instanceof ReportedProblem) return error
  if (error instanceof TemplateProblem) return new TemplateProblem(error.reason, error.hint, error.place ?? place)
  const reason = ownMessage(error.message)
  const missing = error instanceof ReferenceError ? /^(\S+) is not defined$/.exec(reason)?.[1] : undefined
  if (missing !== undefined) {
    return new TemplateProblem(`undefined variable: ${missing}`, referenceHint(missing, names, locals), place)
  }
  const unclosed = /^Could not find matching close tag for "(.*)"\.$/.exec(reason)?.[1]
  if (unclosed !== undefined) {
    return new TemplateProblem(`\`${unclosed}\` without \`%>\``, 'in YAML, put the whole value in quotes', place)
  }
  const known = error instanceof SyntaxError ? syntaxReason(reason) : nullReason(reason)
  return new TemplateProblem(known.reason, known.hint, place)
}

interface Reason {
  readonly reason: string
  readonly hint?: string
}

/** EJS puts the whole template between `try {` and `} catch`, which is where braces without a partner show. */
function syntaxReason(reason: string): Reason {
  if (reason === "Unexpected token 'catch'") return { reason: 'syntax error: a `{` without its `}`' }
  if (reason === 'Missing catch or finally after try') return { reason: 'syntax error: a `}` without its `{`' }
  return { reason: `syntax error: ${reason}` }
}

function nullReason(reason: string): Reason {
  const [, what, name] = /^Cannot read properties of (null|undefined) \(reading '(.*)'\)$/.exec(reason) ?? []
  if (what === undefined) return { reason }
  return {
    reason: `\`${name}\` is asked of something that is ${what}`,
    hint: "get('PATH', default) takes what may be missing",
  }
}

function referenceHint(name: string, names: readonly string[], locals: Locals): string {
  const { vars } = locals
  if (name === 'item' || name === 'loop_index') return 'only a task with `loop` has it'
  if (typeof vars === 'object' && vars !== null && name in vars) return `variables are called \`vars.${name}\``
  return suggestion(name, names, 'there are')
}

/** EJS puts `FILE:LINE`, an excerpt and an empty line in front, once for each include on the way. */
const HEADER = /(?:^|\n\n)([^\n]*):(\d+)\n(?: >> | {4})\d+\| /g

function placeOf(message: string): TemplatePlace | undefined {
  const [, file, line] = [...message.matchAll(HEADER)].at(-1) ?? []
  if (line === undefined) return undefined
  return { line: Number(line), ...(file === undefined || file === UNNAMED ? {} : { file }) }
}

function ownMessage(message: string): string {
  const isExcerpt = new RegExp(HEADER.source).test(message)
  const own = isExcerpt ? (message.split('\n\n').at(-1) ?? message) : (message.split('\n\n')[0] ?? message)
  return own.replace(/(?: in \S+)? while compiling ejs$/, '')
}
