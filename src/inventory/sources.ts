/** Reads the files that make up an inventory. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Location, type Problem, PvectlError, systemReason } from '../errors.ts'
import { suggestion } from '../suggest.ts'
import { parseYaml, type YamlDocument } from '../yaml/document.ts'
import { utf8Text } from '../yaml/utf8.ts'
import { isMapping, valueText } from '../yaml/words.ts'
import { looksLikeIni, variableHint } from './ansible.ts'

/** A value with its place. */
export interface Setting {
  readonly value: unknown
  readonly location: Location
}

/** Values by name, each with its place. */
export type Settings = ReadonlyMap<string, Setting>

/** Reads and parses the main file, or `given` in its place. Throws INVENTORY_INVALID. */
export function readMain(file: string, shown: string, given?: string): YamlDocument {
  const text = given ?? readText(file, shown)
  if (looksLikeIni(text)) {
    throw new PvectlError('INVENTORY_INVALID', 'this is an inventory in INI format; pvectl reads YAML', {
      hint: 'write it as `all: {hosts: {NAME: {address: …}}}`; `ansible-inventory --list --yaml` helps to convert',
      location: { file: shown },
    })
  }
  return parseYaml(text, shown, 'INVENTORY_INVALID')
}

/** Variables of `group_vars` or `host_vars`. */
export interface VarsFolder {
  readonly vars: ReadonlyMap<string, Settings>
  readonly problems: readonly Problem[]
}

/** What to read, and whom the files may be for. */
export interface VarsFolderOptions {
  readonly dir: string
  readonly kind: 'group' | 'host'
  /** Names of the groups or hosts. */
  readonly known: readonly string[]
  /** Complain of files for unknown names; false where several inventories share the folder. */
  readonly strict: boolean
  /** Path as shown in messages. */
  readonly show: (file: string) => string
  /** Encrypted files, opened; without it they are left out. */
  readonly encrypted?: EncryptedFiles | undefined
}

/** Encrypted files of variables, opened. */
export interface EncryptedFiles {
  /** Plain text by path. */
  readonly texts: ReadonlyMap<string, string>
  /** Turns what a file says into secrets. Throws SECRET_FAILED for what cannot be one. */
  protect(value: unknown, where: () => Location): unknown
}

/** Files of variables that are encrypted as a whole: NAME.yml.age, for names of `known`. */
export function encryptedFiles(dir: string, kind: 'group' | 'host', known: readonly string[]): readonly string[] {
  return varsEntries(path.join(dir, `${kind}_vars`), known).flatMap(({ name, files }) =>
    known.includes(name) ? files.filter((file) => file.endsWith(ENCRYPTED)) : [],
  )
}

const ENCRYPTED = '.age'

/** Reads `group_vars` or `host_vars`: NAME.yml, or all YAML files of a folder NAME in order of their names. */
export function readVarsFolder(options: VarsFolderOptions): VarsFolder {
  const { dir, kind, known, strict, show, encrypted } = options
  const folder = path.join(dir, `${kind}_vars`)
  const vars = new Map<string, Settings>()
  const problems: Problem[] = []
  for (const { name, files } of varsEntries(folder, known)) {
    if (!known.includes(name)) {
      if (strict) problems.push(strayFile(name, files[0] ?? folder, kind, known, show))
      continue
    }
    const merged = new Map(vars.get(name))
    for (const file of files) {
      try {
        const settings = file.endsWith(ENCRYPTED)
          ? readEncrypted(file, show(file), kind, encrypted, problems)
          : readVars(readText(file, show(file)), show(file), kind, problems)
        for (const [key, setting] of settings) merged.set(key, setting)
      } catch (error) {
        if (!(error instanceof PvectlError)) throw error
        problems.push(...error.problems)
      }
    }
    vars.set(name, merged)
  }
  return { vars, problems }
}

interface VarsEntry {
  readonly name: string
  readonly files: readonly string[]
}

