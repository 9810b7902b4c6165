/** Facts about Proxmox VE's firewall beyond the file that is edited: the cluster filesystem, and the files of all nodes. */
import { type Script, sh } from '../connection/script.ts'
import { type ClusterState, parseMembers } from './cluster.ts'
import type { FactKind, FactRef } from './fact.ts'

/** What a change of firewall files depends on. */
export interface PveFirewallState {
  /** Name, cluster and members as pmxcfs tells them; `none` where it does not run. */
  readonly cluster: Pick<ClusterState, 'state' | 'nodeName' | 'cluster' | 'quorate' | 'members'>
  /** /etc/pve takes changes: PVE tells it by the mode of the link /etc/pve/local (PVE::Cluster::check_cfs_quorum). */
  readonly writable: boolean
  /** Bytes of /etc/pve/nodes/NODE/host.fw, by node. */
  readonly hosts: ReadonlyMap<string, Buffer>
  /** Addresses that the node's own name resolves to, on the node. */
  readonly resolved: readonly string[]
}

/** One instance: the id is always empty. One process where there is no /etc/pve. */
export const pveFirewallFact: FactKind<PveFirewallState> = {
  name: 'pve-firewall',
  observe: (_ids, mark): Script => sh`[ ! -e /etc/pve/local ] || stat -c 'mode %a' /etc/pve/local
[ ! -w /etc/pve/local/. ] || echo writable
read -r pv_name < /proc/sys/kernel/hostname
getent ahosts "$pv_name" || :
if cd /etc/pve 2>/dev/null; then
	for pv_f in .members nodes/*/host.fw; do
		[ -f "$pv_f" ] && [ -r "$pv_f" ] || continue
		printf '%s %s %s\n' ${mark} "$(wc -c < "$pv_f")" "$pv_f"
		cat -- "$pv_f"
		echo
	done
fi`,
  parse(output, ids, mark) {
    const state = readState(output, mark)
    return ids.map(() => state)
  },
}

/** The one reference to this fact. */
export const pveFirewallRef: FactRef<PveFirewallState> = { kind: pveFirewallFact, id: '' }

function readState(output: Buffer, mark: string): PveFirewallState {
  const files = readFiles(output, mark)
  const head = output.subarray(0, Math.max(0, output.indexOf(`${mark} `))).toString('utf8') || output.toString('utf8')
  const lines = head.split('\n')
  const mode = /^mode (\d+)$/m.exec(head)?.[1] ?? ''
  const hosts = [...files].flatMap(([path, content]): [string, Buffer][] => {
    const node = /^nodes\/([^/]+)\/host\.fw$/.exec(path)?.[1]
    return node === undefined ? [] : [[node, content]]
  })
  return {
    cluster: parseMembers(files.get('.members')?.toString('utf8').trim() ?? ''),
    writable: (Number.parseInt(mode, 8) & 0o200) !== 0 && lines.includes('writable'),
    hosts: new Map(hosts),
    resolved: [...new Set(lines.flatMap((line) => /^(\S+)\s+STREAM\b/.exec(line)?.[1] ?? []))].sort(),
  }
}

/** By their path below /etc/pve. Those that pmxcfs makes up when they are read have no size, so `wc` measures. */
function readFiles(output: Buffer, mark: string): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  let offset = output.indexOf(`${mark} `)
  while (offset >= 0) {
    const headEnd = output.indexOf('\n', offset)
    const [, size = '', ...path] = output.subarray(offset, headEnd).toString('utf8').split(' ')
    const end = headEnd + 1 + Number(size)
    if (headEnd < 0 || output[end] !== 10) throw new Error('a file in /etc/pve changed while it was read')
    files.set(path.join(' '), output.subarray(headEnd + 1, end))
    offset = output.indexOf(`${mark} `, end)
  }
  return files
}
