/** Edits an encrypted file, or a YAML file with encrypted values, without plain text on a disk. */
import { existsSync, lstatSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Problem, PvectlError } from '../errors.ts'
import { parseYaml, type YamlDocument } from '../yaml/document.ts'
import { isMapping } from '../yaml/words.ts'
import { encrypt, isAgeFile } from './age.ts'
import { canMask, TOO_SHORT } from './mask.ts'
import { withPrivateFile } from './private-file.ts'
import { sealedIn } from './sealed.ts'
import { SecretStore } from './store.ts'
import { isSealed, rewriteValues } from './yaml-text.ts'

/** What editing needs. */
export interface EditOptions {
  readonly file: string
  /** The file as messages name it. */
  readonly shown: string
  readonly recipients: readonly string[]
  readonly secrets: SecretStore
  /** Opens a file in an editor; resolves to its exit code. */
  readonly openEditor: (file: string) => Promise<number>
  /** What is wrong is told, and the question is whether to edit again; false where there is nobody to ask. */
  readonly editAgain: (problems: readonly Problem[]) => Promise<boolean>
}

/** Edits a file. True when it was changed. Throws SECRET_FAILED; the file is as it was then. */
export async function editSecrets(options: EditOptions): Promise<boolean> {
  const { file, recipients } = options
  const whole = isWhole(options)
  const opened = whole ? await openWhole(options) : await openValues(options)
  const name = path.basename(file).replace(/\.age$/, '')
  const edited = await withPrivateFile(name, opened.text, (copy) => edit(copy, { name, whole }, options))
  if (edited === opened.text) return false
  const content = whole ? await encrypt(edited, recipients) : await closeValues(edited, opened.sealed, recipients)
  replaceFile(file, content)
  return true
}

/** True for a file that is encrypted from its first to its last byte. */
function isWhole({ file, shown }: EditOptions): boolean {
  if (existsSync(file)) return file.endsWith('.age') || isAgeFile(readFileSync(file))
  if (file.endsWith('.age')) return true
  throw new PvectlError('SECRET_FAILED', `there is no ${shown}`, {
    hint: `to begin a file that is encrypted as a whole, name it ${shown}.age`,
  })
}

interface Opened {
  readonly text: string
  /** Encrypted form by plain text, so that what stays the same stays the same in the file. */
  readonly sealed: ReadonlyMap<string, string>
}

async function openWhole({ file, shown, secrets }: EditOptions): Promise<Opened> {
  if (!existsSync(file)) return { text: '', sealed: new Map() }
  return { text: (await secrets.openFiles([file], () => shown)).get(file) ?? '', sealed: new Map() }
}

async function openValues({ file, shown, secrets }: EditOptions): Promise<Opened> {
  const source = readFileSync(file, 'utf8')
  parseYaml(source, shown, 'SECRET_FAILED')
  const sealed = new Map<string, string>()
  const text = await rewriteValues(
    source,
    async (value, offset) => {
      const line = source.slice(0, offset).split('\n').length
      const plain = await secrets.openText(value, { file: shown, line })
      sealed.set(plain, value)
      return plain
    },
    { tagged: true },
  )
  return { text, sealed }
}

async function closeValues(
  text: string,
  sealed: ReadonlyMap<string, string>,
  recipients: readonly string[],
): Promise<string> {
  const close = async (value: string) => (isSealed(value) ? value : (sealed.get(value) ?? encrypt(value, recipients)))
  return rewriteValues(text, close, { tagged: true })
}

async function edit(
  copy: string,
  { name, whole }: { readonly name: string; readonly whole: boolean },
  { openEditor, editAgain, shown }: EditOptions,
): Promise<string> {
  for (;;) {
    const code = await openEditor(copy)
    if (code !== 0) {
      throw new PvectlError('SECRET_FAILED', `the editor ended with ${code}, so ${shown} is as it was`, {
        hint: 'VISUAL or EDITOR names the editor to use',
      })
    }
    const text = readFileSync(copy, 'utf8')
    const problems = isYaml(name) ? yamlProblems(text, shown, whole) : []
    if (problems.length === 0) return text
    if (!(await editAgain(problems))) throw PvectlError.of('SECRET_FAILED', problems)
  }
}

/** True for a name of a file that must be YAML. */
export function isYaml(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name)
}

/**
 * What is wrong with YAML in plain text before it is encrypted, as a whole or in its values with `!age`. Told without
 * excerpts, which may show what nobody else should see.
 */
export function yamlProblems(text: string, shown: string, whole: boolean): readonly Problem[] {
  try {
    const document = parseYaml(text, shown, 'SECRET_FAILED')
    if (!whole) return shortValues(document)
    const top = isMapping(document.value) ? Object.entries(document.value) : []
    for (const [name, value] of top) new SecretStore().protect(value, () => document.locateKey([name]))
    return []
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    return error.problems.map(({ message, ...rest }) => ({ ...rest, message: message.split('\n')[0] ?? '' }))
  }
}

function shortValues({ value }: YamlDocument): readonly Problem[] {
  return sealedIn(value).flatMap(({ armored: text, location }) => (canMask(text) ? [] : [{ ...TOO_SHORT, location }]))
}

/** Writes beside the file and renames, so that it is there in whole at any time. A link stays a link. */
function replaceFile(file: string, content: string): void {
  const real = existsSync(file) && lstatSync(file).isSymbolicLink() ? realpathSync(file) : file
  const mode = statSync(real, { throwIfNoEntry: false })?.mode ?? 0o644
  const beside = path.join(path.dirname(real), `.${path.basename(real)}.pvectl-new`)
  writeFileSync(beside, content, { mode: mode & 0o777 })
  renameSync(beside, real)
}
