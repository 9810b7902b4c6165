/** Facts about the cluster that a node is in, or not. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A member as the node itself sees it. */
export interface ClusterMember {
  readonly name: string
  readonly online: boolean
  /** Address that the cluster knows it by; undefined until it has told. */
  readonly ip: string | undefined
}

/**
 * What `/etc/pve/.members` says (pve-cluster, src/pmxcfs/status.c: a node without a cluster prints its name alone), and
 * what belongs to corosync on the node.
 */
export interface ClusterState {
  /** `none`: pmxcfs does not run. `alone`: no cluster. */
  readonly state: 'none' | 'alone' | 'member'
  /** Name of the node as pmxcfs knows it. */
  readonly nodeName: string | undefined
  /** Name of the cluster. */
  readonly cluster: string | undefined
  readonly quorate: boolean
  readonly members: readonly ClusterMember[]
  /**
   * False when /etc/pve takes no changes. PVE looks at the mode of /etc/pve/local, since root may always write by name
   * (pve-cluster, PVE/Cluster.pm, check_cfs_quorum).
   */
  readonly writable: boolean
  /** `pvecm status` says `Quorate: Yes`; undefined when it says nothing. */
  readonly voteQuorate: boolean | undefined
  /** /etc/corosync/authkey exists. */
  readonly hasAuthKey: boolean
  readonly corosyncActive: boolean
  /** Text of corosync.conf; undefined when there is none. */
  readonly corosyncConf: string | undefined
  /** Guests in the configuration of this node, `qemu-server/100`. */
  readonly guests: readonly string[]
}

/** About ten processes. */
export const clusterFact: FactKind<ClusterState> = {
  name: 'cluster',
  observe: (_ids, mark) =>
    rawScript(`m=${mark}
echo "$m members"; timeout 10 cat /etc/pve/.members 2>/dev/null
echo "$m local"; timeout 10 stat -L -c %a /etc/pve/local 2>/dev/null
[ ! -d /etc/pve ] || timeout 10 findmnt -n -o OPTIONS --target /etc/pve 2>/dev/null
echo "$m status"; timeout 20 pvecm status 2>/dev/null | grep -E '^Quorate:'
echo "$m authkey"; [ ! -e /etc/corosync/authkey ] || echo yes
echo "$m active"; systemctl is-active corosync.service 2>/dev/null
echo "$m guests"
for f in /etc/pve/qemu-server/*.conf /etc/pve/lxc/*.conf; do [ ! -e "$f" ] || echo "$f"; done
echo "$m conf"; cat /etc/pve/corosync.conf 2>/dev/null || cat /etc/corosync/corosync.conf 2>/dev/null || :`),
  parse: (output, ids, mark) => ids.map(() => parseCluster(sections(output.toString('utf8'), mark))),
}

/** Reference to the fact about the cluster. */
export const clusterRef: FactRef<ClusterState> = { kind: clusterFact, id: 'node' }

/** Parts of an output that lines `MARK NAME` begin. */
export function sections(text: string, mark: string): (name: string) => string {
  const parts = new Map<string, string>()
  for (const part of text.split(`${mark} `).slice(1)) {
    const end = part.indexOf('\n')
    if (end >= 0) parts.set(part.slice(0, end).trim(), part.slice(end + 1))
  }
  return (name) => parts.get(name)?.trim() ?? ''
}

interface MembersFile {
  readonly nodename?: string
  readonly cluster?: { readonly name?: string; readonly quorate?: number }
  readonly nodelist?: Readonly<Record<string, { readonly online?: number; readonly ip?: string }>>
}

function parseCluster(part: (name: string) => string): ClusterState {
  const members = parseMembers(part('members'))
  const conf = part('conf')
  const status = /^Quorate:\s*(\S+)/m.exec(part('status'))?.[1]
  const [mode = '', options = ''] = part('local').split('\n')
  return {
    ...members,
    writable: (Number.parseInt(mode, 8) & 0o200) !== 0 && !options.split(',').includes('ro'),
    voteQuorate: status === undefined ? undefined : status === 'Yes',
    hasAuthKey: part('authkey') === 'yes',
    corosyncActive: part('active') === 'active',
    corosyncConf: conf === '' ? undefined : conf,
    guests: part('guests')
      .split('\n')
      .flatMap((line) => /\/(qemu-server|lxc)\/(\d+)\.conf$/.exec(line)?.slice(1).join('/') ?? []),
  }
}

/** Reads `/etc/pve/.members`; empty where pmxcfs does not run. */
export function parseMembers(
  text: string,
): Pick<ClusterState, 'state' | 'nodeName' | 'cluster' | 'quorate' | 'members'> {
  const nothing = { nodeName: undefined, cluster: undefined, quorate: false, members: [] }
  if (text === '') return { state: 'none', ...nothing }
  const { nodename, cluster, nodelist = {} } = JSON.parse(text) as MembersFile
  if (cluster === undefined) return { state: 'alone', ...nothing, nodeName: nodename, quorate: true }
  return {
    state: 'member',
    nodeName: nodename,
    cluster: cluster.name,
    quorate: cluster.quorate === 1,
    members: Object.entries(nodelist).map(([name, { online, ip }]) => ({ name, online: online === 1, ip })),
  }
}
