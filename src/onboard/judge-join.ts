/** Rows of the preflight about a cluster: may this node join it, or found one? */
import type { PortResult } from './ports.ts'
import { fail, pass, type Row, skipped, warn } from './row.ts'
import type { NodeSurvey } from './survey.ts'

/** What is to become of the node. */
export type JoinView =
  | { readonly kind: 'create'; readonly name: string }
  | {
      readonly kind: 'join'
      /** Member to join by, as the inventory calls it. */
      readonly via: string
      readonly member: NodeSurvey
      /** What came of packets both ways; undefined when it was not tried. */
      readonly ports: PortResult | undefined
    }

/** Rows for joining or founding a cluster. */
export function joinRows(node: NodeSurvey, view: JoinView): readonly Row[] {
  const own = [readyRow(node), membershipRow(node, view)]
  const rows =
    view.kind === 'create'
      ? own
      : [...own, nameRow(node, view), guestsRow(node, view), quorumRow(view), noiseRow(view), portsRow(view)]
  // A join that broke off half-way takes the quorum away, and going on is what brings it back.
  return isMemberAlready(node, view)
    ? rows.map((row) => (row.verdict === 'fail' ? { ...row, verdict: 'warn' } : row))
    : rows
}

/** True when the node is in the cluster it should be in, so that nothing is left to join. */
export function isMemberAlready(node: NodeSurvey, view: JoinView): boolean {
  const { state, cluster } = node.cluster
  return state === 'member' && cluster === (view.kind === 'create' ? view.name : view.member.cluster.cluster)
}

function readyRow({ cluster, pve }: NodeSurvey): Row {
  const [id, title] = ['pmxcfs', '/etc/pve'] as const
  if (pve.version === undefined)
    return fail(id, title, 'there is no Proxmox VE', 'install it, or leave the cluster out')
  if (cluster.state === 'none') {
    const remedy = 'see why: systemctl status pve-cluster; often the name of the node resolves to a loopback address'
    return fail(id, title, 'not mounted', remedy)
  }
  if (!cluster.writable) return fail(id, title, 'read-only', 'the node has lost its quorum: pvecm status')
  return pass(id, title, 'mounted, writable')
}

/** What pvecm refuses (pve-cluster, PVE/Cluster/Setup.pm, assert_joinable) has left traces of another cluster. */
function membershipRow(node: NodeSurvey, view: JoinView): Row {
  const [id, title] = ['membership', 'cluster membership'] as const
  const { state, cluster, hasAuthKey, corosyncActive, corosyncConf } = node.cluster
  if (isMemberAlready(node, view)) return pass(id, title, `in ${cluster} already`)
  if (state === 'member') {
    const wanted = view.kind === 'create' ? view.name : (view.member.cluster.cluster ?? view.via)
    return fail(
      id,
      title,
      `in the cluster ${cluster}, not in ${wanted}`,
      'a node is in one cluster: leave it out, or reinstall the node',
    )
  }
  const traces = [
    ...(hasAuthKey && view.kind === 'join' ? ['/etc/corosync/authkey'] : []),
    ...(corosyncConf === undefined ? [] : ['corosync.conf']),
    ...(corosyncActive ? ['corosync runs'] : []),
  ]
  if (traces.length === 0) return pass(id, title, 'none')
  const remedy =
    'it was in a cluster before, or a join broke off: see "separate a node without reinstalling" in the manual of pvecm'
  return fail(id, title, `none, but left over: ${traces.join(', ')}`, remedy)
}

/**
 * `pvecm add` adds by force (pve-cluster, PVE/CLI/pvecm.pm): the new node would take the place of a member of its name.
 * One that the cluster took in before, in a join that broke off, is that member itself.
 */
function nameRow({ cluster: own, basics }: NodeSurvey, { member }: Extract<JoinView, { kind: 'join' }>): Row {
  const [id, title] = ['member-name', 'its name among the members'] as const
  const name = (own.nodeName ?? basics.hostname).toLowerCase()
  const twin = member.cluster.members.find((one) => one.name.toLowerCase() === name)
  if (twin === undefined) return pass(id, title, `no other ${name}`)
  const addresses = basics.addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, ''))
  const known = twin.ip === undefined ? ringsOf(twin.name, member.cluster.corosyncConf ?? '') : [twin.ip]
  if (known.some((ip) => addresses.includes(ip))) return pass(id, title, `${name} is known there already, as this node`)
  const where = known.length === 0 ? '' : ` (${known.join(', ')})`
  return fail(
    id,
    title,
    `the cluster has a member ${twin.name} already${where}`,
    'it would be replaced. Give the new node another name before it joins: hostnamectl set-hostname NAME, and /etc/hosts; or take the old member out: pvecm delnode',
  )
}

