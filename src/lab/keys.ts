/** Key pairs of a lab: one to log in, one for each node to be known by. */
import { access, readFile } from 'node:fs/promises'
import { run } from './run.ts'

/** Creates an ed25519 key pair unless it exists; returns the public key, `ssh-ed25519 AAAA…`, without a comment. */
export async function ensureKey(file: string, comment: string): Promise<string> {
  const exists = await access(`${file}.pub`).then(
    () => true,
    () => false,
  )
  if (!exists) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file], { input: 'y\n' })
  return readPublicKey(`${file}.pub`)
}

/** A public key without its comment. */
export async function readPublicKey(file: string): Promise<string> {
  const [type, key] = (await readFile(file, 'utf8')).trim().split(/\s+/)
  return `${type} ${key}`
}
