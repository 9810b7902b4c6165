/** The comment of an interface, as the web interface shows it. */
import { interfacesRef } from '../facts/interfaces.ts'
import { setComment } from '../interfaces/comments.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { definedElsewhere, linesOf, planInterfacesEdit } from './interfaces-file.ts'
import type { Resource } from './resource.ts'

/** Ensures the comment of an interface that the file already has; empty removes it. */
export function interfacesComment(name: string, comment: string): Resource {
  return {
    kind: 'interfaces_comment',
    key: `interfaces-comment:${name}`,
    title: `comment of ${name}`,
    claims: [`comment:${name}`],
    reads: [interfacesRef],
    plan(model) {
      const state = model.get(interfacesRef)
      if (stanzasOf(linesOf(state), name).length === 0) {
        const elsewhere = definedElsewhere(state, name)
        const reason =
          elsewhere === undefined
            ? `/etc/network/interfaces has no interface ${name} to comment`
            : `${name} is described in ${elsewhere}, where PVE shows no comments`
        return { kind: 'blocked', reason, hint: 'name an interface of that file, or add it first (task bridge)' }
      }
      const summary = comment === '' ? `remove the comment of ${name}` : `comment of ${name}: ${comment}`
      return planInterfacesEdit(model, { edit: (lines) => setComment(lines, name, comment), summary })
    },
  }
}
