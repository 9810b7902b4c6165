/** What was found in a cluster, for people. */
import type { Cluster, Guest, Member, MemberNetwork } from './cluster.ts'

/** A member with the name that the inventory has for it. */
export interface KnownMember {
  readonly member: Member
  /** Undefined: not in the inventory yet. */
  readonly host: string | undefined
}

/** Members with their bridges, then guests, as tables. */
export function clusterText({ name, quorate, guests }: Cluster, members: readonly KnownMember[]): string {
  const what = name === undefined ? 'a node without a cluster' : `cluster ${name}${quorate ? '' : ', without quorum'}`
  const rows = members.map(({ member, host }) => [
    member.name,
    member.ip ?? '-',
    member.online ? 'online' : 'offline',
    host === undefined ? 'new' : host === member.name ? 'known' : `known as ${host}`,
    bridgesText(member),
  ])
  const head = `${what}: ${count(members.length, 'member')}, ${count(guests.length, 'guest')}`
  const tables = [table(rows), table(guests.map(guestRow))].filter((text) => text !== '')
  return [head, ...tables].join('\n\n')
}

function bridgesText({ networks }: Member): string {
  return networks
    .filter(({ type }) => /^(bridge|OVSBridge)$/.test(type))
    .map(bridgeText)
    .join('; ')
}

function bridgeText({ name, addresses, ports, vlanAware }: MemberNetwork): string {
  return [
    name,
    ...addresses,
    ...(ports.length > 0 ? [`(${ports.join(' ')})`] : []),
    ...(vlanAware ? ['VLANs'] : []),
  ].join(' ')
}

function guestRow({ id, kind, name = '-', node, status, template, nics }: Guest): readonly string[] {
  const shown = nics.map(({ mac = '-', bridge = '-', tag, address }) =>
    [bridge, ...(tag === undefined ? [] : [`VLAN ${tag}`]), mac, ...(address === undefined ? [] : [address])].join(' '),
  )
  return [String(id), kind === 'lxc' ? 'CT' : 'VM', name, node, template ? 'template' : status, shown.join('; ')]
}

/** Columns as wide as their widest cell; the last one is not padded. */
function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length))
  return rows
    .map((row) =>
      `  ${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(width(i)))).join('  ')}`.trimEnd(),
    )
    .join('\n')
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
