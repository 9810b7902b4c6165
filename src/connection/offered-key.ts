/** The public key that a login will offer first: the one that a node must know. */
import { readFile } from 'node:fs/promises'
import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { expandHome } from './home.ts'
import { createKeyChain, type KeyOptions } from './keys.ts'
import type { Target } from './target.ts'

/** The line for authorized_keys of the key that is offered first to a target. Rejects as connecting does without a key. */
export async function offeredKeyLine(target: Target, options: KeyOptions): Promise<string> {
  const chain = createKeyChain(options)
  const [identity] = await chain.identities.of(target)
  if (identity === undefined) throw new RangeError('identities are never empty')
  const blob = identity.publicKey.getPublicSSH().toString('base64')
  const comment = (await commentOf(target, blob, options.homeDir ?? homedir())) ?? identity.publicKey.comment
  return `${identity.publicKey.type} ${blob} ${comment || `${userInfo().username}@${hostname()}`}`
}

/** The comment is in the `.pub` file beside the key, where there is one. */
async function commentOf(target: Target, blob: string, homeDir: string): Promise<string | undefined> {
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(homeDir, '.ssh', name))
  const files = target.keyFiles.length > 0 ? target.keyFiles.map((file) => expandHome(file, homeDir)) : usual
  for (const file of files) {
    const text = await readFile(file.endsWith('.pub') ? file : `${file}.pub`, 'utf8').catch(() => '')
    const [, key, ...comment] = text.trim().split(/\s+/)
    if (key === blob && comment.length > 0) return comment.join(' ')
  }
  return undefined
}