/** Addresses of a node in corosync.conf. */
function ringsOf(name: string, conf: string): readonly string[] {
  const blocks = conf.match(/\bnode\s*\{[^}]*\}/g) ?? []
  const own = blocks.find((block) => /^\s*name:\s*(\S+)/m.exec(block)?.[1] === name) ?? ''
  return [...own.matchAll(/^\s*ring\d_addr:\s*(\S+)/gm)].map(([, address = '']) => address)
}

/** Numbers of guests must be unique in a cluster, and joining replaces /etc/pve. */
function guestsRow(node: NodeSurvey, view: JoinView): Row {
  const [id, title] = ['guests', 'guests on the node'] as const
  if (isMemberAlready(node, view)) return skipped(id, title, 'it has joined already')
  const { guests } = node.cluster
  if (guests.length === 0) return pass(id, title, 'none')
  const remedy = 'a node joins empty: back the guests up (vzdump), remove them, join, restore them under free numbers'
  return fail(id, title, guests.slice(0, 5).join(', ') + (guests.length > 5 ? `, … (${guests.length})` : ''), remedy)
}

function quorumRow({ via, member }: Extract<JoinView, { kind: 'join' }>): Row {
  const [id, title] = ['quorum', 'quorum of the cluster'] as const
  const { state, cluster, quorate, members, writable, voteQuorate } = member.cluster
  if (state === 'none')
    return fail(id, title, `/etc/pve is not mounted on ${via}`, `on ${via}: systemctl status pve-cluster`)
  if (state === 'alone')
    return fail(id, title, `${via} is in no cluster`, `found one first: pvectl onboard ${via} --create NAME`)
  const online = `${cluster}: ${members.filter((one) => one.online).length} of ${members.length} members online`
  const remedy = `bring the missing members back first; on ${via}: pvecm status`
  if (!quorate || voteQuorate === false) return fail(id, title, `${online}, no quorum`, remedy)
  if (!writable) return fail(id, title, `${online}, but /etc/pve is read-only on ${via}`, remedy)
  if (members.some((one) => !one.online)) {
    const missing = members.filter((one) => !one.online).map(({ name }) => name)
    return warn(
      id,
      title,
      `${online}; ${missing.join(', ')} missing`,
      'a join changes the votes: better with all members there',
    )
  }
  return pass(id, title, online)
}

function noiseRow({ via, member }: Extract<JoinView, { kind: 'join' }>): Row {
  const [id, title] = ['member-shell', `root's shell on ${via}`] as const
  if (member.basics.noise === '') return pass(id, title, 'prints nothing of its own')
  const remedy = `pvecm fetches files from ${via} by rsync, which breaks on it; first line of /root/.bashrc there: [ -n "$PS1" ] || return`
  return fail(id, title, 'prints text into every command over SSH', remedy)
}

/** Members that cannot be told of the new node, as the inventory does not have them or they do not answer. */
export function membersRow(strangers: readonly string[], unreachable: ReadonlyMap<string, string>): Row {
  const [id, title] = ['members', 'other members'] as const
  const saw = [
    ...(strangers.length === 0 ? [] : [`not in the inventory: ${strangers.join(', ')}`]),
    ...(unreachable.size === 0 ? [] : [`not reached: ${[...unreachable.keys()].join(', ')}`]),
  ]
  if (saw.length === 0) return pass(id, title, 'all in the inventory, all reached')
  const remedy =
    'they do not get names and host keys of the new node; add them (pvectl inventory discover), then run this again'
  return warn(id, title, saw.join('; '), remedy)
}

function portsRow({ via, ports }: Extract<JoinView, { kind: 'join' }>): Row {
  const [id, title] = ['corosync-ports', 'corosync ports, both ways'] as const
  if (ports === undefined) return skipped(id, title, 'not tried')
  const { there, back } = ports
  const blocked = [
    ...(there.blocked.length > 0 ? [`to ${via}: udp ${ranges(there.blocked)}`] : []),
    ...(back.blocked.length > 0 ? [`from ${via}: udp ${ranges(back.blocked)}`] : []),
  ]
  const remedy = 'open udp 5405-5412 between the nodes, in the firewall of both and of all between them'
  if (blocked.length > 0) return fail(id, title, `no packet gets through ${blocked.join('; ')}`, remedy)
  const busy = [...there.busy, ...back.busy]
  const tested = [...there.open, ...back.open]
  if (tested.length === 0) return skipped(id, title, `in use on both sides: udp ${ranges(busy)}`)
  const note = busy.length === 0 ? '' : ` (udp ${ranges(busy)} in use, so not tried itself)`
  return pass(id, title, `udp ${ranges(tested)}${note}`)
}

/** `5405-5407, 5410`. */
export function ranges(ports: readonly number[]): string {
  const sorted = [...new Set(ports)].sort((a, b) => a - b)
  const parts: [number, number][] = []
  for (const port of sorted) {
    const last = parts.at(-1)
    if (last !== undefined && last[1] === port - 1) last[1] = port
    else parts.push([port, port])
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ')
}
