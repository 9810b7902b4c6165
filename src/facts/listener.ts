/** Facts about TCP ports: who listens. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Names of the processes that listen on a port, on any address; empty when it is free. */
export type ListenerState = readonly string[]

/** All ports by one `ss`. */
export const listenerFact: FactKind<ListenerState> = {
  name: 'listener',
  observe: () => rawScript('ss -Hltnp'),
  parse(output, ids) {
    const listeners = output
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([, , , local = '', , ...users]) => ({ port: local.slice(local.lastIndexOf(':') + 1), names: names(users) }))
    return ids.map((id) => {
      const found = listeners.filter(({ port }) => port === id).flatMap((listener) => listener.names)
      return [...new Set(found)].sort()
    })
  },
}

/** Reference to the fact about a TCP port. */
export function listenersOn(port: number): FactRef<ListenerState> {
  return { kind: listenerFact, id: String(port) }
}

/** From `users:(("nginx",pid=1,fd=6),…)`. A socket of the kernel itself (NFS) has none and is called that. */
function names(users: readonly string[]): readonly string[] {
  const found = [...users.join(' ').matchAll(/\("([^"]*)",pid=/g)].map(([, name = '']) => name)
  return found.length === 0 ? ['the kernel'] : found
}
