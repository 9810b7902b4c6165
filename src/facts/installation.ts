/** A mark for "something was installed, and nobody knows what came with it". */
import { rawScript } from '../connection/script.ts'
import type { FactRef } from './fact.ts'

/**
 * Disturbed by installations whose content is unknown; resources that miss something ask `model.isUncertain` of it
 * before they complain. Has no state of its own and is never observed.
 */
export const installation: FactRef<unknown> = {
  kind: { name: 'installation', observe: () => rawScript(':'), parse: (_, ids) => ids.map(() => undefined) },
  id: 'any',
}
