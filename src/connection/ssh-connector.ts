/** Opens SSH connections to nodes, through jump hosts where the inventory says so. */
import { setMaxListeners } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { homedir } from 'node:os'
import type { Duplex } from 'node:stream'
import { type Problem, PvectlError } from '../errors.ts'
import { type Account, account } from './account.ts'
import type { Connector } from './connection.ts'
import { createGate, type Gate } from './gate.ts'
import { createHostKeys, type HostKeyCheck } from './host-key.ts'
import { createKeyChain, type KeyOptions, unlockKeyFiles } from './keys.ts'
import type { Link } from './link.ts'
import { login } from './login.ts'
import type { Secret } from './secret.ts'
import { type ShownHostKey, shownHostKey } from './shown-host-key.ts'
import { sshConnection } from './ssh-connection.ts'
import type { Target } from './target.ts'
import { createUserConfig } from './user-config.ts'

/** Where keys come from, and limits. */
export interface SshConnectorOptions extends KeyOptions {
  /** Handshakes with one SSH server at a time; default 8. */
  readonly maxHandshakes?: number
  /** Bytes a script may print; default 64 MiB. */
  readonly maxOutput?: number
  /** Gets the protocol steps of ssh2, a line each. */
  readonly debug?: (line: string) => void
  /** Passwords by name of the target; such a target is logged in to by password alone. Default: none. */
  readonly passwords?: ReadonlyMap<string, Secret>
  /** Lines of a known_hosts file that count beside the files of the targets. */
  readonly vouched?: readonly string[]
}

/** A connector for SSH targets. */
export interface SshConnector extends Connector<Target> {
  /**
   * Reads the key files of targets and asks for passphrases that will be needed, to be called before a reporter takes
   * the screen. Gives the problems found; with any, no node should be contacted (exit 3).
   */
  unlockKeys(targets: readonly Target[]): Promise<readonly Problem[]>
  /**
   * The host key that a server shows, and what known_hosts says of it; nobody logs in. `keyType` asks for a type; a
   * server without such a key shows another one. Rejects as `connect` does when there is no key to see.
   */
  hostKey(target: Target, keyType?: string, signal?: AbortSignal): Promise<ShownHostKey>
  /** Logs in to see what the account may do. Rejects as `connect` does. */
  account(target: Target, signal?: AbortSignal): Promise<Account>
  /** Public keys that a login to the target would offer, in the SSH wire format. Rejects for keys it cannot use. */
  publicKeys(target: Target): Promise<readonly Buffer[]>
  /** A TCP connection to a port of the target, the way its SSH connections go. Rejects with the error of the attempt. */
  dial(target: Target): Promise<Duplex>
}

/** Milliseconds for one address of a host that has several; Node's own 250 ms fail on slow links. */
const ONE_ADDRESS_MS = 2000

/** A connector for one run: every `connect` is a new connection, jump hosts are shared, keys are read once. */
export function createSshConnector(options: SshConnectorOptions = {}): SshConnector {
  const chain = createKeyChain(options)
  const fill = createUserConfig(options)
  const hostKeys = createHostKeys(options.homeDir ?? homedir(), options.vouched)
  const gates = new Map<string, Gate>()
  const jumps = new Map<string, Promise<Link>>()

  async function open(target: Target, signal?: AbortSignal, looking?: HostKeyCheck): Promise<Link> {
    const password = options.passwords?.get(target.name)
    const needsKeys = looking === undefined && password === undefined
    const [identities, hostKey] = await Promise.all([
      needsKeys ? chain.identities.of(target) : [],
      looking ?? hostKeys.check(target),
    ])
    const gate = entry(gates, route(target), () => createGate(options.maxHandshakes ?? 8))
    const debug = options.debug
    return gate(async () => {
      const jump = target.jump === undefined ? undefined : await through(target, target.jump)
      const dial = () => (jump === undefined ? dialTcp(target) : dialThrough(jump, target))
      const secret = password === undefined ? {} : { password }
      const request = { target, identities, hostKey, dial, peerOf: (at: Duplex) => peerOf(target, at), ...secret }
      return login(debug === undefined ? request : { ...request, debug }, signal)
    }, signal)
  }

  /** The shared connection to a jump host. It does not end with the host that first asked for it. */
  async function through(target: Target, jump: Target): Promise<Link> {
    const key = `${jump.user}@${route(jump)}`
    const forget = () => jumps.delete(key)
    const link = entry(jumps, key, () => {
      const opening = open(jump)
      opening.then(
        (opened) => opened.down.then(forget),
        (error) => retryable(error) && forget(),
      )
      return opening
    })
    return link.catch((error: unknown) => {
      throw behind(target, error)
    })
  }

  return {
    async connect(wanted, signal) {
      if (signal !== undefined) setMaxListeners(0, signal)
      const target = await fill(wanted)
      return sshConnection(target, await open(target, signal), options.maxOutput)
    },
    async unlockKeys(targets) {
      // What cannot be filled is told when its node is contacted.
      const filled = await Promise.all(targets.map((target) => fill(target).catch(() => target)))
      return unlockKeyFiles(filled, chain)
    },
    async hostKey(target, keyType, signal) {
      const known = await hostKeys.check(target)
      return shownHostKey(target, known, keyType, async (looking) => {
        await (await open(target, signal, looking)).close()
      })
    },
    account: async (target, signal) => account(await open(target, signal)),
    publicKeys: async (target) => (await chain.identities.of(target)).map(({ publicKey }) => publicKey.getPublicSSH()),
    async dial(target) {
      if (target.jump === undefined) return connected(dialTcp(target), target.connectTimeoutMs)
      return dialThrough(await through(target, target.jump), target)
    },
    async close() {
      const links = await Promise.allSettled(jumps.values())
      jumps.clear()
      await Promise.all(links.map((link) => link.status === 'fulfilled' && link.value.close()))
    },
  }
}

/** Names one SSH server: the way there and its address. */
function route({ address, port, jump }: Target): string {
  return jump === undefined ? `${address}:${port}` : `${route(jump)} ${address}:${port}`
}

function dialTcp({ address, port }: Target): Socket {
  // Nagle's algorithm and delayed acknowledgements together cost 40 ms in each exchange.
  return connectTcp({ host: address, port, noDelay: true, autoSelectFamilyAttemptTimeout: ONE_ADDRESS_MS })
}

function connected(socket: Socket, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('timed out')), timeoutMs)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}

function dialThrough(jump: Link, { address, port }: Target): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    jump.client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
      if (error === undefined) resolve(channel)
      else reject(error)
    })
  })
}

function peerOf(target: Target, stream: Duplex): string {
  const { remoteAddress, remotePort } = stream as Partial<Socket>
  return `${remoteAddress ?? target.address}:${remotePort ?? target.port}`
}

/** A wrong key stays wrong for the run, and asking again gets this machine locked out; a host may come up. */
function retryable(error: unknown): boolean {
  return !(error instanceof PvectlError) || error.code === 'HOST_UNREACHABLE'
}

/** The failure of a jump host, as a failure of the node behind it. */
function behind(target: Target, error: unknown): unknown {
  if (!(error instanceof PvectlError)) return error
  const [problem] = error.problems
  return new PvectlError(error.code, `${target.name}: the way through its jump host is closed: ${error.message}`, {
    ...problem,
    host: target.name,
    cause: error,
  })
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
