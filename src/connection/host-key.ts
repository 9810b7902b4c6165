/** The host key policy: a key is accepted only when a known_hosts file vouches for it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PvectlError } from '../errors.ts'
import { expandHome } from './home.ts'
import {
  fingerprint,
  type HostNames,
  hostNames,
  judge,
  type KnownHost,
  keyType,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts'
import type { Target } from './target.ts'

/** Cause of a HOST_KEY_UNKNOWN error, for whoever pins the key after asking the user. */
export class UnknownHostKey extends Error {
  override readonly name = 'UnknownHostKey'
  /** The line that would pin the key in a known_hosts file. */
  readonly line: string
  /** `SHA256:…`. */
  readonly fingerprint: string

  constructor(line: string, print: string) {
    super(`unknown host key ${print}`)
    this.line = line
    this.fingerprint = print
  }
}

/** What is known about the keys of one host before it shows one. */
export interface HostKeyCheck {
  /** Types of the pinned keys, to be asked for first. */
  readonly keyTypes: ReadonlySet<string>
  /** Why a key (SSH wire format) is refused; undefined means it is the host's. */
  refusal(key: Buffer): PvectlError | undefined
}

/** Reads known_hosts files, each once. */
export interface HostKeys {
  check(target: Target): Promise<HostKeyCheck>
}

/**
 * Host keys as the files of the user and of the system pin them. `homeDir` is what `~` means; `vouched` are lines of a
 * known_hosts file that count beside those of the files.
 */
export function createHostKeys(homeDir: string, vouched: readonly string[] = []): HostKeys {
  const given = parseKnownHosts(vouched.join('\n'), 'the command line')
  const files = new Map<string, Promise<readonly KnownHost[]>>()
  const load = (path: string) => {
    const entries = files.get(path) ?? readKnownHosts(path)
    files.set(path, entries)
    return entries
  }
  return {
    async check(target) {
      const paths = target.knownHostsFiles.length > 0 ? target.knownHostsFiles : defaultFiles(homeDir)
      const read = await Promise.all(paths.map((path) => load(expandHome(path, homeDir))))
      const entries = [...given, ...read.flat()]
      const names = hostNames(target.address, target.port, target.hostKeyAlias)
      return { keyTypes: knownKeyTypes(entries, names), refusal: (key) => refusal(target, names, entries, key) }
    },
  }
}

/** The files that ssh(1) consults. */
function defaultFiles(homeDir: string): readonly string[] {
  const user = join(homeDir, '.ssh', 'known_hosts')
  const system = '/etc/ssh/ssh_known_hosts'
  return [user, `${user}2`, system, `${system}2`]
}

async function readKnownHosts(path: string): Promise<readonly KnownHost[]> {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new PvectlError('HOST_KEY_UNKNOWN', `cannot read the known_hosts file ${path}`, {
      hint: 'host keys cannot be checked without it: make the file readable',
      cause: error,
    })
  }
}

function refusal(
  target: Target,
  names: HostNames,
  entries: readonly KnownHost[],
  key: Buffer,
): PvectlError | undefined {
  const verdict = judge(entries, names, key)
  const shown = `${keyType(key)} ${fingerprint(key)}`
  switch (verdict.kind) {
    case 'trusted':
      return undefined
    case 'revoked':
      return revoked(target, names, verdict.entry, shown)
    case 'mismatch':
      return mismatch(target, names, verdict.entry, shown)
    case 'unknown':
      return unknown(target, names, key, verdict.authority)
  }
}

function revoked(target: Target, names: HostNames, entry: KnownHost, shown: string): PvectlError {
  return new PvectlError('HOST_KEY_MISMATCH', `${target.name}: ${names.name} shows a revoked host key, ${shown}`, {
    hint: 'do not trust this host; the key was marked @revoked because somebody else may have it',
    location: { file: entry.file, line: entry.line },
    host: target.name,
  })
}

function mismatch(target: Target, names: HostNames, entry: KnownHost, shown: string): PvectlError {
  const pinned = `${entry.keyType} ${fingerprint(entry.key)}`
  return new PvectlError(
    'HOST_KEY_MISMATCH',
    `${target.name}: ${names.name} shows the host key ${shown}, but ${pinned} is pinned`,
    {
      hint: [
        'either the node was reinstalled or somebody intercepts the connection',
        `if it was reinstalled: compare the fingerprint on its console (${consoleCommand(shown)}),`,
        `then forget the old key: ssh-keygen -R '${names.name}' -f ${entry.file}`,
      ].join('\n'),
      location: { file: entry.file, line: entry.line },
      host: target.name,
    },
  )
}

function unknown(target: Target, names: HostNames, key: Buffer, authority: KnownHost | undefined): PvectlError {
  const shown = `${keyType(key)} ${fingerprint(key)}`
  const line = `${names.name} ${keyType(key)} ${key.toString('base64')}`
  const why =
    authority === undefined
      ? []
      : [`${authority.file}:${authority.line} names a certificate authority; host certificates are not supported`]
  return new PvectlError('HOST_KEY_UNKNOWN', `${target.name}: the host key of ${names.name} is not known: ${shown}`, {
    hint: [
      ...why,
      `compare the fingerprint on the node's console (${consoleCommand(shown)}),`,
      `and if it is the same, add this line to ${target.knownHostsFiles[0] ?? '~/.ssh/known_hosts'}:`,
      line,
    ].join('\n'),
    cause: new UnknownHostKey(line, fingerprint(key)),
    host: target.name,
  })
}

/** The command that prints the fingerprint of the same key on the node itself. */
function consoleCommand(shown: string): string {
  const kind = /^ssh-rsa/.test(shown) ? 'rsa' : /^ecdsa/.test(shown) ? 'ecdsa' : 'ed25519'
  return `ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub`
}
