/** UDP as a visitor sends it. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two datagrams: few enough to trouble nobody, and one is sure to come while somebody looks. */
const EVERY_MS = 400

/** Sends a text to a port until told to stop. Rejects when it cannot be sent at all. */
export async function sendDatagrams(text: string, port: number, address: string, until: AbortSignal): Promise<void> {
  const { address: ip, family } = await lookup(address)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  // A refusal of an earlier one: it says that the way is there.
  socket.on('error', () => {})
  try {
    while (!until.aborted) {
      await new Promise<void>((resolve, reject) => {
        socket.send(text, port, ip, (error) => (error === null ? resolve() : reject(error)))
      })
      await sleep(EVERY_MS, undefined, { signal: until }).catch(() => {})
    }
  } finally {
    socket.close()
  }
}
