/** Single changes to a live link of any kind, each with its command and what the links will be after it. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { carriesDefaultRoute, type Link, type LinksState, linksRef } from '../facts/links.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { addresses6Named } from '../interfaces/address6.ts'
import { type Lines, words } from '../interfaces/lines.ts'
import type { LinkSettings } from '../interfaces/link-stanza.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { formatIpCidr, parseIpv4Cidr, parseIpv6Cidr } from '../net/ip-cidr.ts'
import { isLinkLocal } from '../net/ipv6.ts'
import { replaceLink, withAddress, withoutAddress } from './predict-links.ts'
import { OK, type Plan } from './resource.ts'

/** One change to a live link. */
export interface LinkStep {
  readonly summary: string
  readonly script: Script
  /** It touches ports or addresses that connections may be using. */
  readonly movesTraffic: boolean
  readonly after: (state: LinksState) => LinksState
}

/** The plan that takes these steps, one after the other. */
export function planSteps(steps: readonly LinkStep[], links: LinksState, name: string): Plan {
  if (steps.length === 0) return OK
  const risky = steps.some(({ movesTraffic }) => movesTraffic) || carriesDefaultRoute(links, name)
  const after = steps.reduce((state, step) => step.after(state), links)
  return {
    kind: 'change',
    changes: steps.map(({ summary }) => ({ summary })),
    script: joinScripts(steps.map(({ script }) => script)),
    after: [becomes(linksRef, after)],
    ...(risky ? { risk: 'link' as const } : {}),
  }
}

/** Sets a link up. */
export function setUp(name: string): LinkStep {
  return {
    summary: `${name}: set up`,
    script: sh`ip link set ${name} up`,
    movesTraffic: false,
    after: edited(name, (link) => ({ ...link, up: true })),
  }
}

/** Sets the MTU of a link, where it is another. */
export function mtuSteps(link: Link, mtu: number | undefined): readonly LinkStep[] {
  if (mtu === undefined || link.mtu === mtu) return []
  return [
    {
      summary: `${link.name}: mtu ${link.mtu} → ${mtu}`,
      script: sh`ip link set ${link.name} mtu ${mtu}`,
      movesTraffic: true,
      after: edited(link.name, (now) => ({ ...now, mtu })),
    },
  ]
}

/** Whether the link gives itself a link-local address. One that is in the file stays. */
export function linkLocalSteps(link: Link, linkLocal: boolean | undefined, lines: Lines): readonly LinkStep[] {
  const { name } = link
  if (linkLocal === undefined || linkLocal === (link.noLinkLocal !== true)) return []
  if (linkLocal)
    return [
      {
        summary: `${name}: IPv6 link-local address on`,
        script: sh`ip link set ${name} addrgenmode eui64`,
        movesTraffic: false,
        after: edited(name, ({ noLinkLocal: _, ...now }) => now),
      },
    ]
  const kept = addresses6Named(lines, name).map(formatIpCidr)
  const own = link.addresses.filter(
    ({ cidr, family, scope }) => family === 6 && scope === 'link' && !kept.includes(cidr),
  )
  return [
    {
      summary: `${name}: no IPv6 link-local address`,
      script: sh`ip link set ${name} addrgenmode none
${joinScripts(own.map(({ cidr }) => sh`ip addr del ${cidr} dev ${name}`))}`,
      movesTraffic: true,
      after: edited(name, (now) => ({
        ...now,
        noLinkLocal: true,
        addresses: now.addresses.filter((address) => !own.includes(address)),
      })),
    },
  ]
}

/**
 * The new address comes first, then the one it takes the place of goes. Once the new one is there, others are left
 * alone: they belong to hooks, keepalived and the like.
 */
export function addressSteps(
  { name, address, address6 }: Pick<LinkSettings, 'name' | 'address' | 'address6'>,
  lines: Lines,
  links: LinksState,
  link: Link,
): readonly LinkStep[] {
  const wanted = address === undefined || address === 'none' ? address : formatIpCidr(address)
  const wanted6 = address6 === undefined || address6 === 'none' ? address6 : formatIpCidr(address6)
  const scope6 = address6 !== undefined && address6 !== 'none' && isLinkLocal(address6) ? 'link' : 'global'
  return [
    ...familySteps(name, { family: 4, wanted, scope: 'global' }, lines, links, link),
    ...familySteps(name, { family: 6, wanted: wanted6, scope: scope6 }, lines, links, link),
  ]
}

