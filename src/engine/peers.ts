/**
 * Files of /etc/pve that decide over logins take effect on all nodes of a cluster at once, also on those that no guard
 * of this run watches. So the node that writes one keeps its guard until the run's other hosts in that cluster have
 * taken the change up and then let a new connection in.
 */
import type { Connector } from '../connection/connection.ts'
import { joinScripts, rawScript, type Script, sh } from '../connection/script.ts'
import type { Target } from '../connection/target.ts'
import type { ErrorCode } from '../errors.ts'
import { parseMembers } from '../facts/cluster.ts'
import type { FileState } from '../facts/file.ts'
import { FIREWALL_LOADS } from '../resources/pve-firewall-write.ts'
import { sha256 } from '../resources/sha256.ts'
import { PatienceLost, persist } from './patience.ts'
import type { PlannedStep } from './plan.ts'
import { Session } from './session.ts'

/** A file of the whole cluster as a step is going to leave it. */
export interface SharedFile {
  readonly path: string
  /** SHA-256 of the content, or `absent`. */
  readonly digest: string
}

/** Those of the steps, each once, as the last step leaves it. */
export function sharedFiles(steps: readonly PlannedStep[]): readonly SharedFile[] {
  const found = steps.flatMap(({ plan }) =>
    plan.after.flatMap(({ ref, state }): [string, string][] => {
      if (ref.kind.name !== 'file' || !ref.id.startsWith('/etc/pve/firewall/')) return []
      const file = state as FileState
      return [[ref.id, file.type === 'file' ? sha256(file.content) : 'absent']]
    }),
  )
  return [...new Map(found)].map(([path, digest]) => ({ path, digest }))
}

/** Those of the hosts that share what is changed that let nobody in, a line each; undefined: there are no such hosts. */
export type ShutOut = (() => Promise<readonly string[]>) | undefined

/** Whom a change of shared files concerns. */
export interface Beside {
  /** None: nobody is asked. */
  readonly files: readonly SharedFile[]
  readonly find: () => Promise<Peers> | undefined
  readonly tell: (messages: readonly string[]) => void
}

/** Does `work`, which changes the files under a guard. When that fails, it is looked whether all others let people in again. */
export async function besidePeers<T>(
  { files, find, tell }: Beside,
  work: (shutOut: ShutOut) => Promise<T>,
): Promise<T> {
  const peers = files.length === 0 ? undefined : await find()
  if (peers === undefined) return work(undefined)
  try {
    tell(peers.silent.map((name) => unseen(name, files)))
    return await work(peers.none ? undefined : () => peers.shutOut(files))
  } catch (error) {
    tell((await peers.shutOut([])).map((line) => `after that, ${line}`))
    throw error
  } finally {
    await peers.close()
  }
}

/** What is to be said of a host that did not answer before the change. */
function unseen(name: string, files: readonly SharedFile[]): string {
  const paths = files.map(({ path }) => path).join(', ')
  return `${name} does not answer, so it is not seen whether it still lets new connections in once ${paths} is changed`
}

/** Tries longer than this are no sign that a node lets people in, milliseconds. */
const PATIENCE_MS = 10_000
/** Longest wait for one new connection, milliseconds. */
const CONNECT_MS = 10_000

/** What a firewall that is being loaded may cause for a moment; a refused login is none of that. */
const PASSING: readonly ErrorCode[] = ['CONNECTION_LOST', 'HOST_UNREACHABLE', 'TIMEOUT']

type Members = ReturnType<typeof parseMembers>

interface Held {
  readonly target: Target
  readonly session: Session
}

/** The other hosts of a run in the cluster of one. Holds a connection to each, from before the change. */
export class Peers {
  readonly #connector: Connector<Target>
  readonly #held: readonly Held[]
  /** Members among the hosts of the run that did not answer before the change, so that nothing can be seen of them. */
  readonly silent: readonly string[]

  private constructor(connector: Connector<Target>, held: readonly Held[], silent: readonly string[]) {
    this.#connector = connector
    this.#held = held
    this.silent = silent
  }

