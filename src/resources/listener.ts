/** A service that answers on a TCP port. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { socketsRef } from '../facts/sockets.ts'
import { OK, type Resource } from './resource.ts'

/**
 * Ensures that a process listens on a port, once its unit has been started or reloaded. Blocks when another one has the
 * port: a reloaded nginx would only log that, report success, and go on with its old configuration.
 */
export function listener(port: number, process: string): Resource {
  return {
    kind: 'listener',
    key: `listener:${port}`,
    shared: true,
    spans: (['ip4', 'ip6'] as const).map((family) => ({
      space: 'tcp port',
      of: `${family} own`,
      first: port,
      last: port,
    })),
    title: `${process} on port ${port}`,
    reads: [socketsRef],
    plan(model) {
      const sockets = model.get(socketsRef)
      const names = sockets
        .filter((socket) => socket.protocol === 'tcp' && socket.port === port)
        .map((socket) => socket.process)
      const others = new Set(names.filter((name) => name !== process))
      if (others.size > 0) {
        return {
          kind: 'blocked',
          reason: `port ${port} is taken by ${[...others].sort().join(', ')}`,
          hint: `stop it, or choose another port for ${process}`,
        }
      }
      if (names.length > 0) return OK
      return {
        kind: 'change',
        changes: [{ summary: `${process} listens on port ${port}` }],
        script: sh`pv_n=0
until ss -Hltnp ${`sport = :${port}`} | grep -q ${`"${process}"`}; do
	pv_n=$((pv_n+1))
	[ $pv_n -le 50 ] || pv_fail ${`${process} does not listen on port ${port}, see its log`}
	sleep 0.1
done`,
        after: [becomes(socketsRef, [...sockets, { protocol: 'tcp', address: '*', port, process }])],
      }
    },
  }
}
