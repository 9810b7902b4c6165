/** One connector for nodes that are logged in to in different ways. */
import type { Connection, Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import type { Contact } from './contact.ts'

/** New nodes, by name, are reached as their contact knows; all others by `rest`, which `close` leaves open. */
export function nodeConnector(contacts: ReadonlyMap<string, Contact>, rest: Connector<Target>): Connector<Target> {
  return {
    connect(target: Target, signal?: AbortSignal): Promise<Connection> {
      const contact = contacts.get(target.name)
      return contact === undefined ? rest.connect(target, signal) : contact.connector.connect(contact.target, signal)
    },
    close: async () => undefined,
  }
}
