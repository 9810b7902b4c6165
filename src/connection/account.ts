/** A login of which only what it is allowed to do matters: where it leads, and whether it has a shell. */
import type { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import type { Link } from './link.ts'

/** What came of an attempt to be forwarded. */
export type Passage =
  /** The connection stands; `said` is what the other side said first, if anything. */
  | { readonly kind: 'open'; readonly said: string }
  /** The server does not allow it. */
  | { readonly kind: 'prohibited' }
  /** It is allowed, and there is nobody. */
  | { readonly kind: 'unreachable'; readonly why: string }

/** An open login. */
export interface Account {
  /** Asks to be forwarded to a host and port, as `ssh -J` and `ssh -L` do. */
  open(host: string, port: number): Promise<Passage>
  /** Asks for a command; what it printed, or undefined when the server runs none or what it runs prints no `uid=`. */
  shell(): Promise<string | undefined>
  /** Asks the server to listen, as `ssh -R` does. True when it would. */
  listens(): Promise<boolean>
  close(): Promise<void>
}

/** Milliseconds for one answer. */
const ANSWER_MS = 8000
/** Milliseconds for the first words of whoever is at the other end. */
const GREETING_MS = 700

/** RFC 4254: the server's policy forbids the channel. */
const PROHIBITED = 1

/** Wraps a logged-in link. */
export function account(link: Link): Account {
  return {
    open: (host, port) => within(open(link, host, port), { kind: 'unreachable', why: 'no answer in time' }),
    shell: () => within(shell(link), undefined),
    listens: () => within(listens(link), false),
    close: () => link.close(),
  }
}

function open(link: Link, host: string, port: number): Promise<Passage> {
  return new Promise((resolve) => {
    link.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error === undefined) greeting(channel).then((said) => resolve({ kind: 'open', said }))
      else if ((error as { reason?: unknown }).reason === PROHIBITED) resolve({ kind: 'prohibited' })
      else
        resolve({
          kind: 'unreachable',
          why: error.message.replace(/^.*Channel open failure: (open failed: )?/, '').toLowerCase(),
        })
    })
  })
}

function greeting(channel: Duplex): Promise<string> {
  return new Promise((resolve) => {
    const end = (said: string) => {
      channel.destroy()
      resolve(said)
    }
    channel.on('error', () => {})
    channel.once('data', (chunk: Buffer) => end(chunk.toString('latin1').split('\n')[0]?.trim() ?? ''))
    channel.once('end', () => end(''))
    setTimeout(() => end(''), GREETING_MS).unref()
  })
}

function shell(link: Link): Promise<string | undefined> {
  return new Promise((resolve) => {
    link.client.exec('id', (error, channel: ClientChannel) => {
      if (error !== undefined) return resolve(undefined)
      let said = ''
      channel.on('error', () => {})
      channel.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8')
      })
      channel.on('close', () => resolve(said.includes('uid=') ? said.trim() : undefined))
      channel.end()
    })
  })
}

function listens(link: Link): Promise<boolean> {
  return new Promise((resolve) => {
    link.client.forwardIn('127.0.0.1', 0, (error, port) => {
      if (error === undefined) link.client.unforwardIn('127.0.0.1', port)
      resolve(error === undefined)
    })
  })
}

function within<T>(promise: Promise<T>, otherwise: T): Promise<T> {
  return Promise.race([
    promise,
    new Promise<T>((resolve) => {
      setTimeout(() => resolve(otherwise), ANSWER_MS).unref()
    }),
  ])
}
