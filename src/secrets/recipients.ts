/** Public keys that a project encrypts for. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Problem, PvectlError } from '../errors.ts'
import { displayPath } from '../yaml/display-path.ts'
import { checkRecipient } from './age.ts'

/** Name of the file with public keys, one a line; it lies beside the inventory and belongs into version control. */
export const RECIPIENTS_FILE = '.age-recipients'

const HEADER = '# Public keys that secrets of this inventory are encrypted for. One a line.\n'

/** Folders above a file of variables that can be its inventory's, as in `prod/group_vars/pve/file.yml`. */
const LEVELS = 3

/** The nearest file of recipients in a folder or above it, but not above `cwd`; undefined when there is none. */
export function findRecipients(folder: string, cwd: string, levels = LEVELS): string | undefined {
  const file = path.join(folder, RECIPIENTS_FILE)
  if (existsSync(file)) return file
  const isLast = levels === 0 || path.resolve(folder) === path.resolve(cwd)
  return isLast ? undefined : findRecipients(path.dirname(folder), cwd, levels - 1)
}

/** Public keys for files of a folder. Throws SECRET_FAILED when there are none, or a line is none. */
export async function readRecipients(folder: string, cwd: string): Promise<readonly string[]> {
  const file = findRecipients(folder, cwd)
  if (file === undefined) {
    const shown = displayPath(path.join(folder, RECIPIENTS_FILE), cwd)
    throw new PvectlError('SECRET_FAILED', `whom to encrypt for? There is no ${shown}`, {
      hint: 'pvectl secrets init writes one with your public key',
    })
  }
  const shown = displayPath(file, cwd)
  const keys: string[] = []
  const problems: Problem[] = []
  for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const key = (line.split('#')[0] ?? '').trim()
    if (key === '') continue
    const reason = await complaint(key)
    if (reason === undefined) keys.push(key)
    else problems.push({ ...reason, location: { file: shown, line: index + 1 } })
  }
  if (problems.length === 0 && keys.length === 0)
    problems.push({ message: 'no public keys', location: { file: shown } })
  if (problems.length > 0) throw PvectlError.of('SECRET_FAILED', problems)
  return keys
}

/** Adds a public key where it is not listed yet. Tells whether it was added. */
export function addRecipient(file: string, recipient: string, comment: string): boolean {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  if (text?.split('\n').some((line) => (line.split('#')[0] ?? '').trim() === recipient) === true) return false
  const entry = `${recipient} # ${comment}\n`
  if (text === undefined) writeFileSync(file, `${HEADER}${entry}`, { flag: 'wx' })
  else appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${entry}`)
  return true
}

async function complaint(key: string): Promise<Problem | undefined> {
  if (key.toUpperCase().startsWith('AGE-SECRET-KEY')) {
    return {
      message: 'this is a private key, and whoever reads this file can open all secrets',
      hint: 'remove it here and from version control, make a new key, and encrypt everything again',
    }
  }
  try {
    await checkRecipient(key)
    return undefined
  } catch {
    const hint = key.startsWith('ssh-')
      ? 'keys of ssh are not supported; pvectl secrets init makes one of age'
      : 'public keys begin with `age1`'
    return { message: 'this is no public key of age', hint }
  }
}
