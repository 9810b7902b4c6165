/**
 * The one way a value gets into a shell script: the `sh` tag. Text of the template is code, everything
 * interpolated is data and quoted, except another Script.
 */
import { MASK, Secret } from './secret.ts'

/** What may be interpolated into a script. Arrays become several words. */
export type Word = string | number | Buffer | Secret | Script | readonly (string | number | Secret)[]

/** A POSIX sh script, as bytes (file contents need not be UTF-8), with a form that is safe to show. */
export class Script {
  /** Bytes of the script as a latin1 string: one character a byte. */
  readonly #latin1: string
  /** The script with secrets masked, for logs and errors. */
  readonly display: string

  constructor(latin1: string, display: string) {
    this.#latin1 = latin1
    this.display = display
  }

  /** The script as it goes to the node. */
  bytes(): Buffer {
    return Buffer.from(this.#latin1, 'latin1')
  }

  /** True when there is nothing to run. */
  get isEmpty(): boolean {
    return this.#latin1.trim() === ''
  }

  /** Raw form for composing scripts; kept apart from `toString`, which must not leak secrets. */
  get latin1(): string {
    return this.#latin1
  }

  toString(): string {
    return this.display
  }
}

/** A script from fixed text that holds no data. Use {@link sh} wherever a value is interpolated. */
export function rawScript(text: string): Script {
  return new Script(toLatin1(text), text)
}

/**
 * Builds a {@link Script}: `` sh`ip link set ${name} up` ``. The text is taken raw, so `\n` reaches the shell as
 * backslash and n (as printf wants it); break the line for a line break. Throws on a NUL byte, which sh cannot hold.
 */
export function sh(strings: TemplateStringsArray, ...words: readonly Word[]): Script {
  let latin1 = toLatin1(strings.raw[0] ?? '')
  let display = strings.raw[0] ?? ''
  words.forEach((word, i) => {
    const quoted = quoteWord(word)
    const text = strings.raw[i + 1] ?? ''
    latin1 += quoted.latin1 + toLatin1(text)
    display += quoted.display + text
  })
  return new Script(latin1, display)
}

/**
 * Runs shell text of the user's own by another sh, with nothing to read. It gets the text through a pipe: an argument
 * may be read by everybody on the node, and ends at 128 KiB. `through` are words put before that sh: `timeout 30`.
 */
export function shellText(text: string, through: Script = rawScript('')): Script {
  return sh`printf '%s\n' ${text} | ( exec 3<&0 </dev/null; exec ${through} sh /proc/self/fd/3 )`
}

/** Joins scripts with a separator, a newline unless told otherwise. */
export function joinScripts(scripts: readonly Script[], separator = '\n'): Script {
  return new Script(scripts.map((s) => s.latin1).join(separator), scripts.map((s) => s.display).join(separator))
}

function quoteWord(word: Word): { latin1: string; display: string } {
  if (word instanceof Script) return { latin1: word.latin1, display: word.display }
  if (word instanceof Secret) return { latin1: quote(toLatin1(word.reveal())), display: MASK }
  if (Buffer.isBuffer(word)) return { latin1: quote(word.toString('latin1')), display: quote(word.toString('utf8')) }
  if (typeof word === 'object') {
    const parts = word.map((item) => quoteWord(item))
    return { latin1: parts.map((p) => p.latin1).join(' '), display: parts.map((p) => p.display).join(' ') }
  }
  const text = String(word)
  return { latin1: quote(toLatin1(text)), display: quote(text) }
}

/** Plain words stay bare for the reader's sake; all else is single-quoted. */
function quote(latin1: string): string {
  if (latin1.includes('\0')) throw new RangeError('a NUL byte cannot be passed to a shell')
  if (/^[A-Za-z0-9_@%+:,./-]+$/.test(latin1)) return latin1
  return `'${latin1.replaceAll("'", `'\\''`)}'`
}

function toLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
