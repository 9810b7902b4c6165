/** `pvectl secrets init`. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { generateKey, recipientOf } from '../secrets/age.ts'
import { identityPath, readIdentities } from '../secrets/identity.ts'
import { addRecipient, findRecipients, RECIPIENTS_FILE } from '../secrets/recipients.ts'
import { displayPath } from '../yaml/display-path.ts'
import { inventoryFolder } from './secrets-files.ts'

/** What was made and what was there. */
export interface SecretsInitReport {
  readonly identity: string
  readonly created: boolean
  /** Public key. */
  readonly recipient: string
  readonly recipients: string
  /** False: it was listed already. */
  readonly added: boolean
}

/** Makes a key unless there is one, and lists its public key beside the inventory. */
export async function initSecrets(inventory: string, cwd: string): Promise<SecretsInitReport> {
  const identity = identityPath()
  const created = !existsSync(identity)
  const recipient = created ? await writeKey(identity) : await recipientOf(readIdentities(identity)[0] ?? '')
  const folder = inventoryFolder(inventory, cwd)
  const file = findRecipients(folder, cwd) ?? path.join(folder, RECIPIENTS_FILE)
  const added = addRecipient(file, recipient, `${userInfo().username}@${hostname()}`)
  return { identity, created, recipient, recipients: displayPath(file, cwd), added }
}

/** What to tell the user. */
export function initText({ identity, created, recipient, recipients, added }: SecretsInitReport): string {
  return [
    created ? `created  ${identity} (keep it to yourself, and keep a copy of it)` : `kept     ${identity}`,
    `${added ? 'added to' : 'is in'}  ${recipients} (belongs into version control)`,
    '',
    `Your public key: ${recipient}`,
    '',
    'Next: pvectl secrets encrypt --name db_password',
  ].join('\n')
}

async function writeKey(file: string): Promise<string> {
  const { identity, recipient } = await generateKey()
  const text = `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new PvectlError('SECRET_FAILED', `the key cannot be written: ${(error as Error).message}`, { cause: error })
  }
  return recipient
}
