/** Private key files of one run: each is read once, and its passphrase asked once, however many nodes use it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import ssh2, { type ParsedKey } from 'ssh2'
import { PvectlError } from '../errors.ts'
import { expandHome } from './home.ts'
import { type KeyFormat, keyFormat } from './key-file.ts'
import type { Secret } from './secret.ts'

/** Asks the user for the passphrase of a key file; undefined when there is nobody to ask or the user gave up. */
export type AskPassphrase = (keyFile: string) => Promise<Secret | undefined>

/** A readable key file. */
export interface KeyFile {
  /** Absolute, as far as the user wrote it so. */
  readonly path: string
  readonly kind: 'private' | 'public'
  readonly encrypted: boolean
  /** SSH wire format; unknown for an encrypted PEM file without a `.pub` file beside it. */
  readonly publicKey: Buffer | undefined
}

/** Loads and unlocks key files. */
export interface Keyring {
  /** False when encrypted keys can only be used through the agent. */
  readonly canAsk: boolean
  /** Rejects with KEY_UNREADABLE. */
  load(path: string): Promise<KeyFile>
  /** Those of the usual files in ~/.ssh that exist and can be read, best first. */
  defaults(): Promise<readonly KeyFile[]>
  /** The usable key. Asks for a passphrase up to three times; rejects with KEY_UNREADABLE. */
  unlock(file: KeyFile): Promise<ParsedKey>
}

const DEFAULT_NAMES = ['id_ed25519', 'id_ecdsa', 'id_rsa']
const TRIES = 3

/** A keyring for one run. `homeDir` is what `~` means; without `ask` encrypted files cannot be unlocked. */
export function createKeyring(homeDir: string, ask?: AskPassphrase): Keyring {
  const files = new Map<string, Promise<KeyFile>>()
  const keys = new Map<string, Promise<ParsedKey>>()
  const oneAtATime = pLimit(1)
  const load = (path: string) => once(files, path, () => loadFile(expandHome(path, homeDir)))
  return {
    canAsk: ask !== undefined,
    load,
    async defaults() {
      const paths = DEFAULT_NAMES.map((name) => join(homeDir, '.ssh', name))
      const loaded = await Promise.allSettled(paths.map((path) => load(path)))
      return loaded.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    },
    unlock(file) {
      if (!file.encrypted) return once(keys, file.path, () => openKey(file))
      return once(keys, file.path, () => oneAtATime(() => openEncrypted(file, ask)))
    },
  }
}

/** The error for a key file that cannot be used. */
export function keyUnreadable(path: string, reason: string, hint: string, cause?: unknown): PvectlError {
  return new PvectlError('KEY_UNREADABLE', `cannot use the SSH key ${path}: ${reason}`, { hint, cause })
}

function once<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const value = cache.get(key) ?? make()
  cache.set(key, value)
  return value
}

async function loadFile(path: string): Promise<KeyFile> {
  const format = keyFormat(await readKey(path))
  if (format.kind === 'unusable') throw unusable(path, format)
  if (format.kind === 'public') return { path, kind: 'public', encrypted: false, publicKey: format.publicKey }
  const publicKey = format.publicKey ?? (await publicHalf(path))
  return { path, kind: 'private', encrypted: format.encrypted, publicKey }
}

async function readKey(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw keyUnreadable(path, 'there is no such file', 'correct the path in the inventory', error)
    const reason = code === 'EISDIR' ? 'it is a directory' : `it cannot be read (${code ?? String(error)})`
    throw keyUnreadable(path, reason, 'correct the path in the inventory or the permissions of the file', error)
  }
}

/** Of an encrypted PEM file, the `.pub` file beside it tells the public key without a passphrase. */
async function publicHalf(path: string): Promise<Buffer | undefined> {
  const format = keyFormat(await readFile(`${path}.pub`).catch(() => Buffer.alloc(0)))
  return format.kind === 'public' ? format.publicKey : undefined
}

async function openKey(file: KeyFile): Promise<ParsedKey> {
  const key = parse(await readKey(file.path))
  if (key instanceof Error) throw unusable(file.path, { kind: 'unusable', reason: key.message, remedy: 'convert' })
  return key
}

async function openEncrypted(file: KeyFile, ask: AskPassphrase | undefined): Promise<ParsedKey> {
  if (ask === undefined) throw locked(file.path, 'it is encrypted, and there is no terminal to ask for its passphrase')
  const bytes = await readKey(file.path)
  for (let i = 0; i < TRIES; i++) {
    const passphrase = await ask(file.path)
    if (passphrase === undefined) throw locked(file.path, 'it is encrypted, and no passphrase was given')
    const key = parse(bytes, passphrase)
    if (!(key instanceof Error)) return key
  }
  throw locked(file.path, 'it is encrypted, and the passphrase was wrong')
}

function parse(bytes: Buffer, passphrase?: Secret): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(bytes, passphrase?.reveal())
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  return key ?? new Error('it holds no key')
}

function locked(path: string, reason: string): PvectlError {
  return keyUnreadable(path, reason, `add the key to the SSH agent: ssh-add ${path}`)
}

function unusable(path: string, format: Extract<KeyFormat, { kind: 'unusable' }>): PvectlError {
  const hint =
    format.remedy === 'convert'
      ? `convert a copy of it to the OpenSSH format: ssh-keygen -p -f ${path} -Z aes256-ctr`
      : 'name another key in the inventory'
  return keyUnreadable(path, format.reason, hint)
}
