/** /etc/pve as the nodes of a cluster see it: the same files on all lab nodes, with PVE's firewall by its stand-in. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { labNames, nodeNames } from '../../src/lab/names.ts'
import { findLeader } from '../../src/lab/processes.ts'
import { ROOT, type TestLab } from './pvectl.ts'
import { installStandIns } from './stand-ins.ts'

/** What of /etc/pve is each node's own, and the service that reads its firewall files. */
const OWN = (members: string) => `
set -e
n=$(hostname)
mkdir -p /etc/pve/firewall /etc/pve/priv/lock /etc/pve/nodes/$n/qemu-server
ln -sfn /etc/pve/nodes/$n /run/pve-local
ln -sfn /run/pve-local /etc/pve/local
printf '{"nodename":"%s",${members}}' $n > /run/members
touch /etc/pve/.members
mount --bind /run/members /etc/pve/.members
cat > /etc/systemd/system/pve-firewall.service <<'END'
[Service]
ExecStart=/usr/bin/pve-firewall start
ExecReload=/usr/bin/pve-firewall restart
ExecStop=/usr/bin/pve-firewall stop
END
systemctl daemon-reload
systemctl start pve-firewall
`

/** Makes the nodes of a lab, which are `names`, the members of one cluster as far as /etc/pve and its firewall go. */
export async function sharePve(lab: TestLab, names: readonly string[]): Promise<void> {
  const leaders: string[] = []
  for (const [i, name] of names.entries()) {
    lab.ssh(name, 'mkdir -p /etc/pve')
    leaders.push(String(await findLeader(nodeNames(labNames(lab.name), name, i + 1).cgroup)))
  }
  execFileSync('perl', [join(ROOT, 'test/helpers/shared-pve.pl'), ...leaders])
  const list = names.map((name, i) => `"${name}":{"id":${i + 1},"online":1,"ip":"${lab.addresses[name]}"}`).join()
  const cluster = `"cluster":{"name":"lab","version":1,"nodes":${names.length},"quorate":1}`
  for (const name of names) {
    installStandIns(lab, name, ['pve-firewall'])
    lab.ssh(name, OWN(`"version":1,${cluster},"nodelist":{${list}}`))
  }
}