interface FamilyWish {
  readonly family: 4 | 6
  readonly wanted: string | 'none' | undefined
  readonly scope: 'global' | 'link'
}

function familySteps(
  name: string,
  { family, wanted, scope }: FamilyWish,
  lines: Lines,
  { routes }: LinksState,
  link: Link,
): readonly LinkStep[] {
  if (wanted === undefined) return []
  const kept = keptAddresses(lines, name)
  const single = family === 4 ? '/32' : '/128'
  const stale = link.addresses.filter(
    (address) => address.family === family && address.scope === 'global' && !kept(address.cidr),
  )
  if (wanted === 'none') return stale.map(({ cidr }) => removal(name, cidr))
  if (link.addresses.some(({ cidr }) => cidr === wanted)) return []
  const replaced = stale.filter(({ cidr }) => !cidr.endsWith(single)).slice(0, 1)
  const gateway = routes.find(
    (route) => route.family === family && route.destination === 'default' && route.devices.includes(name),
  )?.gateway
  return [
    addition(name, { cidr: wanted, family, scope }),
    ...replaced.map(({ cidr }) => replacement(name, cidr, wanted, family, gateway)),
  ]
}

/** With the first address of a network, the kernel may drop the others of that network, and routes through it. */
function replacement(name: string, old: string, wanted: string, family: 4 | 6, gateway: string | undefined): LinkStep {
  const { script, ...step } = removal(name, old)
  const again =
    family === 4 ? sh`ip addr replace ${wanted} broadcast + dev ${name}` : sh`ip addr replace ${wanted} dev ${name}`
  const route = gateway === undefined ? [] : [sh`ip -${family} route replace default via ${gateway} dev ${name}`]
  return { ...step, script: joinScripts([script, again, ...route]) }
}

function addition(name: string, address: { cidr: string; family: 4 | 6; scope: string }): LinkStep {
  const { cidr, family } = address
  return {
    summary: `${name}: add address ${cidr}`,
    script: family === 4 ? sh`ip addr add ${cidr} broadcast + dev ${name}` : sh`ip addr add ${cidr} dev ${name}`,
    movesTraffic: true,
    after: edited(name, (link) => withAddress(link, address)),
  }
}

function removal(name: string, cidr: string): LinkStep {
  return {
    summary: `${name}: remove address ${cidr}`,
    script: sh`ip addr del ${cidr} dev ${name}`,
    movesTraffic: true,
    after: edited(name, (link) => withoutAddress(link, cidr)),
  }
}

/** Addresses that the file gives the interface, by `address` or in a hook (`up ip addr add 10.9.9.1/24 dev vmbr1`). */
export function keptAddresses(lines: Lines, name: string): (cidr: string) => boolean {
  const addresses = [
    ...addressesNamed(lines, name).map(formatIpCidr),
    ...addresses6Named(lines, name).map(formatIpCidr),
  ]
  const hooks = stanzasOf(lines).flatMap(({ options }) =>
    options.filter((option) => /up$/.test(option.name)).flatMap((option) => words(option.value)),
  )
  const mentioned = hooks.flatMap((word) => {
    const cidr = parseIpv4Cidr(word)
    if (cidr !== undefined) return [formatIpCidr(cidr)]
    const cidr6 = parseIpv6Cidr(word)
    return cidr6 === undefined ? [] : [formatIpCidr(cidr6)]
  })
  return (cidr) => addresses.includes(cidr) || mentioned.includes(cidr)
}

/** An edit of one link, as a change of the whole. */
export function edited(name: string, edit: (link: Link) => Link): (state: LinksState) => LinksState {
  return (state) => {
    const link = state.links.find((candidate) => candidate.name === name)
    return link === undefined ? state : replaceLink(state, edit(link))
  }
}
