/** Lines of an authorized_keys file, as sshd(8) reads them. */

/** A public key with what surrounds it. */
export interface KeyLine {
  /** Options before the key, such as `from="10.0.0.0/8"`; empty for none. */
  readonly options: string
  readonly type: string
  /** The key, base64. Two lines with the same one are the same key. */
  readonly blob: string
  readonly comment: string
}

const TYPES =
  /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)$/

/** Reads one line; undefined for a comment, an empty line and what is no key that sshd accepts. */
export function parseKeyLine(line: string): KeyLine | undefined {
  const words = splitOutsideQuotes(line.trim())
  const at = words.findIndex((word) => TYPES.test(word))
  const [type, blob] = [words[at], words[at + 1]]
  if (at < 0 || at > 1 || type === undefined || blob === undefined || typeInside(blob) !== type) return undefined
  return { options: at === 1 ? (words[0] ?? '') : '', type, blob, comment: words.slice(at + 2).join(' ') }
}

/** What is wrong with a text that should be a public key; undefined when it is one. */
export function keyProblem(text: string): string | undefined {
  if (/PRIVATE KEY/.test(text)) return 'is a private key; give the line of the .pub file, and replace that key'
  if (/[\n\r]/.test(text.trim())) return 'must be one line'
  if (/\bssh-dss\b/.test(text)) return 'is a DSA key, which sshd no longer accepts'
  return parseKeyLine(text) === undefined ? 'is not a public key (type, base64, comment)' : undefined
}

/** A line for a key. */
export function formatKeyLine({ options, type, blob, comment }: KeyLine): string {
  return [options, type, blob, comment].filter((part) => part !== '').join(' ')
}

function splitOutsideQuotes(text: string): readonly string[] {
  return text.match(/(?:"(?:\\"|[^"])*"|[^\s"])+/g) ?? []
}

/** The key begins with its own type, after a length of four bytes (RFC 4253, 6.6). */
function typeInside(blob: string): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return undefined
  const bytes = Buffer.from(blob, 'base64')
  if (bytes.length < 8) return undefined
  const length = bytes.readUInt32BE(0)
  return bytes.length > 4 + length ? bytes.subarray(4, 4 + length).toString('latin1') : undefined
}
