/** What stands in the way of taking a link away. */
import type { InterfacesState } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type LinksState, linkNamed, portsOf } from '../facts/links.ts'
import { membersInFile, vlansOnInFile } from '../interfaces/members.ts'
import { ovsTypeInFile } from '../interfaces/ovs.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { isGuestPort } from './bridge-steps.ts'
import { definedElsewhere, linesOf } from './interfaces-file.ts'
import { blocked } from './link-checks.ts'
import type { PlanBlocked } from './resource.ts'

/** A link that is to go. */
export interface Removal {
  readonly name: string
  /** For people: `bridge`. */
  readonly what: string
  /** Kinds of link that may be removed under that name. */
  readonly kinds: readonly string[]
}

/** What would break with the link: something is built on it, guests use it, or the node has no other way out. */
export function removalBlocked(
  { name, what, kinds }: Removal,
  interfaces: InterfacesState,
  links: LinksState,
): PlanBlocked | undefined {
  const lines = linesOf(interfaces)
  const link = linkNamed(links, name)
  if (link === undefined && stanzasOf(lines, name).length === 0) return undefined
  const elsewhere = stanzasOf(lines, name).length === 0 ? definedElsewhere(interfaces, name) : undefined
  if (elsewhere !== undefined)
    return blocked(`${name} is described in ${elsewhere}, which pvectl does not edit`, 'remove it there')
  if (link !== undefined && !kinds.includes(link.kind))
    return blocked(`${name} is no ${what} (${link.kind || 'hardware'})`, 'name the task type that it is of')
  if (carriesDefaultRoute(links, name))
    return blocked(`the default route of the node leaves by ${name}`, 'give the node another way out first')
  const guests = portsOf(links, name).filter((port) => isGuestPort(port.name))
  if (guests.length > 0)
    return blocked(
      `guests are plugged into ${name}: ${guests.map((port) => port.name).join(', ')}`,
      'stop those guests or give them another bridge first; the number after tap, veth or fwpr is that of the guest',
    )
  const above = builtOn(name, interfaces, links)
  return above.length === 0
    ? undefined
    : blocked(`${above.join(', ')} is built on ${name}`, 'remove or change that first')
}

/** Links on top of another one, by the file or live: VLANs, aliases, bridges and bonds that it is plugged into. */
function builtOn(name: string, interfaces: InterfacesState, links: LinksState): readonly string[] {
  const lines = linesOf(interfaces)
  const others = stanzasOf(lines)
    .map((stanza) => stanza.name)
    .filter((other) => other !== name)
  return [
    ...new Set([
      ...vlansOnInFile(lines, name),
      ...others.filter((other) => other.startsWith(`${name}.`) || other.startsWith(`${name}:`)),
      // A bridge of Open vSwitch is not built on its ports: they go from its list.
      ...others.filter(
        (other) => membersInFile(lines, other).includes(name) && ovsTypeInFile(lines, other) !== 'OVSBridge',
      ),
      ...links.links
        .filter((other) => other.name.startsWith(`${name}.`) || other.lower === name)
        .map((other) => other.name),
    ]),
  ]
}
