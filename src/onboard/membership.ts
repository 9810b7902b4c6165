/** Waits until a node is a member of its cluster, as both sides see it. The exit status of pvecm proves nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '../connection/connection.ts'
import { rawScript, type Script } from '../connection/script.ts'
import { PvectlError } from '../errors.ts'
import { parseMembers } from '../facts/cluster.ts'
import { POLL, type Progress, parseProgress } from './join-script.ts'

/** What to wait for. */
export interface MembershipQuestion {
  /** Name of the node as pmxcfs knows it. */
  readonly node: string
  readonly cluster: string
  /** Opens a connection to the node, or to a member. They are opened again when they break off. */
  readonly connectNode: () => Promise<Connection>
  /** Undefined when the node founds the cluster. */
  readonly connectMember: (() => Promise<Connection>) | undefined
  readonly timeoutMs: number
  /** Told what is going on, when that changes. */
  readonly onProgress: (text: string) => void
}

/** How the wait ended. */
export type MembershipOutcome =
  | { readonly kind: 'member'; readonly progress: Progress }
  /** pvecm has ended, and the node is no member. */
  | { readonly kind: 'ended'; readonly progress: Progress }
  | { readonly kind: 'timeout'; readonly progress: Progress | undefined; readonly seenByMember: boolean | undefined }

const PAUSE_MS = 1000
/** After its end, membership gets so long to show. */
const GRACE_MS = 6_000

/** Waits. Rejects only with what no waiting can mend. */
export async function waitForMembership(question: MembershipQuestion): Promise<MembershipOutcome> {
  const node = new PatientConnection(question.connectNode)
  const member = question.connectMember === undefined ? undefined : new PatientConnection(question.connectMember)
  const deadline = Date.now() + question.timeoutMs
  let progress: Progress | undefined
  let seen: boolean | undefined
  let endedAt: number | undefined
  let said = ''
  try {
    while (Date.now() < deadline) {
      const text = await node.ask(POLL)
      progress = text === undefined ? progress : parseProgress(text)
      if (text !== undefined && progress !== undefined) {
        const own = isMember(progress.members, question)
        seen = member === undefined ? own : own && (await seenBy(member, question))
        if (own && seen && !progress.running) return { kind: 'member', progress }
        if (!progress.running) endedAt ??= Date.now()
        if (endedAt !== undefined && !progress.running && Date.now() - endedAt > GRACE_MS)
          return { kind: 'ended', progress }
      }
      const now = phase(progress, text === undefined)
      if (now !== said) question.onProgress(now)
      said = now
      await sleep(PAUSE_MS)
    }
    return { kind: 'timeout', progress, seenByMember: seen }
  } finally {
    await Promise.all([node.close(), member?.close()])
  }
}

/** True when /etc/pve/.members says that the node is online in the cluster, and that the cluster is quorate. */
export function isMember(text: string, { node, cluster }: Pick<MembershipQuestion, 'node' | 'cluster'>): boolean {
  try {
    const seen = parseMembers(text)
    return seen.cluster === cluster && seen.quorate && seen.members.some(({ name, online }) => name === node && online)
  } catch {
    // Read while it was written, or no JSON at all.
    return false
  }
}

async function seenBy(member: PatientConnection, question: MembershipQuestion): Promise<boolean> {
  const text = await member.ask(rawScript('timeout 5 cat /etc/pve/.members'))
  return text !== undefined && isMember(text, question)
}

function phase(progress: Progress | undefined, silent: boolean): string {
  if (silent || progress === undefined) return 'the node does not answer for a moment'
  const last = progress.log.at(-1)
  return last ?? (progress.running ? 'pvecm runs' : 'pvecm has ended')
}

/** A connection to a node whose logins may fail for a while: joining takes /etc/pve, and the keys in it, away. */
class PatientConnection {
  readonly #open: () => Promise<Connection>
  #connection: Connection | undefined

  constructor(open: () => Promise<Connection>) {
    this.#open = open
  }

  /** What a script prints; undefined when the node did not answer. */
  async ask(script: Script): Promise<string | undefined> {
    try {
      this.#connection ??= await this.#open()
      return (await this.#connection.run(script, { timeoutMs: 20_000 })).stdout.toString('utf8')
    } catch (error) {
      if (!(error instanceof PvectlError) || error.code === 'HOST_KEY_MISMATCH' || error.code === 'INTERNAL')
        throw error
      await this.close()
      return undefined
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close().catch(() => undefined)
  }
}
