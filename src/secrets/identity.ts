/** The private key of the user: where it lies, and how it is read. */
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { PvectlError, systemReason } from '../errors.ts'

/** Variables of the environment and the home folder, for tests. */
export interface IdentityOptions {
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv
  /** Default the home folder of the user. */
  readonly home?: string
}

/** `$PVECTL_AGE_IDENTITY`, else `pvectl/age.key` below `$XDG_CONFIG_HOME` or `~/.config`. */
export function identityPath({ env = process.env, home = homedir() }: IdentityOptions = {}): string {
  const named = env.PVECTL_AGE_IDENTITY
  if (named !== undefined && named !== '') return path.resolve(named.replace(/^~(?=\/)/, home))
  const config = env.XDG_CONFIG_HOME
  const folder = config !== undefined && path.isAbsolute(config) ? config : path.join(home, '.config')
  return path.join(folder, 'pvectl', 'age.key')
}

/**
 * Private keys of an identity file, one a line, as `age-keygen` writes it. Throws SECRET_FAILED when the file is
 * missing, when others than its owner may read it, or when it holds no key.
 */
export function readIdentities(file: string): readonly string[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined) {
    throw new PvectlError('SECRET_FAILED', `no key to decrypt with: ${file} is not there`, {
      hint: 'pvectl secrets init makes one; PVECTL_AGE_IDENTITY names another file',
    })
  }
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0')
    throw new PvectlError('SECRET_FAILED', `the key file ${file} is open to others (mode ${octal})`, {
      hint: `chmod 600 ${file}`,
    })
  }
  return keysIn(readText(file), file)
}

function keysIn(text: string, file: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  const wrong = keys.findIndex((line) => !/^AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+$/.test(line))
  if (keys.length > 0 && wrong === -1) return keys
  const location = keys.length === 0 ? { file } : { file, line: lines.indexOf(keys[wrong] ?? '') + 1 }
  throw new PvectlError('SECRET_FAILED', 'this is no age key file: a key is a line `AGE-SECRET-KEY-1…`', {
    hint: 'keys with a passphrase, of plugins and of ssh are not supported; pvectl secrets init makes a plain one',
    location,
  })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new PvectlError('SECRET_FAILED', `the key file cannot be read: ${systemReason(error)}`, { cause: error })
  }
}
