/** A node on its way into the inventory. */
import type { Connection } from '../connection/connection.ts'
import type { Host } from '../inventory/host.ts'
import type { NodeAddress } from './address.ts'
import type { Contact } from './contact.ts'
import type { NodeSurvey } from './survey.ts'

/** What is known of a node after the first contact. */
export interface Newcomer {
  readonly at: NodeAddress
  /** What the user calls it: the address as given. */
  readonly label: string
  /** As the inventory has it, or is going to have it. */
  readonly host: Host
  /** It was in the inventory before. */
  readonly isKnown: boolean
  readonly contact: Contact
  readonly connection: Connection
  readonly survey: NodeSurvey
}
