/** QEMU's control protocol: one JSON object a line, over a Unix socket. */
import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../../errors.ts'

/** A connection to a running QEMU. */
export interface Qmp {
  /** Resolves with what the command returns. Rejects with LAB_FAILED when QEMU refuses or ends. */
  execute(command: string, options?: Readonly<Record<string, unknown>>): Promise<unknown>
  close(): void
}

/** How long to try. */
export interface QmpOptions {
  /** Milliseconds; default 10 000. */
  readonly timeoutMs?: number
  /** Stops trying once QEMU has ended. */
  readonly isAlive?: () => boolean
}

/** Connects to the control socket of a QEMU that may just be starting. Rejects with LAB_FAILED. */
export async function connectQmp(socketPath: string, options: QmpOptions = {}): Promise<Qmp> {
  const { timeoutMs = 10_000, isAlive = () => true } = options
  const deadline = Date.now() + timeoutMs
  let socket = await tryConnect(socketPath)
  while (socket === undefined) {
    if (Date.now() > deadline || !isAlive()) throw new PvectlError('LAB_FAILED', `no QEMU answers at ${socketPath}`)
    await sleep(20)
    socket = await tryConnect(socketPath)
  }
  const qmp = protocol(socket)
  await qmp.execute('qmp_capabilities')
  return qmp
}

interface Answer {
  readonly return?: unknown
  readonly error?: { readonly desc: string }
}

/** Answers come in the order of the commands; events in between are nobody's business here. */
function protocol(socket: Socket): Qmp {
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = []
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${text}${chunk}`.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines.filter((line) => line.trim() !== '')) {
      const message = JSON.parse(line) as Answer
      if ('return' in message || 'error' in message) waiting.shift()?.resolve(message)
    }
  })
  const end = () => {
    for (const { reject } of waiting.splice(0)) reject(new PvectlError('LAB_FAILED', 'QEMU has ended'))
  }
  socket.on('error', end)
  socket.on('close', end)
  return {
    async execute(command, options = {}) {
      if (socket.destroyed) throw new PvectlError('LAB_FAILED', 'QEMU has ended')
      const answer = await new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve, reject })
        socket.write(`${JSON.stringify({ execute: command, arguments: options })}\n`)
      })
      if (answer.error === undefined) return answer.return
      throw new PvectlError('LAB_FAILED', `QEMU refuses ${command}: ${answer.error.desc}`)
    },
    close: () => socket.destroy(),
  }
}

function tryConnect(socketPath: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath)
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => resolve(socket))
  })
}
