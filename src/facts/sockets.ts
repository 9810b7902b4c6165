/** Facts about what listens on a node: TCP and UDP sockets with their addresses. */
import { rawScript } from '../connection/script.ts'
import { formatIp, parseIp } from '../net/ip-cidr.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A socket that takes what comes. */
export interface ListeningSocket {
  readonly protocol: 'tcp' | 'udp'
  /** In the kernel's spelling; `0.0.0.0`, `::` or, for both families, `*` when it is bound to none. */
  readonly address: string
  /** Interface that it is bound to. */
  readonly device?: string
  readonly port: number
  /** `the kernel` for sockets without a process (WireGuard, NFS). */
  readonly process: string
}

/** All listening sockets, by one `ss`. */
export const socketsFact: FactKind<readonly ListeningSocket[]> = {
  name: 'sockets',
  observe: () => rawScript('ss -Hltunp'),
  parse(output, ids) {
    const sockets = output.toString('utf8').split('\n').flatMap(readSocket)
    return ids.map(() => sockets)
  },
}

/** The one reference to this fact. */
export const socketsRef: FactRef<readonly ListeningSocket[]> = { kind: socketsFact, id: '' }

/** True when a packet to this address would reach the socket, as far as addresses go. */
export function takesAddress(socket: ListeningSocket, address: string): boolean {
  if (socket.address === '*') return true
  if (socket.address === (address.includes(':') ? '::' : '0.0.0.0')) return true
  return socket.address === address
}

function readSocket(line: string): readonly ListeningSocket[] {
  const [protocol, , , , local = '', , ...users] = line.trim().split(/\s+/)
  const colon = local.lastIndexOf(':')
  const port = Number(local.slice(colon + 1))
  if ((protocol !== 'tcp' && protocol !== 'udp') || colon < 0 || !Number.isInteger(port)) return []
  // `[fe80::1]%vmbr1` and `10.0.0.1%vmbr1`.
  const [host = '', device] = local.slice(0, colon).replace(/[[\]]/g, '').split('%')
  const parsed = parseIp(host)
  const address = parsed === undefined ? host : formatIp(parsed)
  const [, process = 'the kernel'] = /\("([^"]*)",pid=/.exec(users.join(' ')) ?? []
  return [{ protocol, address, ...(device === undefined ? {} : { device }), port, process }]
}
