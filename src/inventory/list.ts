/** `pvectl inventory list`: groups and hosts as a tree, or as data. */
import type { Host } from './host.ts'
import type { GroupTree, LoadedInventory } from './load.ts'
import { UNGROUPED } from './membership.ts'
import { ROOT } from './tree.ts'

/** An inventory as data, for `--json`. */
export interface InventoryListing {
  readonly name: string
  readonly file: string
  readonly hosts: readonly HostListing[]
  /** Names of the hosts of each group, nested groups included. */
  readonly groups: Readonly<Record<string, readonly string[]>>
}

/** A host as data. */
export interface HostListing {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly user: string
  /** Jump host, as named in the inventory. */
  readonly jump?: string
  readonly groups: readonly string[]
}

/** The chosen hosts of an inventory, and the groups that have any of them. */
export function listing({ name, file, groups }: LoadedInventory, hosts: readonly Host[]): InventoryListing {
  const chosen = new Set(hosts.map((host) => host.name))
  const kept = [...groups].map(([group, members]) => [group, members.filter((member) => chosen.has(member))] as const)
  return {
    name,
    file,
    hosts: hosts.map(({ name: host, target, groups: memberOf }) => ({
      name: host,
      address: target.address,
      port: target.port,
      user: target.user,
      ...(target.jump === undefined ? {} : { jump: target.jump.name }),
      groups: memberOf,
    })),
    groups: Object.fromEntries(kept.filter(([, members]) => members.length > 0)),
  }
}

interface Row {
  readonly label: string
  readonly detail: string
}

/** The chosen hosts in the tree of groups. Groups that have none of them are left out, empty ones are shown. */
export function listText(inventory: LoadedInventory, hosts: readonly Host[]): string {
  const chosen = new Map(hosts.map((host) => [host.name, host]))
  const isLimited = hosts.length < inventory.hosts.length
  const rows = [{ label: inventory.tree.name, detail: '' }, ...branches(inventory.tree, { chosen, isLimited }, '')]
  const width = Math.max(...rows.map(({ label }) => label.length))
  const lines = rows.map(({ label, detail }) => (detail === '' ? label : `${label.padEnd(width)}  ${detail}`))
  const total = isLimited ? `${hosts.length} of ${inventory.hosts.length} hosts` : count(hosts.length, 'host')
  return `${inventory.file}: ${total}\n\n${lines.join('\n')}`
}

interface Choice {
  readonly chosen: ReadonlyMap<string, Host>
  readonly isLimited: boolean
}

function branches(group: GroupTree, choice: Choice, indent: string): readonly Row[] {
  const hosts = directHosts(group, choice).map((host): ((lead: string) => readonly Row[]) => {
    return (lead) => [{ label: `${lead}${host.name}`, detail: address(host) }]
  })
  const groups = group.children
    .filter((child) => !choice.isLimited || hasChosen(child, choice.chosen))
    .map((child): ((lead: string, indent: string) => readonly Row[]) => {
      const detail = child.hosts.length + child.children.length === 0 ? '(empty)' : ''
      return (lead, inner) => [{ label: `${lead}${child.name}`, detail }, ...branches(child, choice, inner)]
    })
  const all = [...hosts, ...groups]
  return all.flatMap((make, index) => {
    const isLast = index === all.length - 1
    return make(`${indent}${isLast ? '└─ ' : '├─ '}`, `${indent}${isLast ? '   ' : '│  '}`)
  })
}

/** Hosts that the group lists itself. Those that the root lists beside another group are shown in that one only. */
function directHosts({ name, hosts }: GroupTree, { chosen }: Choice): readonly Host[] {
  const listed = hosts.flatMap((host) => chosen.get(host) ?? [])
  return name === ROOT ? listed.filter(({ groups }) => groups.every((g) => g === ROOT || g === UNGROUPED)) : listed
}

function hasChosen({ hosts, children }: GroupTree, chosen: ReadonlyMap<string, Host>): boolean {
  return hosts.some((host) => chosen.has(host)) || children.some((child) => hasChosen(child, chosen))
}

/** `203.0.113.5`, `admin@203.0.113.5:2222 via bastion`: what differs from the usual is shown. */
function address({ target }: Host): string {
  const isIPv6 = target.address.includes(':')
  const place =
    target.port === 22 ? target.address : `${isIPv6 ? `[${target.address}]` : target.address}:${target.port}`
  const login = target.user === 'root' ? place : `${target.user}@${place}`
  return target.jump === undefined ? login : `${login} via ${target.jump.name}`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
