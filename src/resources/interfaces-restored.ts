/** The whole of /etc/network/interfaces, as it was once. */
import { INTERFACES_PATH, interfacesRef } from '../facts/interfaces.ts'
import { parseLines } from '../interfaces/lines.ts'
import { planInterfacesEdit } from './interfaces-file.ts'
import type { Resource } from './resource.ts'

/**
 * Ensures that the file has this content, under PVE's lock, and not while the web interface has a change pending.
 * `pendingReturns`: a pending change was there beside this content, and is put back after it.
 */
export function interfacesRestored(content: Buffer, pendingReturns = false): Resource {
  return {
    kind: 'interfaces_stanza',
    key: `file:${INTERFACES_PATH}`,
    title: `file ${INTERFACES_PATH}`,
    reads: [interfacesRef],
    plan: (model) =>
      planInterfacesEdit(model, {
        edit: () => parseLines(content),
        summary: `edit ${INTERFACES_PATH}`,
        risk: 'link',
        pendingReturns,
      }),
  }
}
