/** The first contact: whose host key is it, and does the admin trust it? */
import type { ShownHostKey } from '../connection/shown-host-key.ts'
import { PvectlError } from '../errors.ts'

/** Key types that a server may have; the one that is asked for first comes first. */
const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'] as const

/** What is needed to agree on a key. */
export interface HostKeyQuestion {
  /** Name of the node, for messages. */
  readonly name: string
  /** Shows the key of the server; of a type, where one is named. */
  readonly look: (type?: string) => Promise<ShownHostKey>
  /** Fingerprint that the admin gave. */
  readonly expected: string | undefined
  /** Asks the admin; undefined where nobody can be asked. */
  readonly ask: ((key: ShownHostKey) => Promise<boolean>) | undefined
}

/** A key that the admin trusts. */
export interface AgreedHostKey {
  readonly key: ShownHostKey
  /** A known_hosts file vouched for it already. */
  readonly wasPinned: boolean
}

/**
 * Settles whether the key is the right one. A fingerprint that was given must be that of the key, whatever is pinned.
 * Rejects with HOST_KEY_MISMATCH, HOST_KEY_UNKNOWN, and USAGE where nobody can be asked.
 */
export async function agreeOnHostKey(question: HostKeyQuestion): Promise<AgreedHostKey> {
  const { look, expected, name } = question
  const shown = await look()
  if (shown.refusal?.code === 'HOST_KEY_MISMATCH') throw shown.refusal
  if (expected !== undefined) {
    const key = shown.fingerprint === expected ? shown : await findKey(shown, question, expected)
    if (key.refusal?.code === 'HOST_KEY_MISMATCH') throw key.refusal
    return { key, wasPinned: key.refusal === undefined }
  }
  if (shown.refusal === undefined) return { key: shown, wasPinned: true }
  if (question.ask === undefined) throw nobodyToAsk(name, shown)
  if (await question.ask(shown)) return { key: shown, wasPinned: false }
  throw new PvectlError('HOST_KEY_UNKNOWN', `${name}: the host key ${shown.fingerprint} was not accepted`, {
    hint: `compare it on the console of the node: ${consoleCommand(shown.type)}`,
    host: name,
  })
}

/** A server has keys of several types, and the fingerprint may be that of another one than it shows first. */
async function findKey(shown: ShownHostKey, { look, name }: HostKeyQuestion, expected: string): Promise<ShownHostKey> {
  const seen = [shown]
  for (const type of TYPES.filter((candidate) => candidate !== shown.type)) {
    const key = await look(type)
    if (key.fingerprint === expected) return key
    if (!seen.some(({ fingerprint }) => fingerprint === key.fingerprint)) seen.push(key)
  }
  const keys = seen.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ')
  throw new PvectlError(
    'HOST_KEY_MISMATCH',
    `${name}: the node shows ${keys}, but the fingerprint given is ${expected}`,
    {
      hint: [
        'either the fingerprint is that of another node, or somebody intercepts the connection;',
        `on the console of the node: ${consoleCommand(shown.type)}`,
      ].join('\n'),
      host: name,
    },
  )
}

function nobodyToAsk(name: string, { type, fingerprint }: ShownHostKey): PvectlError {
  return new PvectlError(
    'USAGE',
    `${name}: nobody can be asked whether its host key is right: ${type} ${fingerprint}`,
    {
      hint: [
        `compare it on the console of the node (${consoleCommand(type)}),`,
        `then add --fingerprint ${fingerprint}`,
      ].join('\n'),
      host: name,
    },
  )
}

/** The command that prints the fingerprint on the node itself. */
export function consoleCommand(type: string): string {
  const kind = type === 'ssh-rsa' ? 'rsa' : type.startsWith('ecdsa') ? 'ecdsa' : 'ed25519'
  return `ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub`
}
