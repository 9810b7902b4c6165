/** The step that writes a firewall file of Proxmox VE, under PVE's own lock, and has the firewall read it at once. */
import { dirname } from 'node:path/posix'
import { rawScript, type Script, sh } from '../connection/script.ts'
import type { FileState } from '../facts/file.ts'
import { expected } from './file.ts'
import { sha256 } from './sha256.ts'

/** Where the locks of the cluster are: directories, since `mkdir` is atomic on pmxcfs (PVE::Cluster, cfs_lock). */
const LOCKS = '/etc/pve/priv/lock'

/** A file to write. */
export interface FirewallWrite {
  readonly path: string
  /** As observed; other nodes of the cluster see the same file. */
  readonly before: FileState
  readonly after: Buffer
  /** Name of PVE's lock: `firewall-cluster`; a variable of the step, `$pv_node`, may stand in it for the node. */
  readonly lock: Script
}

/**
 * Several nodes of a cluster may have planned the same write, so a file that is already as it should be is right. Its
 * former content is kept all the same: the guard of a node that the change cuts off must be able to take it back.
 */
export function writeFirewall({ path, before, after, lock }: FirewallWrite): Script {
  return sh`pv_node=$(basename "$(readlink -f /etc/pve/local)")
pv_lock=${LOCKS}/${lock}
(
	mkdir -p ${LOCKS} || pv_fail 'cannot write to /etc/pve: the cluster has no quorum'
	n=0
	until mkdir "$pv_lock" 2>/dev/null; do
		n=$((n+1))
		[ $n -lt 100 ] || pv_fail "$pv_lock is held: somebody else is changing the firewall"
		# pmxcfs takes this for the request to drop a lock whose holder is gone.
		touch -c -d @0 "$pv_lock" 2>/dev/null || :
		sleep 0.2
	done
	trap 'rmdir "$pv_lock" 2>/dev/null || :' EXIT
	if ( pv_expect ${path} ${sha256(after)} ) 2>/dev/null; then
		echo 'another node of the cluster has written it'
		${keepFormer(path, before)}
	else
		pv_write ${path} 0640 root:www-data ${after} ${expected(before)}
	fi
)
${FIREWALL_LOADS}`
}

/** Keeps what the plan was made from, as `pv_backup` keeps what stands there. */
function keepFormer(path: string, before: FileState): Script {
  const keep =
    before.type === 'file'
      ? sh`mkdir -p "$PV_KEEP/files"${dirname(path)}; printf '%s' ${before.content} > "$PV_KEEP/files"${path}`
      : sh`mkdir -p "$PV_KEEP"`
  return sh`if ! grep -qxF ${path} "$PV_KEEP/.paths" 2>/dev/null; then
			${keep}
			printf '%s\n' ${path} >> "$PV_KEEP/.paths"
		fi`
}

/**
 * Has the firewall read its files at once. pve-firewall does so every ten seconds, proxmox-firewall, which tells nobody
 * when it is done, every five; but the connection that confirms must meet the new rules, not the old ones.
 */
export const FIREWALL_LOADS = rawScript(`if systemctl is-active --quiet pve-firewall.service; then
	systemctl reload pve-firewall.service || :
	sleep 1
	if [ -x /usr/libexec/proxmox/proxmox-firewall ] && grep -qiE '^[[:space:]]*nftables:[[:space:]]*1' /etc/pve/local/host.fw 2>/dev/null; then
		! systemctl is-active --quiet proxmox-firewall.service || sleep 7
	else
		n=0
		while [ $n -lt 20 ]; do
			pv_s=$(pve-firewall status 2>&1) || :
			case $pv_s in *'pending changes'*) n=$((n+1)); sleep 0.5 ;; *) break ;; esac
		done
		case $pv_s in *'pending changes'*) echo 'pve-firewall has not taken up the change after 10 s' ;; esac
	fi
fi`)
