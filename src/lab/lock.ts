/** One writer at a time, by an abstract Unix socket: the kernel frees it when its owner ends, however it ends. */
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../errors.ts'

/** How to wait for a lock. */
export interface LockOptions {
  /** Milliseconds to wait for the present owner; default 300 000. */
  readonly waitMs?: number
  /** Called once when there is someone to wait for. */
  readonly onWait?: () => void
}

/** Does `work` while holding the lock `name` of this machine. Rejects with LOCKED when it stays taken. */
export async function withLock<T>(name: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { waitMs = 300_000, onWait } = options
  const deadline = Date.now() + waitMs
  let server = await tryLock(name)
  if (server === undefined) onWait?.()
  while (server === undefined) {
    if (Date.now() > deadline) {
      throw new PvectlError('LOCKED', `another pvectl has been working on ${name} for ${waitMs / 1000} s`, {
        hint: 'wait for it to end, or end it',
      })
    }
    await sleep(200)
    server = await tryLock(name)
  }
  try {
    return await work()
  } finally {
    server.close()
  }
}

function tryLock(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(`\0pvectl.${name}`, () => {
      server.unref()
      resolve(server)
    })
  })
}
