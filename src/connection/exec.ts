/** Runs one command over an SSH connection, with output as bytes and every wait bounded. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientChannel } from 'ssh2'
import { PvectlError } from '../errors.ts'
import type { RunResult } from './connection.ts'
import type { Link } from './link.ts'

/** One command to run. */
export interface Execution {
  /** Name of the node, for messages. */
  readonly name: string
  readonly command: string
  readonly stdin: Buffer
  /** Milliseconds until it counts as hung. */
  readonly timeoutMs: number
  /** Bytes of output, both streams together, beyond which reading stops with an error. */
  readonly maxOutput: number
  readonly signal?: AbortSignal | undefined
  readonly onStdout?: ((chunk: Buffer) => void) | undefined
}

/** A background process may hold the output open after the command ended: wait so long without output, then go. */
const LINGER_MS = 2500
/** sshd admits some sessions at a time (MaxSessions, 10) and frees a place a little after the session's end. */
const BUSY_MS = [50, 100, 200, 400, 800]

/** Resolves however the command ends. Rejects with CONNECTION_LOST, TIMEOUT, INTERRUPTED, STEP_FAILED, HOST_UNREACHABLE. */
export async function execute(link: Link, execution: Execution): Promise<RunResult> {
  for (let tries = 0; ; tries++) {
    try {
      return await new Session(link, execution).result
    } catch (error) {
      const pause = BUSY_MS[tries]
      if (!(error instanceof TooManySessions)) throw error
      if (pause === undefined) throw refused(execution, error)
      await sleep(pause)
    }
  }
}

class TooManySessions extends Error {}

/** One exec channel from opening to close. Settles once; whatever comes later is ignored. */
class Session {
  readonly result: Promise<RunResult>
  readonly #link: Link
  readonly #execution: Execution
  readonly #stdout: Buffer[] = []
  readonly #stderr: Buffer[] = []
  readonly #timer: NodeJS.Timeout
  #size = 0
  #linger: NodeJS.Timeout | undefined
  #exit: { code: number | null; signal: string | null } | undefined
  #channel: ClientChannel | undefined
  #settled = false
  #resolve: (result: RunResult) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(link: Link, execution: Execution) {
    this.#link = link
    this.#execution = execution
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#timer = setTimeout(() => this.#fail(timedOut(execution)), execution.timeoutMs)
    execution.signal?.addEventListener('abort', this.#onAbort)
    if (execution.signal?.aborted) this.#onAbort()
    else this.#open()
  }

  #open(): void {
    try {
      const down = this.#link.lost()
      if (down !== undefined) throw new Error(down)
      this.#link.client.exec(this.#execution.command, (error, channel) => {
        if (error !== undefined) this.#fail(this.#refused(error))
        else if (this.#settled) channel.close()
        else this.#start(channel)
      })
    } catch (error) {
      this.#fail(lost(this.#execution, error instanceof Error ? error.message : String(error)))
    }
  }

  #start(channel: ClientChannel): void {
    this.#channel = channel
    channel.on('error', () => {})
    channel.stderr.on('error', () => {})
    channel.on('data', (chunk: Buffer) => this.#onOutput(this.#stdout, chunk, this.#execution.onStdout))
    channel.stderr.on('data', (chunk: Buffer) => this.#onOutput(this.#stderr, chunk))
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { code, signal: signal ?? null }
      this.#startLinger()
    })
    channel.on('close', () => this.#onClose())
    channel.end(this.#execution.stdin)
  }

  #refused(error: Error & { reason?: unknown }): Error {
    const down = this.#link.lost()
    if (down !== undefined) return lost(this.#execution, down)
    return error.reason === undefined ? refused(this.#execution, error) : new TooManySessions(error.message)
  }

  #onOutput(chunks: Buffer[], chunk: Buffer, listener?: (chunk: Buffer) => void): void {
    if (this.#settled) return
    this.#size += chunk.length
    chunks.push(chunk)
    if (this.#linger !== undefined) this.#startLinger()
    try {
      if (this.#size > this.#execution.maxOutput) throw tooMuch(this.#execution)
      listener?.(chunk)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** A link that dies may have cut output off even though the exit status is known, so that is no clean end. */
  #onClose(): void {
    const down = this.#link.lost()
    if (this.#exit !== undefined && down === undefined) this.#finish()
    else this.#fail(lost(this.#execution, down ?? 'the session ended without an exit status'))
  }

  #startLinger(): void {
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => {
      this.#finish()
      this.#channel?.close()
    }, LINGER_MS)
  }

  readonly #onAbort = (): void => {
    this.#fail(new PvectlError('INTERRUPTED', `${this.#execution.name}: interrupted`, { host: this.#execution.name }))
  }

  #finish(): void {
    const { code, signal } = this.#exit ?? { code: null, signal: null }
    if (!this.#settle()) return
    this.#resolve({ code, signal, stdout: Buffer.concat(this.#stdout), stderr: Buffer.concat(this.#stderr) })
  }

  #fail(error: Error): void {
    if (!this.#settle()) return
    this.#channel?.close()
    this.#reject(error)
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#timer)
    clearTimeout(this.#linger)
    this.#execution.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}

function lost({ name }: Execution, why: string): PvectlError {
  return new PvectlError('CONNECTION_LOST', `${name}: the connection broke off while a script ran: ${why}`, {
    hint: 'how far the script got is unknown; run again when the node answers: what is done already stays done',
    host: name,
  })
}

function refused({ name }: Execution, error: Error): PvectlError {
  return new PvectlError('HOST_UNREACHABLE', `${name}: the node refuses to run commands: ${error.message}`, {
    hint: 'does the key or sshd_config there restrict what this login may do (MaxSessions, restrict)?',
    host: name,
    cause: error,
  })
}

function timedOut({ name, timeoutMs }: Execution): PvectlError {
  const seconds = Number((timeoutMs / 1000).toFixed(1))
  return new PvectlError('TIMEOUT', `${name}: a script did not end within ${seconds} s`, {
    hint: 'it may still run on the node; look there what it waits for before running again',
    host: name,
  })
}

function tooMuch({ name, maxOutput }: Execution): PvectlError {
  const mebibytes = Number((maxOutput / 2 ** 20).toFixed(1))
  return new PvectlError('STEP_FAILED', `${name}: a script printed more than ${mebibytes} MiB`, { host: name })
}
