/** YAML syntax errors in the words of pvectl. */
import type { YAMLError } from 'yaml'
import type { Problem } from '../errors.ts'

/** An error or warning of the parser as a problem with an excerpt and, where the cause is a common one, a hint. */
export function syntaxProblem(error: YAMLError, text: string, file: string): Problem {
  const [start] = error.linePos ?? []
  const line = start === undefined ? '' : (text.split('\n')[start.line - 1] ?? '')
  const location = start === undefined ? { file } : { file, line: start.line, column: start.col }
  const hint = hintFor(error, line)
  const excerpt = start === undefined || line.trim() === '' ? '' : `\n${caret(line, start.col)}`
  return { message: `${wording(error)}${excerpt}`, location, ...(hint === undefined ? {} : { hint }) }
}

function wording(error: YAMLError): string {
  const message = (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')
  if (error.code === 'DUPLICATE_KEY') return 'the same key stands twice in one mapping'
  if (error.code === 'TAG_RESOLVE_FAILED') return message.replace(/^Unresolved tag:/, 'unknown YAML tag')
  return message.charAt(0).toLowerCase() + message.slice(1)
}

function hintFor(error: YAMLError, line: string): string | undefined {
  if (line.includes('!vault')) return 'files of ansible-vault are not supported; decrypt the value first'
  if (line.includes('<%')) return 'put a value that contains <% %> in quotes, the whole of it'
  if (line.includes('{{')) return 'Jinja is not understood here; write "<%= vars.NAME %>", in quotes'
  if (/(^|[\s[,])\*(?![\w])/.test(line)) return 'put a text that begins with `*` in quotes: YAML takes it for an alias'
  if (/^\s*\t/.test(line)) return 'indent with spaces; YAML allows no tabs there'
  switch (error.code) {
    case 'DUPLICATE_KEY':
      return 'keep one of them'
    case 'TAG_RESOLVE_FAILED':
      return 'put a text that begins with `!` in quotes: YAML takes it for a tag'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'put a text with `: ` in it in quotes, or mend the indentation'
    default:
      return undefined
  }
}

/** Line and a mark under the column, cut to what fits a terminal. */
function caret(line: string, column: number): string {
  const from = column > 60 ? column - 40 : 0
  const cut = line.slice(from, from + 76)
  return `    ${cut}\n    ${cut.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')}^`
}
