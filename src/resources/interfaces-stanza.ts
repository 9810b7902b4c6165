/** A bridge in /etc/network/interfaces: what brings it up at boot, and what the web interface shows. */
import { interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { type BridgeSettings, portsInFile, writeBridge } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { addStanza } from '../interfaces/whole-stanza.ts'
import { formatCidr } from '../net/cidr.ts'
import { bridgeBlocked } from './bridge-checks.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import type { Resource } from './resource.ts'

/** Ensures the stanza of a bridge. What `settings` leaves out stays as it is in a stanza that exists. */
export function interfacesStanza(settings: BridgeSettings): Resource {
  const { name } = settings
  return {
    kind: 'interfaces_stanza',
    key: `interfaces:${name}`,
    title: `${name} in /etc/network/interfaces`,
    claims: [
      ...(settings.ports ?? []).map((port) => `port:${port}`),
      ...(settings.comment === undefined ? [] : [`comment:${name}`]),
    ],
    reads: [interfacesRef, linksRef],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const blocked = bridgeBlocked(settings, interfaces, links)
      if (blocked !== undefined) return blocked
      const before = linesOf(interfaces)
      const edit = (lines: Lines) => writeBridge(withPortStanzas(lines, settings.ports ?? [], links), settings)
      return planInterfacesEdit(model, {
        edit,
        summary: `${stanzasOf(before, name).length === 0 ? 'add' : 'edit'} bridge ${name}`,
        risk: touchesLink(settings, before, edit(before), links) ? 'link' : undefined,
      })
    },
  }
}

/** PVE describes each NIC: one that becomes a port gets its `iface … inet manual` too. */
function withPortStanzas(lines: Lines, ports: readonly string[], links: LinksState): Lines {
  return ports
    .filter((port) => linkNamed(links, port) !== undefined && !port.includes('.'))
    .filter((port) => stanzasOf(lines, port).length === 0)
    .reduce((file, port) => addStanza(file, port, 'eth', [`iface ${port} inet manual`]), lines)
}

/** Address or ports of a live bridge, or of anything that carries the default route, will be others. */
function touchesLink({ name, ports = [] }: BridgeSettings, before: Lines, after: Lines, links: LinksState): boolean {
  const described = (lines: Lines) => [
    ...addressesNamed(lines, name).map(formatCidr),
    ...(portsInFile(lines, name) ?? []),
  ]
  if (described(before).join(' ') === described(after).join(' ')) return false
  return linkNamed(links, name) !== undefined || ports.some((port) => carriesDefaultRoute(links, port))
}
