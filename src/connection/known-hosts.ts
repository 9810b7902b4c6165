/** known_hosts files of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): what they say about a host. Pure. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** One usable line of a known_hosts file. */
export interface KnownHost {
  /** `revoked`: the key must never be accepted. `cert-authority`: it signs host certificates. */
  readonly marker?: 'revoked' | 'cert-authority'
  /** Host patterns, or `|1|salt|hash`. */
  readonly hosts: string
  /** Such as `ssh-ed25519`. */
  readonly keyType: string
  /** The public key in SSH wire format. */
  readonly key: Buffer
  readonly file: string
  /** Counts from 1. */
  readonly line: number
}

/** How a host is looked up. */
export interface HostNames {
  /** `host`, or `[host]:port` for a port other than 22. */
  readonly name: string
  /** For another port: the plain host. Its keys may vouch for the host but cannot accuse it, as in ssh. */
  readonly fallback?: string
}

/** What known_hosts says about a key that a host showed. */
export type Verdict =
  | { readonly kind: 'trusted'; readonly entry: KnownHost }
  | { readonly kind: 'revoked'; readonly entry: KnownHost }
  /** Other keys are pinned for this host; of these, one of the same type comes first. */
  | { readonly kind: 'mismatch'; readonly entry: KnownHost }
  /** Nothing is pinned. `authority`: only a certificate authority speaks for the host. */
  | { readonly kind: 'unknown'; readonly authority?: KnownHost }

/** Names to look up a host by. An alias (`HostKeyAlias`) stands for both address and port. */
export function hostNames(address: string, port: number, alias?: string): HostNames {
  if (alias !== undefined) return { name: alias.toLowerCase() }
  const host = address.toLowerCase()
  return port === 22 ? { name: host } : { name: `[${host}]:${port}`, fallback: host }
}

/** Reads a file. Lines that cannot be used (comments, SSH 1 keys, damaged keys) are passed over, as ssh does. */
export function parseKnownHosts(text: string, file: string): readonly KnownHost[] {
  return text.split('\n').flatMap((line, index) => parseLine(line, file, index + 1) ?? [])
}

/** Entries for a name that is in the form of {@link HostNames.name}. */
export function entriesFor(entries: readonly KnownHost[], name: string): readonly KnownHost[] {
  return entries.filter((entry) => matches(entry.hosts, name))
}

/** Judges a key in SSH wire format. */
export function judge(entries: readonly KnownHost[], names: HostNames, key: Buffer): Verdict {
  const own = entriesFor(entries, names.name)
  const shared = names.fallback === undefined ? [] : entriesFor(entries, names.fallback)
  const revoked = [...own, ...shared].find((entry) => entry.marker === 'revoked' && entry.key.equals(key))
  if (revoked !== undefined) return { kind: 'revoked', entry: revoked }
  const pinned = own.filter((entry) => entry.marker === undefined)
  const trusted = pinned.find((entry) => entry.key.equals(key))
  if (trusted !== undefined) return { kind: 'trusted', entry: trusted }
  const offending = pinned.find((entry) => entry.keyType === keyType(key)) ?? pinned[0]
  if (offending !== undefined) return { kind: 'mismatch', entry: offending }
  const elsewhere = shared.find((entry) => entry.marker === undefined && entry.key.equals(key))
  if (elsewhere !== undefined) return { kind: 'trusted', entry: elsewhere }
  const authority = [...own, ...shared].find((entry) => entry.marker === 'cert-authority')
  return authority === undefined ? { kind: 'unknown' } : { kind: 'unknown', authority }
}

/** Types of the keys that could vouch for a host. */
export function knownKeyTypes(entries: readonly KnownHost[], names: HostNames): ReadonlySet<string> {
  const own = pinnedTypes(entriesFor(entries, names.name))
  if (own.size > 0 || names.fallback === undefined) return own
  return pinnedTypes(entriesFor(entries, names.fallback))
}

/** The fingerprint as ssh shows it: `SHA256:…`. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The type a key in SSH wire format declares, such as `ssh-ed25519`; empty when damaged. */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0)
  return length > key.length - 4 ? '' : key.toString('latin1', 4, 4 + length)
}

function pinnedTypes(entries: readonly KnownHost[]): ReadonlySet<string> {
  return new Set(entries.filter((entry) => entry.marker === undefined).map((entry) => entry.keyType))
}

function parseLine(text: string, file: string, line: number): KnownHost | undefined {
  const words = text.trim().split(/[ \t]+/)
  const marker = words[0]?.startsWith('@') ? words.shift()?.slice(1) : undefined
  const [hosts, type, base64] = words
  if (hosts === undefined || hosts.startsWith('#') || type === undefined || base64 === undefined) return undefined
  const key = Buffer.from(base64, 'base64')
  if (keyType(key) !== type) return undefined
  if (marker === undefined) return { hosts, keyType: type, key, file, line }
  if (marker !== 'revoked' && marker !== 'cert-authority') return undefined
  return { marker, hosts, keyType: type, key, file, line }
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name)
  const patterns = hosts.toLowerCase().split(',')
  if (patterns.some((pattern) => pattern.startsWith('!') && glob(pattern.slice(1), name))) return false
  return patterns.some((pattern) => !pattern.startsWith('!') && glob(pattern, name))
}

/** `|1|base64 salt|base64 HMAC-SHA1 of the name`. */
function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  const expected = Buffer.from(hash, 'base64')
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

/** Shell-like pattern with `*` and `?` only. Two pointers, so that no pattern can make it slow. */
function glob(pattern: string, name: string): boolean {
  let p = 0
  let star = -1
  let retry = 0
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === '*') {
      star = p++
      retry = n
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++retry
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
