/** What stands in the way of a bridge. */
import type { InterfacesState } from '../facts/interfaces.ts'
import { type LinksState, linkNamed } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { packageNamed } from '../facts/package.ts'
import { type BridgeSettings, portsInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { normalName, stanzasOf } from '../interfaces/stanzas.ts'
import { isCard } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { addressBlocked, blocked, memberBlocked, mtuBlocked, nameBlocked } from './link-checks.ts'
import type { PlanBlocked } from './resource.ts'

/** The first reason why the bridge cannot be described in the file or brought up as asked. */
export function bridgeBlocked(
  settings: BridgeSettings,
  interfaces: InterfacesState,
  links: LinksState,
): PlanBlocked | undefined {
  const lines = linesOf(interfaces)
  const { name, mtu, ports = portsInFile(lines, name) ?? [] } = settings
  return (
    nameBlocked({ name, kinds: ['bridge'], what: 'a bridge' }, interfaces, links) ??
    foreignStanza(name, lines) ??
    addressBlocked(settings, lines, links) ??
    first(settings.ports ?? [], (port) => memberBlocked(name, port, interfaces, links)) ??
    first(ports, (port) => (isCard(linkNamed(links, port)) ? undefined : mtuBlocked(name, mtu, port, links)))
  )
}

/** The package by whose version names of bridges are judged. */
export const pveManager = packageNamed('pve-manager')

/** Names other than vmbr and a number are free since PVE 8 (pve-manager, www/manager6/Toolkit.js, BridgeName). */
export function needsFreeNames(name: string): boolean {
  return !/^vmbr\d{1,4}$/.test(name)
}

/** Why PVE at hand does not accept the name of a bridge. */
export function bridgeNameBlocked(name: string, model: Model): PlanBlocked | undefined {
  if (!needsFreeNames(name)) return undefined
  const { version } = model.get(pveManager)
  const major = Number(/^(\d+)\./.exec(version ?? '')?.[1] ?? Number.NaN)
  return major < 8
    ? blocked(
        `PVE ${version} knows bridges only as vmbr0 to vmbr9999, not as ${name}`,
        'name it so, or upgrade to PVE 8',
      )
    : undefined
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
