/** A link in /etc/network/interfaces: what brings it up at boot, and what the web interface shows. */
import type { FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { isAutostarted } from '../interfaces/allow.ts'
import { type BridgeSettings, portsInFile, writeBridge } from '../interfaces/bridge.ts'
import { withCards } from '../interfaces/cards.ts'
import type { Lines } from '../interfaces/lines.ts'
import type { LinkSettings } from '../interfaces/link-stanza.ts'
import { mtuMisfits } from '../interfaces/mtu-misfits.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import { formatIpCidr, ipNetworkOf, ipSpan } from '../net/ip-cidr.ts'
import { isLinkLocal } from '../net/ipv6.ts'
import { besideOthers } from './beside-others.ts'
import { bridgeBlocked, bridgeReads } from './bridge-checks.ts'
import { isCard, mtuOfPorts } from './bridge-steps.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { blocked } from './link-checks.ts'
import type { PlanBlocked, Resource, Span } from './resource.ts'
import { SDN_READS, sdnAddressBlocked, sdnNameBlocked } from './sdn.ts'

/** A stanza of any type. */
export interface StanzaDesired {
  readonly settings: LinkSettings
  /** For people: `bridge`, `bond`. */
  readonly what: string
  /** Links that only this one may have plugged in. */
  readonly members: readonly string[]
  /** Links that must carry packets as large as its own. */
  readonly carriedBy?: readonly string[]
  /** Further links whose stanzas the edit changes. */
  readonly also?: readonly string[]
  /** Further things that only one task of a host may have. */
  readonly claims?: readonly string[]
  readonly reads?: readonly FactRef<unknown>[]
  readonly blocked: (model: Model) => PlanBlocked | undefined
  /** Pure, and its own fixed point. */
  readonly edit: (lines: Lines, links: LinksState) => Lines
}

/** Ensures the stanza of a link. What `settings` leaves out stays as it is in a stanza that exists. */
export function linkStanza(desired: StanzaDesired): Resource {
  const { settings, what, members, carriedBy = [], also = [], claims = [], reads = [], edit } = desired
  const { name } = settings
  const stanza: Resource = {
    kind: 'interfaces_stanza',
    key: `interfaces:${name}`,
    title: `${name} in /etc/network/interfaces`,
    claims: [
      ...members.map((member) => `port:${member}`),
      ...(settings.comment === undefined ? [] : [`comment:${name}`]),
      ...claims,
    ],
    spans: networksOf(settings),
    link: {
      name,
      mtu: settings.mtu,
      addresses: addressesOf(settings).map(formatIpCidr),
      plugged: members.filter((member) => member !== name),
      carriedBy,
    },
    reads: [interfacesRef, linksRef, ...reads],
    plan(model) {
      const reason = desired.blocked(model)
      if (reason !== undefined) return reason
      const links = model.get(linksRef)
      const before = linesOf(model.get(interfacesRef))
      const after = edit(before, links)
      const misfit = misfitBlocked(before, after)
      if (misfit !== undefined) return misfit
      return planInterfacesEdit(model, {
        edit: (lines) => edit(lines, links),
        summary: `${stanzasOf(before, name).length === 0 ? 'add' : 'edit'} ${what} ${name}`,
        risk: touchesLink([name, ...members, ...also], before, after, links) ? 'link' : undefined,
      })
    },
  }
  return besideOthers(stanza, {
    reads: SDN_READS as readonly FactRef<unknown>[],
    blocked: (model) => sdnBlocked(settings, model),
  })
}

/** A name or network of SDN; an address that the file has already is not asked about. */
function sdnBlocked(settings: LinkSettings, model: Model): PlanBlocked | undefined {
  const { name } = settings
  const present = networksNamed(linesOf(model.get(interfacesRef)), name).map(formatIpCidr)
  const fresh = addressesOf(settings)
  return [
    sdnNameBlocked(name, model),
    ...fresh
      .filter((address) => !present.includes(formatIpCidr(address)))
      .map((address) => sdnAddressBlocked(name, address, model)),
  ].find((reason) => reason !== undefined)
}

/** Packets that would not fit any more after the edit: PVE would refuse to save anything until that is mended. */
function misfitBlocked(before: Lines, after: Lines): PlanBlocked | undefined {
  const known = mtuMisfits(before)
  const misfit = mtuMisfits(after).find(
    ({ name, carriedBy }) => !known.some((other) => other.name === name && other.carriedBy === carriedBy),
  )
  if (misfit === undefined) return undefined
  const { name, mtu, carriedBy, carriedMtu } = misfit
  return blocked(
    `${name} would have an MTU of ${mtu} in /etc/network/interfaces, and ${carriedBy}, which carries it, ${carriedMtu}: PVE refuses to save that`,
    `give ${carriedBy} at least ${mtu} first, or ${name} at most ${carriedMtu}`,
  )
}

/** Networks that the link is in. Two links may share a single address (an uplink and a bridge that routes by it). */
function networksOf(settings: LinkSettings): readonly Span[] {
  return addressesOf(settings).flatMap((cidr) => {
    if (cidr.prefix === (cidr.family === 4 ? 32 : 128)) return []
    // Link-local networks are on every link.
    if (cidr.family === 6 && isLinkLocal(cidr)) return []
    return [{ space: 'network', of: `ip${cidr.family}`, ...ipSpan(cidr), text: formatIpCidr(ipNetworkOf(cidr)) }]
  })
}

function addressesOf({ address, address6 }: LinkSettings) {
  return [address, address6].filter((cidr) => cidr !== undefined && cidr !== 'none')
}

/** Ensures the stanza of a bridge. */
export function interfacesStanza(settings: BridgeSettings): Resource {
  const { ports = [], name } = settings
  const stanza = linkStanza({
    settings,
    what: 'bridge',
    members: ports,
    carriedBy: ports,
    reads: bridgeReads(settings),
    blocked: (model) => bridgeBlocked(settings, model),
    edit: (lines, links) => {
      const mtu = mtuOfPorts(settings, lines)
      const all = mtu === undefined ? ports : (settings.ports ?? portsInFile(lines, name) ?? [])
      const cards = all.filter((port) => isCard(linkNamed(links, port)))
      return writeBridge(withCards(lines, cards, { mtu }), settings)
    },
  })
  return { ...stanza, notices: (model) => notAtBoot(settings, linesOf(model.get(interfacesRef))) }
}

/** A stanza without `auto` is somebody's choice, or an oversight that shows at the next boot: told, not changed. */
function notAtBoot({ name, autostart }: BridgeSettings, lines: Lines): readonly string[] {
  if (autostart !== undefined || isAutostarted(lines, name) || isBroughtAlong(lines, name)) return []
  return [
    `${name} does not come up at boot: /etc/network/interfaces has no \`auto ${name}\`; \`autostart: true\` in its task adds it, \`false\` says that it is meant so`,
  ]
}

/** ifupdown2 brings up what a link is built on. */
function isBroughtAlong(lines: Lines, name: string): boolean {
  return stanzasOf(lines).some(
    (other) =>
      isAutostarted(lines, other.name) &&
      (other.name.startsWith(`${name}.`) ||
        optionsNamed(other, 'vlan-raw-device').some(({ value }) => value.trim() === name)),
  )
}

/** More than words about it: a live link, or one that carries the default route, will be another at the next boot. */
function touchesLink(names: readonly string[], before: Lines, after: Lines, links: LinksState): boolean {
  const [name = ''] = names
  if (describe(before, names) === describe(after, names)) return false
  return linkNamed(links, name) !== undefined || names.some((one) => carriesDefaultRoute(links, one))
}

/** Options of stanzas, without comments and `auto`. */
function describe(lines: Lines, names: readonly string[]): string {
  return names
    .flatMap((name) => stanzasOf(lines, name))
    .flatMap(({ name, family, method, options }) => [
      `${name} ${family} ${method}`,
      ...options.map((option) => `${option.name} ${option.value}`),
    ])
    .join('\n')
}
