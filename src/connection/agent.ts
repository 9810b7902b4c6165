/** The user's SSH agent. */
import ssh2, { type BaseAgent, type ParsedKey, type SigningRequestOptions } from 'ssh2'

/** An agent that answered, with the keys it holds. */
export interface Agent {
  readonly keys: readonly ParsedKey[]
  /** Signs with the private half of one of `keys`. May wait for the user to confirm. */
  sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions): Promise<Buffer>
}

const ANSWER_MS = 5000

/** Where the agent listens: `identityAgent` (path, `none`, `SSH_AUTH_SOCK`), else what the environment says. */
export function agentSocket(identityAgent: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (identityAgent === 'none') return undefined
  if (identityAgent === undefined || identityAgent === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined
  return identityAgent
}

/** Asks an agent for its keys. Undefined when none answers there: a stale socket is not an error, just no agent. */
export async function openAgent(socket: string): Promise<Agent | undefined> {
  const agent = ssh2.createAgent(socket)
  const keys = await listKeys(agent)
  return keys === undefined ? undefined : { keys, sign: (key, data, options) => sign(agent, key, data, options) }
}

function listKeys(agent: BaseAgent): Promise<readonly ParsedKey[] | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ANSWER_MS)
    agent.getIdentities((error, keys) => {
      clearTimeout(timer)
      // ssh2 leaves out what it cannot use (certificates, hardware keys); the rest is parsed already.
      resolve(error || keys === undefined ? undefined : (keys as ParsedKey[]))
    })
  })
}

function sign(agent: BaseAgent, key: ParsedKey, data: Buffer, options: SigningRequestOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    agent.sign(key, data, options, (error, signature) => {
      if (error || signature === undefined) reject(error ?? new Error('the agent gave no signature'))
      else resolve(signature)
    })
  })
}
