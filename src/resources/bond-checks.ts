/** What stands in the way of a bond. */
import { interfacesRef } from '../facts/interfaces.ts'
import { type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { addresses6Named } from '../interfaces/address6.ts'
import { type BondSettings, slavesInFile } from '../interfaces/bond.ts'
import { mtuInFile, portsInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { ownersInFile, vlansOnInFile } from '../interfaces/members.ts'
import { formatIpCidr } from '../net/ip-cidr.ts'
import { isCard } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { addressBlocked, blocked, memberBlocked, mtuAboveBlocked, nameBlocked } from './link-checks.ts'
import type { PlanBlocked } from './resource.ts'

/** A bond, and the bridge that it carries. */
export interface BondDesired extends BondSettings {
  /** It takes the place of slaves that are plugged in there. */
  readonly bridge?: string | undefined
}

/** The first reason why the bond cannot be described in the file or brought up as asked. */
export function bondBlocked(desired: BondDesired, model: Model): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const lines = linesOf(interfaces)
  const { name, slaves = [], bridge, mtu } = desired
  const checks = slaves.map(
    (slave) => () =>
      bridgedBlocked(desired, slave, lines, links) ??
      memberBlocked(name, slave, interfaces, links, bridge === undefined ? [] : [bridge]) ??
      slaveBlocked(desired, slave, lines, links),
  )
  return (
    nameBlocked({ name, kinds: ['bond'], what: 'a bond' }, interfaces, links) ??
    slavesMissing(desired, lines) ??
    bridgeBlocked(desired, lines, links) ??
    checks.reduce<PlanBlocked | undefined>((found, check) => found ?? check(), undefined) ??
    mtuAboveBlocked(name, mtu, links) ??
    addressBlocked(desired, lines, links)
  )
}

function slavesMissing({ name, slaves }: BondDesired, lines: Lines): PlanBlocked | undefined {
  return slaves !== undefined || slavesInFile(lines, name) !== undefined
    ? undefined
    : blocked(`there is no ${name} yet, and a new bond needs slaves`, 'add `slaves`')
}

/** A slave that a bridge would lose: said how to do that without losing the node. */
function bridgedBlocked(
  { name, bridge }: BondDesired,
  slave: string,
  lines: Lines,
  links: LinksState,
): PlanBlocked | undefined {
  if (bridge !== undefined) return undefined
  const master = linkNamed(links, slave)?.master
  const live = master !== undefined && linkNamed(links, master)?.kind === 'bridge' ? [master] : []
  const written = ownersInFile(lines, slave).filter((owner) => portsInFile(lines, owner)?.includes(slave) === true)
  const [holder] = [...live, ...written]
  return holder === undefined
    ? undefined
    : blocked(
        `${slave} is plugged into ${holder}, which would lose it to ${name}`,
        `add \`bridge: ${holder}\`: then ${name} takes its place there in one step, under the guard`,
      )
}

function slaveBlocked(
  { name, mtu }: BondDesired,
  slave: string,
  lines: Lines,
  links: LinksState,
): PlanBlocked | undefined {
  const link = linkNamed(links, slave)
  if (link === undefined)
    return blocked(`this node has no interface ${slave} to be a slave of ${name}`, 'see `ip link` on the node')
  if (!isCard(link) && link.kind !== 'bond')
    return blocked(`${slave} cannot be a slave of ${name} (${link.kind})`, 'PVE allows network cards and bonds only')
  const vlans = vlansOn(link, lines, links)
  if (vlans.length > 0)
    return blocked(
      `${vlans.join(', ')} is built on ${slave}, and would get no more frames once that is a slave of ${name}`,
      `take it away first (task vlan, state: absent), and make it anew on ${name}`,
    )
  const own = mtuInFile(lines, slave)
  return mtu !== undefined && own !== undefined && own > mtu
    ? blocked(
        `${slave} has an MTU of ${own} in /etc/network/interfaces, above that of ${name} (${mtu}), and PVE refuses to save that`,
        `give ${name} ${own}, or take the line out`,
      )
    : undefined
}

function vlansOn(link: Link, lines: Lines, { links }: LinksState): readonly string[] {
  const live = links.filter((other) => other.kind === 'vlan' && other.lower === link.name).map(({ name }) => name)
  return [...new Set([...live, ...vlansOnInFile(lines, link.name)])]
}

function bridgeBlocked({ name, bridge }: BondDesired, lines: Lines, links: LinksState): PlanBlocked | undefined {
  if (bridge === undefined) return undefined
  const link = linkNamed(links, bridge)
  if (link?.kind !== 'bridge' || portsInFile(lines, bridge) === undefined)
    return blocked(
      `there is no bridge ${bridge} for ${name} to be plugged into`,
      `leave \`bridge\` out, and name ${name} among the ports of a new one`,
    )
  const [address] = [...addressesNamed(lines, name), ...addresses6Named(lines, name)]
  if (address !== undefined)
    return blocked(
      `${name} has the address ${formatIpCidr(address)}, which it would lose as a port of ${bridge}`,
      `move the address to ${bridge} first`,
    )
  const other = linkNamed(links, name)?.master
  return other === undefined || other === bridge
    ? undefined
    : blocked(`${name} is a port of ${other} already`, 'take it out there first')
}