function varsEntries(folder: string, known: readonly string[]): readonly VarsEntry[] {
  return list(folder).flatMap((entry) => {
    const full = path.join(folder, entry)
    if (statSync(full).isDirectory()) {
      const inside = list(full).filter((name) => /\.(ya?ml|json)(\.age)?$/.test(name))
      return [{ name: entry, files: inside.map((name) => path.join(full, name)) }]
    }
    // Without extension a file counts too, as in Ansible; a host name may well contain dots.
    if (path.extname(entry) === '' || known.includes(entry)) return [{ name: entry, files: [full] }]
    const match = /^(.+)\.(ya?ml|json)(\.age)?$/.exec(entry)
    return match?.[1] === undefined ? [] : [{ name: match[1], files: [full] }]
  })
}

function list(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  return readdirSync(folder)
    .filter((name) => !/^\.|~$/.test(name))
    .sort()
}

/** What stands in an encrypted file is told to nobody, not even as an excerpt of a syntax error. */
function readEncrypted(
  file: string,
  shown: string,
  kind: 'group' | 'host',
  encrypted: EncryptedFiles | undefined,
  problems: Problem[],
): Settings {
  const text = encrypted?.texts.get(file)
  if (encrypted === undefined || text === undefined) return new Map()
  const settings = new Map<string, Setting>()
  for (const [name, { value, location }] of readHidden(text, shown, kind, problems)) {
    settings.set(name, { value: encrypted.protect(value, () => location), location })
  }
  return settings
}

function readHidden(text: string, shown: string, kind: 'group' | 'host', problems: Problem[]): Settings {
  try {
    const own: Problem[] = []
    const settings = readVars(text, shown, kind, own)
    problems.push(...own.map((problem) => ({ ...problem, message: problem.message.replace(/, not .*/s, '') })))
    return settings
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    const hint = `pvectl secrets edit ${shown}`
    throw PvectlError.of(
      error.code,
      error.problems.map(({ location = { file: shown } }) => ({
        message: 'what is encrypted here is no valid YAML',
        hint,
        location,
      })),
    )
  }
}

function readVars(text: string, shown: string, kind: 'group' | 'host', problems: Problem[]): Settings {
  if (text.startsWith('$ANSIBLE_VAULT')) {
    problems.push({
      message: 'this file is encrypted by ansible-vault, which pvectl cannot read',
      hint: 'decrypt it: ansible-vault decrypt FILE',
      location: { file: shown },
    })
    return new Map()
  }
  const document = parseYaml(text, shown, 'INVENTORY_INVALID')
  if (document.value === null) return new Map()
  if (!isMapping(document.value)) {
    problems.push({
      message: `variables must be a mapping of names to values, not ${valueText(document.value)}`,
      location: document.locate([]),
    })
    return new Map()
  }
  return settingsOf(document, [], document.value, kind, problems)
}

/** The variables of a mapping within a document, checked for what Ansible would take as settings. */
export function settingsOf(
  document: YamlDocument,
  base: readonly PropertyKey[],
  mapping: Readonly<Record<string, unknown>>,
  kind: 'group' | 'host',
  problems: Problem[],
): Settings {
  const settings = new Map<string, Setting>()
  for (const [name, value] of Object.entries(mapping)) {
    const location = document.locateKey([...base, name])
    const hint = variableHint(name, kind)
    if (hint !== undefined)
      problems.push({ message: `the variable \`${name}\` has no effect in pvectl`, hint, location })
    settings.set(name, { value, location })
  }
  return settings
}

function strayFile(
  name: string,
  file: string,
  kind: string,
  known: readonly string[],
  show: (file: string) => string,
): Problem {
  return {
    message: `variables for a ${kind} \`${name}\` that the inventory does not have`,
    hint: suggestion(name, known, `${kind}s`),
    location: { file: show(file) },
  }
}

function readText(file: string, shown: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new PvectlError('INVENTORY_INVALID', `cannot be read: ${systemReason(error)}`, {
      location: { file: shown },
      cause: error,
    })
  }
  return utf8Text(bytes, shown, 'INVENTORY_INVALID')
}
