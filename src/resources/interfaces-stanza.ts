/** A bridge in /etc/network/interfaces: what brings it up at boot, and what the web interface shows. */
import { interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import { type BridgeSettings, writeBridge } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { addStanza } from '../interfaces/whole-stanza.ts'
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
      const isNew = stanzasOf(linesOf(interfaces), name).length === 0
      return planInterfacesEdit(model, {
        edit: (lines) => writeBridge(withPortStanzas(lines, settings.ports ?? [], links), settings),
        summary: `${isNew ? 'add' : 'edit'} bridge ${name}`,
        risk: touchesLink(settings, isNew, links) ? 'link' : undefined,
      })
    },
  }
}

/** PVE describes each NIC: one that becomes a port gets its `iface … inet manual` too. */
function withPortStanzas(lines: Lines, ports: readonly string[], links: LinksState): Lines {
  return ports
    .filter((port) => linkNamed(links, port) !== undefined && !port.includes('.'))
    .filter((port) => stanzasOf(lines, port).length === 0)
    .reduce((file, port) => addStanza(file, 'eth', [`iface ${port} inet manual`]), lines)
}

/** Address and ports of an existing bridge, and anything that carries the default route. */
function touchesLink({ name, address, ports = [] }: BridgeSettings, isNew: boolean, links: LinksState): boolean {
  const existing = !isNew && linkNamed(links, name) !== undefined
  if (existing && (address !== undefined || ports.length > 0)) return true
  return [name, ...ports].some((link) => carriesDefaultRoute(links, link))
}
