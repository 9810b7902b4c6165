/** What stands in the way of a bridge. */
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { packageNamed } from '../facts/package.ts'
import { type BridgeSettings, portsInFile, vlanAwareInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { normalName, optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import { isCard } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { addressBlocked, blocked, memberBlocked, mtuBlocked, nameBlocked } from './link-checks.ts'
import type { PlanBlocked } from './resource.ts'

/** What {@link bridgeBlocked} reads for these settings. */
export function bridgeReads({ name, vlanAware }: BridgeSettings): readonly FactRef<unknown>[] {
  return [
    interfacesRef,
    linksRef,
    ...bridgeNameReads(name),
    ...(vlanAware === true ? [ifupdown2Conf as FactRef<unknown>] : []),
  ]
}

/** The first reason why the bridge cannot be described in the file or brought up as asked. */
export function bridgeBlocked(settings: BridgeSettings, model: Model): PlanBlocked | undefined {
  const interfaces = model.get(interfacesRef)
  const links = model.get(linksRef)
  const lines = linesOf(interfaces)
  const { name, mtu, ports = portsInFile(lines, name) ?? [] } = settings
  return (
    nameBlocked({ name, kinds: ['bridge'], what: 'a bridge' }, interfaces, links) ??
    freeNameBlocked(name, model) ??
    foreignStanza(name, lines) ??
    (settings.vlanAware === true ? vlanAwareBlocked(name, lines, model) : undefined) ??
    addressBlocked(settings, lines, links) ??
    first(settings.ports ?? [], (port) => memberBlocked(name, port, interfaces, links)) ??
    first(ports, (port) => tunnelBlocked(settings, port, lines, links)) ??
    first(ports, (port) => (isCard(linkNamed(links, port)) ? undefined : mtuBlocked(name, mtu, port, links)))
  )
}

/** ifupdown2 takes a tunnel into a VLAN-aware bridge only for a single VLAN (`bridge-access`). */
function tunnelBlocked({ name, vlanAware }: BridgeSettings, port: string, lines: Lines, links: LinksState) {
  const aware = vlanAware ?? vlanAwareInFile(lines, name)
  const single = stanzasOf(lines, port).some((stanza) => optionsNamed(stanza, 'bridge-access').length > 0)
  return aware && !single && linkNamed(links, port)?.kind === 'vxlan'
    ? blocked(`${port} is a VXLAN tunnel, and ${name} tells VLANs apart`, 'give it a bridge without `vlan_aware`')
    : undefined
}

/** The package by whose version names of bridges are judged. */
const pveManager = packageNamed('pve-manager')

/** Names other than vmbr and a number are free since PVE 8 (pve-manager, www/manager6/Toolkit.js, BridgeName). */
function needsFreeNames(name: string): boolean {
  return !/^vmbr\d{1,4}$/.test(name)
}

/** What {@link freeNameBlocked} reads. */
export function bridgeNameReads(name: string): readonly FactRef<unknown>[] {
  return needsFreeNames(name) ? [pveManager as FactRef<unknown>] : []
}

/** Why PVE at hand does not accept the name of a bridge. */
export function freeNameBlocked(name: string, model: Model): PlanBlocked | undefined {
  // What was staged or rolled back PVE has accepted before; then nobody asks for the version.
  if (!needsFreeNames(name) || !model.has(pveManager as FactRef<unknown>)) return undefined
  const { version } = model.get(pveManager)
  const major = Number(/^(\d+)\./.exec(version ?? '')?.[1] ?? Number.NaN)
  return major < 8
    ? blocked(
        `PVE ${version} knows bridges only as vmbr0 to vmbr9999, not as ${name}`,
        'name it so, or upgrade to PVE 8',
      )
    : undefined
}

/** Where ifupdown2 is told how many VLAN-aware bridges there may be. */
const ifupdown2Conf = fileAt('/etc/network/ifupdown2/ifupdown2.conf')

/**
 * Why ifupdown2 would not make the bridge VLAN-aware at boot: unless told otherwise it supports one such bridge, and
 * leaves the others as they are without an error. PVE's build is told otherwise.
 */
function vlanAwareBlocked(name: string, lines: Lines, model: Model): PlanBlocked | undefined {
  const other = stanzasOf(lines).find((stanza) => stanza.name !== name && vlanAwareInFile(lines, stanza.name))
  if (other === undefined) return undefined
  const conf = model.get(ifupdown2Conf)
  const text = conf.type === 'file' ? conf.content.toString('latin1') : ''
  return /^\s*multiple_vlan_aware_bridge_support\s*=\s*(1|yes|on|true)\s*$/im.test(text)
    ? undefined
    : blocked(
        `ifupdown2 of this node supports one VLAN-aware bridge, and ${other.name} is one`,
        `set multiple_vlan_aware_bridge_support=1 in ${ifupdown2Conf.id}, as PVE does`,
      )
}

function foreignStanza(name: string, lines: Lines): PlanBlocked | undefined {
  const stanzas = stanzasOf(lines, name)
  const isBridge = stanzas.some(({ options }) => options.some((option) => /^bridge-/.test(normalName(option.name))))
  return stanzas.length === 0 || isBridge || /^vmbr\d+$/.test(name)
    ? undefined
    : blocked(`${name} is not a bridge in /etc/network/interfaces`, 'choose another name')
}

function first<Item>(items: readonly Item[], check: (item: Item) => PlanBlocked | undefined): PlanBlocked | undefined {
  for (const item of items) {
    const found = check(item)
    if (found !== undefined) return found
  }
  return undefined
}
