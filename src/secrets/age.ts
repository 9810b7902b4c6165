/** The only user of age-encryption, which is loaded when first needed. */
import { PvectlError } from '../errors.ts'

/** First line of an age file in text form. */
export const ARMOR_BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----'
const ARMOR_END = '-----END AGE ENCRYPTED FILE-----'
const BINARY_BEGIN = 'age-encryption.org/'

/** A private key and its public counterpart, in age's own notation. */
export interface KeyPair {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string
  /** `age1…` */
  readonly recipient: string
}

/** Makes a new key. */
export async function generateKey(): Promise<KeyPair> {
  const age = await import('age-encryption')
  const identity = await age.generateX25519Identity()
  return { identity, recipient: await age.identityToRecipient(identity) }
}

/** The public key of a private one. Throws when the text is no private key. */
export async function recipientOf(identity: string): Promise<string> {
  const age = await import('age-encryption')
  return age.identityToRecipient(identity)
}

/** Throws, with the reason, for what is no public key that can be encrypted for. */
export async function checkRecipient(recipient: string): Promise<void> {
  const age = await import('age-encryption')
  new age.Encrypter().addRecipient(recipient)
}

/** Encrypts for several recipients, as text. Two calls never give the same. */
export async function encrypt(plain: string | Buffer, recipients: readonly string[]): Promise<string> {
  const age = await import('age-encryption')
  const encrypter = new age.Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  return age.armor.encode(await encrypter.encrypt(typeof plain === 'string' ? plain : new Uint8Array(plain)))
}

/** True for the content of an age file, armored or binary. */
export function isAgeFile(content: Buffer): boolean {
  const start = content.subarray(0, 200).toString('latin1').trimStart()
  return start.startsWith(ARMOR_BEGIN) || start.startsWith(BINARY_BEGIN)
}

/**
 * Decrypts an age file, armored or binary; armor may be indented. Throws SECRET_FAILED without a location, which the
 * caller knows.
 */
export async function decrypt(encrypted: Buffer, identities: readonly string[]): Promise<Buffer> {
  const age = await import('age-encryption')
  const decrypter = new age.Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  let binary: Uint8Array = encrypted
  try {
    const text = encrypted.toString('latin1')
    if (!text.startsWith(BINARY_BEGIN)) binary = age.armor.decode(withoutIndent(text))
    return Buffer.from(await decrypter.decrypt(new Uint8Array(binary)))
  } catch (error) {
    throw explain(error, binary)
  }
}

/** Lines without the indentation that YAML, mail or a terminal gave them. */
function withoutIndent(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  const begin = lines.indexOf(ARMOR_BEGIN)
  const end = lines.lastIndexOf(ARMOR_END)
  return begin === -1 || end === -1 ? lines.join('\n') : lines.slice(begin, end + 1).join('\n')
}

function explain(cause: unknown, binary: Uint8Array): PvectlError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (!reason.startsWith('no identity matched')) {
    return new PvectlError('SECRET_FAILED', `the encrypted text is damaged (${reason || 'it ends too early'})`, {
      hint: 'take it from version control again, or encrypt the value anew: pvectl secrets encrypt',
      cause,
    })
  }
  const kinds = stanzaKinds(binary)
  if (kinds.includes('scrypt')) {
    return new PvectlError('SECRET_FAILED', 'encrypted with a passphrase, which pvectl does not ask for', {
      hint: 'encrypt it for public keys: pvectl secrets encrypt',
      cause,
    })
  }
  const ssh = kinds.every((kind) => kind.startsWith('ssh-')) ? ' (it is for ssh keys, which pvectl does not use)' : ''
  return new PvectlError('SECRET_FAILED', `encrypted for others: your key cannot open it${ssh}`, {
    hint: 'ask somebody who can to add your public key to .age-recipients and to encrypt it again',
    cause,
  })
}

/** Kinds of recipients that the header names. */
function stanzaKinds(binary: Uint8Array): readonly string[] {
  const header = Buffer.from(binary).toString('latin1').split('\n--- ')[0] ?? ''
  return [...header.matchAll(/^-> (\S+)/gm)].map(([, kind = '']) => kind)
}
