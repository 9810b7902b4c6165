/** An authenticated SSH connection and what became of it. */
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'

/** A logged-in ssh2 client that never raises an uncaught error and knows when and why it died. */
export interface Link {
  readonly client: Client
  /** Address and port that the session reached. */
  readonly peer: string
  /** Why the link is down, undefined while it is up. */
  lost(): string | undefined
  /** Settles when the link is down, for whatever reason. */
  readonly down: Promise<void>
  close(): Promise<void>
}

/** Milliseconds that the other side gets to say goodbye. */
const GOODBYE_MS = 500

/** Watches a client from the start of its connection; `stream` is what it talks through. */
export function watchLink(client: Client, stream: Duplex, peer: () => string): Link {
  let reason: string | undefined
  const down = new Promise<void>((resolve) => {
    // ssh2 reports a dead peer as 'error', and an 'error' nobody listens to ends the process.
    client.on('error', (error: Error) => {
      reason ??= error.message
    })
    client.on('end', () => {
      reason ??= 'the other side closed the connection'
    })
    client.on('close', () => {
      reason ??= 'the connection was closed'
      resolve()
    })
  })
  stream.on('error', () => {})
  return {
    client,
    get peer() {
      return peer()
    },
    lost: () => reason,
    down,
    async close() {
      reason ??= 'the connection was closed'
      client.end()
      const timer = setTimeout(() => stream.destroy(), GOODBYE_MS)
      const giveUp = new AbortController()
      // A stream through a dead jump host never says that it is closed.
      await Promise.race([down, sleep(2 * GOODBYE_MS, undefined, { signal: giveUp.signal }).catch(() => {})])
      giveUp.abort()
      clearTimeout(timer)
    },
  }
}
