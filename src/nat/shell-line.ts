/**
 * Reads the shell text of a hook as far as needed to find the iptables calls in it. What is not understood for sure
 * (expansions, subshells, here documents) makes a word opaque: no rule is ever read from it.
 */

/** A word of a command: its value, or undefined where only a shell could tell. */
export type ShellWord = string | undefined

/** One simple command of a line. */
export interface ShellCommand {
  readonly words: readonly ShellWord[]
  /** Where its words stand in the line: from the first one to the end of the last. */
  readonly start: number
  readonly end: number
  /** What joins it to the one before: `;` for the first. */
  readonly joint: string
  /** It stands within `if`, braces or the like, so whether it runs is not said by joints alone. */
  readonly nested: boolean
}

interface Token {
  readonly kind: 'word' | 'operator'
  readonly text: ShellWord
  readonly start: number
  readonly end: number
}

/** Splits a line into simple commands; redirections are passed over. `iface` is what `$IFACE` stands for. */
export function shellCommands(line: string, iface: string): readonly ShellCommand[] {
  const commands: ShellCommand[] = []
  let current: Token[] = []
  let joint = ';'
  let nested = false
  const finish = (next: string) => {
    const body = current.findIndex(({ text }) => text === undefined || !RESERVED.has(text))
    nested ||= body !== 0 && current.length > 0
    const run = body < 0 ? [] : current.slice(body)
    const [first] = run
    const last = run.at(-1)
    if (first !== undefined && last !== undefined)
      commands.push({ words: run.map(({ text }) => text), start: first.start, end: last.end, joint, nested })
    nested ||= next === '(' || next === ')'
    current = []
    joint = next
  }
  for (const token of tokens(line, iface)) {
    if (token.kind === 'operator') finish(token.text ?? ';')
    else current.push(token)
  }
  finish(';')
  return commands
}

const RESERVED = new Set(['if', 'then', 'elif', 'else', 'fi', '!', '{', '}', 'while', 'until', 'do', 'done'])

function tokens(line: string, iface: string): readonly Token[] {
  const found: Token[] = []
  let at = 0
  while (at < line.length) {
    const rest = line.slice(at)
    const skipped = /^[ \t]+/.exec(rest) ?? REDIRECTION.exec(rest)
    if (skipped !== null) {
      at += skipped[0].length
      continue
    }
    if (rest.startsWith('#')) break
    const operator = /^(\|\||&&|;;?|\||&|[()])/.exec(rest)?.[0]
    const text = operator ?? WORD.exec(rest)?.[0] ?? rest
    const kind = operator === undefined ? 'word' : 'operator'
    found.push({
      kind,
      text: operator ?? unquote(text.replace(/\$IFACE(?!\w)|\$\{IFACE\}/g, iface)),
      start: at,
      end: at + text.length,
    })
    at += text.length
  }
  return found
}

const WORD = /^(?:[^ \t;|&()<>'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/
const REDIRECTION =
  /^(?:\d*(?:>>?|<)(?:&[\d-]|[ \t]*(?:[^ \t;|&()<>'"\\]|'[^']*'|"[^"]*")+)|&>>?[ \t]*[^ \t;|&()<>'"\\]+)/

/** An IPv6 address with port: a pattern to a shell, and in effect itself. */
const BRACKETED = /^\[[0-9a-fA-F:.]+\](?::[\d/-]+)?$/

/** The value of a word; undefined when it expands to something, or its quotes do not close. */
function unquote(text: string): ShellWord {
  if (BRACKETED.test(text)) return text
  let value = ''
  let rest = text
  while (rest !== '') {
    const [part = '', single, double, escaped, plain] =
      /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^'"\\]+))/.exec(rest) ?? []
    if (part === '' || (double !== undefined && /[$`]/.test(double)) || (plain !== undefined && /[$`*?[~]/.test(plain)))
      return undefined
    value += single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? plain ?? ''
    rest = rest.slice(part.length)
  }
  return value
}
