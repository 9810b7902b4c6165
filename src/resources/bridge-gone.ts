/** A bridge that is to go: taken down while its stanza, and with it its hooks, is still in the file. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef, portsOf } from '../facts/links.ts'
import { rulesOf, ruleTables } from '../facts/nat.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { isGuestPort } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { withoutLink } from './predict-links.ts'
import { OK, type Resource } from './resource.ts'

/** Ensures that there is no such live bridge. `force`: also when guests are plugged in. */
export function bridgeGone(name: string, force = false): Resource {
  return {
    kind: 'bridge_link',
    key: `bridge:${name}`,
    title: `no bridge ${name}`,
    reads: [linksRef, interfacesRef],
    plan(model) {
      const links = model.get(linksRef)
      const link = linkNamed(links, name)
      if (link === undefined) return OK
      const guests = portsOf(links, name).filter((port) => isGuestPort(port.name))
      if (guests.length > 0 && !force) {
        return {
          kind: 'blocked',
          reason: `guests are plugged into ${name}: ${guests.map((port) => port.name).join(', ')}`,
          hint: 'stop them or move them to another bridge first; --force cuts them off',
        }
      }
      const options = stanzasOf(linesOf(model.get(interfacesRef)), name).flatMap((stanza) => stanza.options)
      const callsIptables = options.some((option) => /down$/.test(option.name) && option.value.includes('iptables'))
      return {
        kind: 'change',
        changes: [{ summary: `take ${name} down and remove it` }],
        script: sh`ifdown ${name} || echo ${`ifdown ${name} ended with an error; the link is removed all the same`}
[ ! -d ${`/sys/class/net/${name}`} ] || ip link del ${name}`,
        after: [becomes(linksRef, withoutLink(links, name))],
        risk: 'link',
        ...(callsIptables ? { disturbs: ruleTables.map(({ family, table }) => rulesOf(family, table)) } : {}),
      }
    },
  }
}
