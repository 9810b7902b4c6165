/** Makes a lab node look like a freshly installed node of Proxmox VE, as far as other programs can see. */

import type { TestLab } from './pvectl.ts'
import { installStandIns } from './stand-ins.ts'

/**
 * Installs the stand-ins, and what pve-cluster makes at its first start: /etc/pve, root's RSA key, the link of root's
 * authorized_keys into /etc/pve. /etc/pve is a file system in memory here, so it does not outlive a reboot.
 */
export function makePveNode(lab: TestLab, node: string): void {
  installStandIns(lab, node, ['pveversion', 'pvesubscription', 'pvecm'])
  lab.ssh(node, FRESH)
}

/** Takes a cluster off a node again. */
export function leaveCluster(lab: TestLab, node: string): void {
  lab.ssh(
    node,
    `systemctl stop pvectl-join 2>/dev/null; rm -rf /etc/corosync /var/lib/pve-stand-in /etc/pve-stand-in.faults; ${FRESH}`,
  )
}

const FRESH = `set -e
keys=$(cat /root/.ssh/authorized_keys)
while umount -l /etc/pve 2>/dev/null; do :; done
mkdir -p /etc/pve
mount -t tmpfs -o size=16m,mode=755 tmpfs /etc/pve
n=$(hostname)
mkdir -p /etc/pve/priv /etc/pve/nodes/$n/qemu-server /etc/pve/nodes/$n/lxc /etc/pve/nodes/$n/priv
ln -s nodes/$n /etc/pve/local; ln -s nodes/$n/qemu-server /etc/pve/qemu-server; ln -s nodes/$n/lxc /etc/pve/lxc
printf '{\\n"nodename": "%s",\\n"version": 1\\n}\\n' "$n" > /etc/pve/.members
[ -f /root/.ssh/id_rsa.pub ] || ssh-keygen -q -t rsa -b 2048 -N '' -f /root/.ssh/id_rsa
printf '%s\\n' "$keys" "$(cat /root/.ssh/id_rsa.pub)" | sort -u > /etc/pve/priv/authorized_keys
rm -f /root/.ssh/authorized_keys
ln -s /etc/pve/priv/authorized_keys /root/.ssh/authorized_keys
`