  /** Asks the node and the others, at the same time, which cluster they are in. */
  static async of(session: Session, connector: Connector<Target>, others: readonly Target[]): Promise<Peers> {
    const own = await membersOf(session)
    if (own?.state !== 'member') return new Peers(connector, [], [])
    const asked = await Promise.all(
      others.map(async (target) => {
        const held = new Session(connector, impatient(target))
        const members = await membersOf(held).catch(() => undefined)
        const isPeer = members !== undefined && isSameCluster(own, members)
        if (!isPeer) await held.close().catch(() => undefined)
        return { target, session: held, isPeer, silent: members === undefined && isNamed(own, target) }
      }),
    )
    return new Peers(
      connector,
      asked.filter(({ isPeer }) => isPeer),
      asked.filter(({ silent }) => silent).map(({ target }) => target.name),
    )
  }

  /** True when there is nobody to ask. */
  get none(): boolean {
    return this.#held.length === 0
  }

  /**
   * Has each take up the files over the connection from before, then logs in anew. Resolves to those that let nobody in,
   * with the reason, a line each; never rejects.
   */
  async shutOut(files: readonly SharedFile[]): Promise<readonly string[]> {
    const answers = await Promise.all(this.#held.map((peer) => this.#ask(peer, files)))
    return answers.filter((answer) => answer !== undefined)
  }

  async close(): Promise<void> {
    await Promise.all(this.#held.map(({ session }) => session.close().catch(() => undefined)))
  }

  async #ask({ target, session }: Held, files: readonly SharedFile[]): Promise<string | undefined> {
    const fresh = new Session(this.#connector, impatient(target))
    try {
      const deadline = performance.now() + PATIENCE_MS
      await persist(session, { deadline, passing: PASSING }, () =>
        session.counted.run(takenUp(files), { timeoutMs: 40_000 }),
      )
      await persist(fresh, { deadline: performance.now() + PATIENCE_MS, passing: PASSING }, () =>
        fresh.counted.run(sh`:`, { timeoutMs: CONNECT_MS }),
      )
      return undefined
    } catch (error) {
      const cause = error instanceof PatienceLost ? error.last : error
      return `${target.name} lets no new connection in: ${cause instanceof Error ? cause.message : String(cause)}`
    } finally {
      await fresh.close().catch(() => undefined)
    }
  }
}

function impatient(target: Target): Target {
  return { ...target, connectTimeoutMs: Math.min(target.connectTimeoutMs, CONNECT_MS) }
}

async function membersOf(session: Session): Promise<Members | undefined> {
  const { stdout } = await session.counted.run(MEMBERS, { timeoutMs: 20_000 })
  const text = stdout.toString('utf8')
  // A login shell may print something of its own before.
  return parseMembers(text.slice(Math.max(0, text.indexOf('{'))).trim())
}

const MEMBERS = rawScript('timeout 10 cat /etc/pve/.members 2>/dev/null || :\n')

/** Clusters may be namesakes, and so may their nodes; the addresses tell. */
function isSameCluster(own: Members, other: Members): boolean {
  const address = (members: Members) => members.members.find(({ name }) => name === other.nodeName)?.ip
  return other.state === 'member' && other.cluster === own.cluster && address(own) === address(other)
}

function isNamed({ members }: Members, { name, address }: Target): boolean {
  return members.some((member) => member.name === name || member.ip === address)
}

/** Waits until the files are there as the other node left them, for 5 s, and has the firewall read them. */
function takenUp(files: readonly SharedFile[]): Script {
  const waits = files.map(
    ({ path, digest }) => sh`n=0
until [ "$({ [ ! -e ${path} ] && echo absent; } || sha256sum < ${path} | cut -c 1-64)" = ${digest} ] || [ $n -ge 50 ]; do n=$((n+1)); sleep 0.1; done`,
  )
  return sh`${joinScripts(waits)}
${FIREWALL_LOADS}
`
}
