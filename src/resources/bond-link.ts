/** A bond as the kernel has it, and in the file: new, changed, or in the place of a card that a bridge had so far. */

import { sh } from '../connection/script.ts'
import { bridgeVlansRef } from '../facts/bridge-vlans.ts'
import type { FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { slavesInFile, writeBond } from '../interfaces/bond.ts'
import { mtuInFile, portsInFile, writeBridge } from '../interfaces/bridge.ts'
import { withCards } from '../interfaces/cards.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { type BondDesired, bondBlocked } from './bond-checks.ts'
import { planMove } from './bond-move.ts'
import { bondSteps, enslave } from './bond-steps.ts'
import { isCard } from './bridge-steps.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { linkStanza } from './interfaces-stanza.ts'
import { planSteps } from './link-steps.ts'
import { bondFromFile } from './predict-links.ts'
import type { Plan, Resource } from './resource.ts'

/** Ensures the stanza of a bond, and in the same write that its bridge names it instead of its slaves. */
export function bondStanza(desired: BondDesired): Resource {
  const { slaves = [], bridge } = desired
  return linkStanza({
    settings: desired,
    what: 'bond',
    members: slaves,
    blocked: (model) => bondBlocked(desired, model),
    edit: (lines, links) => {
      const cards = slaves.filter((slave) => isCard(linkNamed(links, slave)))
      const settings = { ...desired, mtu: desired.mtu ?? mtuOfCard(desired, lines) }
      const bonded = writeBond(withCards(lines, cards, { autostart: true }), settings)
      return bridge === undefined ? bonded : withPlace(bonded, desired.name, bridge, slaves)
    },
  })
}

/** Ensures the live bond. */
export function bondLink(desired: BondDesired): Resource {
  const { name, bridge } = desired
  return {
    kind: 'bond_link',
    key: `bond:${name}`,
    title: `bond ${name}`,
    reads: [interfacesRef, linksRef, bridgeVlansRef as FactRef<unknown>],
    plan(model) {
      const reason = bondBlocked(desired, model)
      if (reason !== undefined) return reason
      const links = model.get(linksRef)
      const lines = linesOf(model.get(interfacesRef))
      const link = linkNamed(links, name)
      if (bridge !== undefined && link?.master !== bridge) return planMove({ ...desired, bridge }, model)
      return link === undefined
        ? bringUp(desired, model)
        : planSteps(bondSteps(desired, lines, links, link), links, name)
    },
    notices: (after) => unfitForBridge(name, after.get(linksRef)),
  }
}

/**
 * Both modes send frames with the MAC address of whichever card they take, guests' too, and switches then look for the
 * guest behind that address (Linux, drivers/net/bonding/bond_alb.c).
 */
function unfitForBridge(name: string, links: LinksState): readonly string[] {
  const bond = linkNamed(links, name)
  const mode = bond?.bond?.mode ?? ''
  return bond?.master !== undefined && /^balance-[at]lb$/.test(mode)
    ? [
        `${name} is a port of ${bond.master} in mode ${mode}, which gives frames of guests the MAC addresses of its cards: guests may lose packets; active-backup needs as little of the switch`,
      ]
    : []
}

/** A new bond carries packets as large as the card whose place it takes. */
function mtuOfCard({ name, slaves = [], bridge }: BondDesired, lines: Lines): number | undefined {
  if (bridge === undefined || stanzasOf(lines, name).length > 0) return undefined
  const taken = (portsInFile(lines, bridge) ?? []).filter((port) => slaves.includes(port))
  return taken.map((port) => mtuInFile(lines, port)).find((mtu) => mtu !== undefined)
}

/** The bridge's ports with the bond where its slaves were. */
function withPlace(lines: Lines, bond: string, bridge: string, slaves: readonly string[]): Lines {
  const ports = portsInFile(lines, bridge) ?? []
  const at = ports.findIndex((port) => slaves.includes(port))
  const rest = ports.filter((port) => port !== bond && !slaves.includes(port))
  const before = at < 0 ? rest.length : ports.slice(0, at).filter((port) => rest.includes(port)).length
  return writeBridge(lines, { name: bridge, ports: [...rest.slice(0, before), bond, ...rest.slice(before)] })
}

function bringUp({ name }: BondDesired, model: Model): Plan {
  const lines = linesOf(model.get(interfacesRef))
  const links = model.get(linksRef)
  const link = bondFromFile(lines, name)
  const slaves = (slavesInFile(lines, name) ?? []).flatMap((slave) => linkNamed(links, slave)?.name ?? [])
  return planBringUp(model, {
    link,
    ports: slaves,
    summary: describeLink(link, [
      link.bond?.mode ?? '',
      slaves.length === 0 ? 'no slaves' : `slaves ${slaves.join(' ')}`,
    ]),
    settle: slaves.map(
      (slave) => sh`if [ "$(basename "$(readlink ${`/sys/class/net/${slave}/master`})")" != ${name} ]; then
	${enslave(slave, name)}
fi`,
    ),
  })
}
