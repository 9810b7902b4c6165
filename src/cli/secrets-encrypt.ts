/** `pvectl secrets encrypt` and `decrypt`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PvectlError, systemReason } from '../errors.ts'
import { encrypt, isAgeFile } from '../secrets/age.ts'
import { isYaml, yamlProblems } from '../secrets/edit.ts'
import { canMask, TOO_SHORT } from '../secrets/mask.ts'
import { readRecipients } from '../secrets/recipients.ts'
import { SecretStore } from '../secrets/store.ts'
import { rewriteValues } from '../secrets/yaml-text.ts'
import { displayPath } from '../yaml/display-path.ts'
import { parseYaml } from '../yaml/document.ts'
import { askSecret, inventoryFolder, readStdin } from './secrets-files.ts'

/** What to encrypt a value for. */
export interface EncryptValue {
  readonly inventory: string
  /** Variable to write in front. */
  readonly name: string | undefined
  readonly cwd: string
}

/** Encrypts a value from standard input, or asked for on a terminal. Gives YAML to paste. */
export async function encryptValue({ inventory, name, cwd }: EncryptValue): Promise<string> {
  const recipients = await readRecipients(inventoryFolder(inventory, cwd), cwd)
  const text = process.stdin.isTTY ? await askSecret() : withoutLineBreak((await readStdin()).toString('utf8'))
  if (!canMask(text)) throw PvectlError.of('SECRET_FAILED', [TOO_SHORT])
  const lines = (await encrypt(text, recipients)).trimEnd().split('\n')
  return [`${name === undefined ? '' : `${name}: `}!age |`, ...lines.map((line) => `  ${line}`)].join('\n')
}

/** Encrypts a file into one beside it and leaves the plain one to the user. Gives what to tell. */
export async function encryptFile(name: string, cwd: string): Promise<string> {
  const file = path.resolve(cwd, name)
  const shown = displayPath(file, cwd)
  const target = `${file}.age`
  const content = read(file, shown)
  if (isAgeFile(content)) throw new PvectlError('USAGE', `${shown} is encrypted already`)
  const problems = isYaml(file) ? yamlProblems(content.toString('utf8'), shown, true) : []
  if (problems.length > 0) throw PvectlError.of('SECRET_FAILED', problems)
  if (existsSync(target)) {
    const hint = `pvectl secrets edit ${shown}.age`
    throw new PvectlError('USAGE', `${shown}.age is there already, and stays as it is`, { hint })
  }
  const recipients = await readRecipients(path.dirname(file), cwd)
  writeFileSync(target, await encrypt(content, recipients), { flag: 'wx' })
  return [
    `wrote ${shown}.age, encrypted for ${recipients.length} ${recipients.length === 1 ? 'key' : 'keys'}`,
    `The plain file is still there. When you have looked at the result (pvectl secrets decrypt ${shown}.age):`,
    `  shred -u ${shown}`,
  ].join('\n')
}

/** Plain text of an encrypted file, of a YAML file with encrypted values, or of what comes by standard input (`-`). */
export async function decryptText(name: string, cwd: string): Promise<string> {
  const file = path.resolve(cwd, name)
  const shown = name === '-' ? 'standard input' : displayPath(file, cwd)
  const content = name === '-' ? await readStdin() : read(file, shown)
  const secrets = new SecretStore()
  if (isAgeFile(content)) return secrets.openText(content.toString('latin1'), { file: shown })
  const source = content.toString('utf8')
  if (!source.includes('!age')) {
    throw new PvectlError('SECRET_FAILED', 'nothing is encrypted here', { location: { file: shown } })
  }
  parseYaml(source, shown, 'SECRET_FAILED')
  const open = (value: string, offset: number) =>
    secrets.openText(value, { file: shown, line: source.slice(0, offset).split('\n').length })
  return rewriteValues(source, open, { tagged: false })
}

/** A line typed or echoed ends in a line break that is not meant; text of several lines is kept as it is. */
function withoutLineBreak(text: string): string {
  return /^[^\n]*\r?\n$/.test(text) ? text.trimEnd() : text
}

function read(file: string, shown: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new PvectlError('USAGE', `cannot read ${shown}: ${systemReason(error)}`, { cause: error })
  }
}
