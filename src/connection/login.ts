/** One attempt to log in to an SSH server through a given stream. */
import type { Duplex } from 'node:stream'
import { type Config, NodeSSH } from 'node-ssh'
import { PvectlError } from '../errors.ts'
import { algorithmsFor } from './algorithms.ts'
import { explain, type Phase } from './connect-errors.ts'
import { startDeadline } from './deadline.ts'
import type { HostKeyCheck } from './host-key.ts'
import { type Identity, IdentityAgent } from './identities.ts'
import { type Link, watchLink } from './link.ts'
import type { Secret } from './secret.ts'
import type { Target } from './target.ts'

/** What one attempt needs. */
export interface LoginRequest {
  readonly target: Target
  /** Identities to offer, in order. */
  readonly identities: readonly Identity[]
  /** Log in by this password, and offer no keys. */
  readonly password?: Secret
  readonly hostKey: HostKeyCheck
  /** Opens the way to the server; may be called but once. A stream may still be connecting. */
  readonly dial: () => Promise<Duplex> | Duplex
  /** What to call the server once the stream is up. */
  readonly peerOf: (stream: Duplex) => string
  readonly debug?: (line: string) => void
}

/** Milliseconds between keepalives, and how many may stay unanswered until the link counts as dead. */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 3 }
/** Milliseconds the user gets to type a passphrase or confirm in the agent; sshd itself waits 120 s. */
const SIGN_MS = 120_000

/** Logs in, or rejects with {@link AttemptFailed}, or with a PvectlError that no further attempt can change. */
export async function login(request: LoginRequest, signal?: AbortSignal): Promise<Link> {
  const { target } = request
  const progress = { phase: 'dial' as Phase, greeting: '' }
  const deadline = startDeadline(target.connectTimeoutMs, signal)
  const agent = new IdentityAgent(request.identities, (busy) => {
    deadline.restart(busy ? SIGN_MS : target.connectTimeoutMs)
  })
  const refusal: { error?: PvectlError } = {}
  const dialling = (async () => request.dial())()
  try {
    const stream = await deadline.race(dialling)
    const { ssh, ready } = begin(request, stream, agent, refusal)
    const link = watchLink(ssh, stream, () => request.peerOf(stream))
    follow(ssh, stream, progress)
    await deadline.race(ready)
    return link
  } catch (error) {
    // A stream that comes after everybody stopped waiting is closed as well.
    dialling.then((stream) => stream.on('error', () => {}).destroy()).catch(() => {})
    if (signal?.aborted) throw new PvectlError('INTERRUPTED', `${target.name}: interrupted while connecting`)
    if (refusal.error !== undefined) throw refusal.error
    if (agent.failure !== undefined) throw signingFailed(target, agent.failure)
    const identities = request.identities.map((identity) => identity.label)
    throw explain({ target, error, identities, withPassword: request.password !== undefined, ...progress })
  } finally {
    deadline.stop()
  }
}

/** Starts node-ssh on the stream. Its own timeout stays off, as it cannot wait for a user who types. */
function begin(request: LoginRequest, stream: Duplex, agent: IdentityAgent, refusal: { error?: PvectlError }) {
  const { target, hostKey, debug } = request
  const config: Config = {
    sock: stream,
    username: target.user,
    readyTimeout: 0,
    ...KEEPALIVE,
    algorithms: algorithmsFor(hostKey.keyTypes),
    hostVerifier: (key: Buffer) => {
      const error = hostKey.refusal(key)
      if (error !== undefined) refusal.error = error
      return error === undefined
    },
    ...(request.password === undefined ? { agent, authHandler: ['agent'] } : byPassword(request.password)),
    ...(debug === undefined ? {} : { debug: (line: string) => debug(`${target.name}: ${line}`) }),
  }
  const node = new NodeSSH()
  const ready = node.connect(config)
  ready.catch(() => {})
  if (node.connection === null) throw new Error('node-ssh made no client')
  return { ssh: node.connection, ready }
}

/** PAM may ask by keyboard-interactive what sshd would take as a password; anything but one hidden question is left open. */
function byPassword(password: Secret): Partial<Config> {
  return {
    password: password.reveal(),
    authHandler: ['password', 'keyboard-interactive'],
    tryKeyboard: true,
    onKeyboardInteractive: (_name, _instructions, _language, prompts, finish) => {
      const [prompt] = prompts
      finish(prompts.length === 1 && prompt?.echo !== true ? [password.reveal()] : [])
    },
  }
}

/** Notes how far the attempt gets, and what a server says that will not talk SSH. */
function follow(ssh: NonNullable<NodeSSH['connection']>, stream: Duplex, progress: { phase: Phase; greeting: string }) {
  const advance = (phase: Phase) => () => {
    progress.phase = phase
  }
  // A stream through a jump host is connected already, and ssh2 has said so.
  if (!('connecting' in stream && stream.connecting)) progress.phase = 'greeting'
  ssh.on('connect', advance('greeting'))
  ssh.on('handshake', advance('login'))
  const listen = (chunk: Buffer) => {
    progress.greeting = (progress.greeting + chunk.toString('latin1')).slice(0, 1024)
    if (!/^SSH-/m.test(progress.greeting) && progress.greeting.length < 1024) return
    if (/^SSH-/m.test(progress.greeting)) progress.phase = 'handshake'
    stream.off('data', listen)
  }
  stream.on('data', listen)
}

function signingFailed(target: Target, cause: unknown): PvectlError {
  if (cause instanceof PvectlError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new PvectlError('AUTH_FAILED', `${target.name}: the SSH key could not sign the login: ${why}`, {
    hint: 'is the agent locked, or was the request declined? see: ssh-add -l',
    host: target.name,
    cause,
  })
}
