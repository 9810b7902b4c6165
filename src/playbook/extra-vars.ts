/** `--extra-vars`: variables from the command line. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type ErrorCode, PvectlError, systemReason } from '../errors.ts'
import { parseYaml } from '../yaml/document.ts'
import { utf8Text } from '../yaml/utf8.ts'
import { isMapping } from '../yaml/words.ts'

/**
 * Merges the arguments of `--extra-vars`, later ones win. `name=value` gives text, except that whole numbers without
 * leading zero, `true`, `false` and `null` get their own type; `@FILE` is a YAML file; `{…}` is YAML or JSON.
 * Throws USAGE.
 */
export function parseExtraVars(args: readonly string[], cwd: string): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...args.map((argument) => parseOne(argument.trim(), cwd)))
}

function parseOne(argument: string, cwd: string): Readonly<Record<string, unknown>> {
  if (argument.startsWith('@')) return fromFile(argument.slice(1), cwd)
  if (argument.startsWith('{')) return mapping(argument, '--extra-vars', 'USAGE')
  const match = /^([A-Za-z_$][\w$-]*)=([\s\S]*)$/.exec(argument)
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new PvectlError('USAGE', `--extra-vars: cannot read \`${argument}\``, {
      hint: 'write name=value, @FILE, or a mapping such as {"vlan": 20}',
    })
  }
  return { [match[1]]: scalar(match[2]) }
}

function fromFile(name: string, cwd: string): Readonly<Record<string, unknown>> {
  let bytes: Buffer
  try {
    bytes = readFileSync(path.resolve(cwd, name))
  } catch (error) {
    throw new PvectlError('USAGE', `--extra-vars: cannot read ${name}: ${systemReason(error)}`, { cause: error })
  }
  return mapping(utf8Text(bytes, name, 'USAGE'), name, 'USAGE')
}

function mapping(text: string, file: string, code: ErrorCode): Readonly<Record<string, unknown>> {
  const { value } = parseYaml(text, file, code)
  if (value === null) return {}
  if (!isMapping(value)) throw new PvectlError(code, `${file}: variables must be a mapping of names to values`)
  return value
}

function scalar(text: string): unknown {
  if (/^-?(0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  const words: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }
  return Object.hasOwn(words, text) ? words[text] : text
}
