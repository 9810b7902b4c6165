/** Which keys to offer to a node, in which order. */
import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'
import { PvectlError } from '../errors.ts'
import { type Agent, agentSocket, openAgent } from './agent.ts'
import { type KeyFile, type Keyring, keyUnreadable } from './keyring.ts'
import type { Target } from './target.ts'

/** One key to offer. The private half is only touched once the node accepts the public one. */
export interface Identity {
  /** For messages: a path, or what the agent calls the key. */
  readonly label: string
  readonly publicKey: ParsedKey
  sign(data: Buffer, options: SigningRequestOptions): Promise<Buffer>
}

/** Finds the identities of targets; agents are asked once. */
export interface Identities {
  /** Rejects with KEY_UNREADABLE for a named key, and with AUTH_FAILED when there is nothing to offer at all. */
  of(target: Target): Promise<readonly Identity[]>
  /** True when the agent of `target` can sign for this key file. */
  inAgent(target: Target, file: KeyFile): Promise<boolean>
}

/** Identities out of key files and agents. */
export function createIdentities(keyring: Keyring, env: NodeJS.ProcessEnv): Identities {
  const agents = new Map<string, Promise<Agent | undefined>>()
  const agentOf = async (target: Target) => {
    const socket = agentSocket(target.identityAgent, env)
    if (socket === undefined) return undefined
    const agent = agents.get(socket) ?? openAgent(socket)
    agents.set(socket, agent)
    return agent
  }
  return {
    async of(target) {
      const agent = await agentOf(target)
      if (target.keyFiles.length > 0) return named(target.keyFiles, keyring, agent)
      const preferred = await preferredKeys(target.preferredKeyFiles ?? [], keyring, agent)
      const isNew = ({ publicKey }: Identity) => !preferred.some((other) => sameKey(other.publicKey, publicKey))
      const found = [...preferred, ...(await usual(keyring, agent)).filter(isNew)]
      if (found.length === 0) throw nothingToOffer(target)
      return found
    },
    async inAgent(target, file) {
      return agentKey(await agentOf(target), file) !== undefined
    },
  }
}

/** The files that the inventory names. The agent signs for those it holds, which spares their passphrases. */
function named(paths: readonly string[], keyring: Keyring, agent: Agent | undefined): Promise<readonly Identity[]> {
  return Promise.all(
    paths.map(async (path) => {
      const file = await keyring.load(path)
      const held = agentKey(agent, file)
      return agent !== undefined && held !== undefined
        ? agentIdentity(agent, held, `${file.path} (agent)`)
        : fileIdentity(file, keyring)
    }),
  )
}

/** Files of ~/.ssh/config, as far as they can be used without a question that nobody expects; others are passed over. */
async function preferredKeys(
  paths: readonly string[],
  keyring: Keyring,
  agent: Agent | undefined,
): Promise<readonly Identity[]> {
  const loaded = await Promise.allSettled(paths.map((path) => keyring.load(path)))
  const identities = loaded.map(async (result) => {
    if (result.status === 'rejected') return []
    const file = result.value
    const held = agentKey(agent, file)
    if (agent !== undefined && held !== undefined) return [agentIdentity(agent, held, `${file.path} (agent)`)]
    return isUsable(file, keyring) ? [await fileIdentity(file, keyring)] : []
  })
  return (await Promise.all(identities)).flat()
}

function isUsable(file: KeyFile, keyring: Keyring): boolean {
  return file.kind === 'private' && (!file.encrypted || (keyring.canAsk && file.publicKey !== undefined))
}

function sameKey(a: ParsedKey, b: ParsedKey): boolean {
  return a.getPublicSSH().equals(b.getPublicSSH())
}

/**
 * What ssh would try: the agent, then the usual files. The agent's copies of the usual files come first, since nodes
 * cut the login off after some tries (MaxAuthTries, 6), and encrypted files last, since they need the user.
 */
async function usual(keyring: Keyring, agent: Agent | undefined): Promise<readonly Identity[]> {
  const files = await keyring.defaults()
  const isUsual = (key: ParsedKey) => files.some((file) => file.publicKey?.equals(key.getPublicSSH()))
  const held = [...(agent?.keys ?? [])].sort((a, b) => Number(isUsual(b)) - Number(isUsual(a)))
  const rest = files
    .filter((file) => agentKey(agent, file) === undefined && isUsable(file, keyring))
    .sort((a, b) => Number(a.encrypted) - Number(b.encrypted))
  return [
    ...(agent === undefined ? [] : held.map((key) => agentIdentity(agent, key, `agent key ${key.comment}`.trim()))),
    ...(await Promise.all(rest.map((file) => fileIdentity(file, keyring)))),
  ]
}

function agentKey(agent: Agent | undefined, file: KeyFile): ParsedKey | undefined {
  return agent?.keys.find((key) => file.publicKey?.equals(key.getPublicSSH()))
}

function agentIdentity(agent: Agent, key: ParsedKey, label: string): Identity {
  return { label, publicKey: key, sign: (data, options) => agent.sign(key, data, options) }
}

async function fileIdentity(file: KeyFile, keyring: Keyring): Promise<Identity> {
  if (file.kind === 'public') {
    const hint = 'name the private key file instead, or add the key to the agent: ssh-add'
    throw keyUnreadable(file.path, 'it is a public key, and the agent does not hold its private half', hint)
  }
  const sign = async (data: Buffer, { hash }: SigningRequestOptions) => {
    const signature: Buffer | Error = (await keyring.unlock(file)).sign(data, hash)
    if (signature instanceof Error) throw signature
    return signature
  }
  return { label: file.path, publicKey: await publicKeyOf(file, keyring), sign }
}

async function publicKeyOf(file: KeyFile, keyring: Keyring): Promise<ParsedKey> {
  if (file.publicKey === undefined) return keyring.unlock(file)
  const parsed = ssh2.utils.parseKey(file.publicKey)
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (key === undefined || key instanceof Error) {
    throw keyUnreadable(file.path, 'its key type is not supported', 'name another key in the inventory')
  }
  return key
}

function nothingToOffer(target: Target): PvectlError {
  return new PvectlError('AUTH_FAILED', `${target.name}: there is no SSH key to log in with`, {
    hint: 'start an agent and add a key (ssh-add), make a key (ssh-keygen), or name one in the inventory',
    host: target.name,
  })
}

/** Presents identities to ssh2 as if they were an agent's, which makes it try them one by one. */
export class IdentityAgent extends ssh2.BaseAgent<ParsedKey> {
  /** Why the last signature failed. */
  failure: unknown
  readonly #identities: readonly Identity[]
  readonly #onSign: (busy: boolean) => void

  /** `onSign` is told when signing begins and ends, as it may wait for the user. */
  constructor(identities: readonly Identity[], onSign: (busy: boolean) => void) {
    super()
    this.#identities = identities
    this.#onSign = onSign
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(null, [...this.#identities.map((identity) => identity.publicKey)])
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const callback = typeof options === 'function' ? options : done
    const identity = this.#identities.find((candidate) => candidate.publicKey === key)
    this.#onSign(true)
    Promise.resolve(identity?.sign(data, typeof options === 'function' ? {} : options))
      .finally(() => this.#onSign(false))
      .then(
        (signature) => callback?.(null, signature),
        (error: unknown) => {
          this.failure = error
          callback?.(error instanceof Error ? error : new Error(String(error)))
        },
      )
  }
}
