/** A mark for "something was installed, and nobody knows what came with it". */
import { rawScript } from '../connection/script.ts'
import type { FactRef } from './fact.ts'

const kind = {
  name: 'installation',
  observe: () => rawScript(':'),
  parse: (_: unknown, ids: readonly string[]) => ids.map(() => undefined),
}

/**
 * Disturbed by installations whose content is unknown; resources that miss something ask `model.isUncertain` of it
 * before they complain. Has no state of its own and is never observed.
 */
export const installation: FactRef<unknown> = { kind, id: 'any' }

/** The same, disturbed by every installation: scripts of packages make accounts and groups. */
export const packageAccounts: FactRef<unknown> = { kind, id: 'accounts' }
