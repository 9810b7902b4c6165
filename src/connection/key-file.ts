/** What a private key file is, told from its unencrypted part. Pure. */

/** What a key file holds. */
export type KeyFormat =
  /** `publicKey` (SSH wire format) is known for OpenSSH's own format, encrypted or not. */
  | { readonly kind: 'private'; readonly encrypted: boolean; readonly publicKey?: Buffer }
  /** Only the public half: the agent must have the other. */
  | { readonly kind: 'public'; readonly publicKey: Buffer }
  /** Why the file cannot be used, and what would make it usable. */
  | { readonly kind: 'unusable'; readonly reason: string; readonly remedy?: 'convert' }

const MAGIC = 'openssh-key-v1\0'
const DAMAGED: KeyFormat = { kind: 'unusable', reason: 'it is damaged' }

/** Recognises the formats that exist in the wild, among them those that ssh2 cannot read. */
export function keyFormat(bytes: Buffer): KeyFormat {
  const text = bytes.toString('latin1').trim()
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1]
  switch (label) {
    case 'OPENSSH PRIVATE KEY':
      return openSshFormat(text)
    case 'RSA PRIVATE KEY':
    case 'EC PRIVATE KEY':
      return { kind: 'private', encrypted: /^Proc-Type: 4,ENCRYPTED/m.test(text) }
    case 'PRIVATE KEY':
    case 'ENCRYPTED PRIVATE KEY':
      return { kind: 'unusable', reason: 'it is in PKCS#8 format', remedy: 'convert' }
    case undefined:
      return publicFormat(text)
    default:
      return { kind: 'unusable', reason: `it holds a ${label.toLowerCase()}` }
  }
}

/** PROTOCOL.key of OpenSSH: magic, cipher, KDF, KDF options, number of keys, public key, encrypted part. */
function openSshFormat(text: string): KeyFormat {
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64')
  if (body.toString('latin1', 0, MAGIC.length) !== MAGIC) return DAMAGED
  const cipher = stringAt(body, MAGIC.length)
  const kdf = cipher && stringAt(body, cipher.end)
  const options = kdf && stringAt(body, kdf.end)
  const publicKey = options && stringAt(body, options.end + 4)
  if (cipher === undefined || publicKey === undefined) return DAMAGED
  const name = cipher.value.toString('latin1')
  if (name.startsWith('chacha20')) {
    return { kind: 'unusable', reason: `it is encrypted with ${name}`, remedy: 'convert' }
  }
  if (publicKey.value.toString('latin1', 4, 7) === 'sk-') {
    return { kind: 'unusable', reason: 'it belongs to a hardware token (sk-…), which is not supported' }
  }
  return { kind: 'private', encrypted: name !== 'none', publicKey: publicKey.value }
}

/** A string of the SSH wire format: four bytes of length, then the bytes. */
function stringAt(body: Buffer, at: number): { readonly value: Buffer; readonly end: number } | undefined {
  if (at + 4 > body.length) return undefined
  const end = at + 4 + body.readUInt32BE(at)
  return end > body.length ? undefined : { value: body.subarray(at + 4, end), end }
}

function publicFormat(text: string): KeyFormat {
  const [type, base64] = text.split(/\s+/)
  if (type !== undefined && base64 !== undefined && /^(ssh|ecdsa)-/.test(type)) {
    const publicKey = Buffer.from(base64, 'base64')
    if (type.includes('-cert-')) return { kind: 'unusable', reason: 'it is a certificate, which is not supported' }
    if (publicKey.toString('latin1', 4, 4 + type.length) === type) return { kind: 'public', publicKey }
  }
  return { kind: 'unusable', reason: 'it is not a private key in a format that pvectl reads', remedy: 'convert' }
}
