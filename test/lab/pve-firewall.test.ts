import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assertSame, labUp, type Outcome, pvectl, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'
import { installStandIns } from '../helpers/stand-ins.ts'

const test = suite("Proxmox VE's firewall and accounts on a lab node, by stand-ins for its tools")
const dir = mkdtempSync(join(tmpdir(), 'pvectl-pvefw-'))
let lab: TestLab
let client = ''

/** /etc/pve as pmxcfs shows it, without what makes it one, and the firewall's service. */
const PREPARE = `
set -e
mkdir -p /etc/pve/firewall /etc/pve/priv/lock /etc/pve/nodes/node1/qemu-server
printf 'net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\\n' > /etc/pve/nodes/node1/qemu-server/100.conf
ln -sfn nodes/node1 /etc/pve/local
printf '{\\n"nodename": "node1",\\n"version": 1\\n}\\n' > /etc/pve/.members
cat > /etc/systemd/system/pve-firewall.service <<'END'
[Service]
ExecStart=/usr/bin/pve-firewall start
ExecReload=/usr/bin/pve-firewall restart
ExecStop=/usr/bin/pve-firewall stop
END
systemctl daemon-reload
systemctl start pve-firewall
setsid perl -MIO::Socket::INET -e '
	my @s = map { IO::Socket::INET->new(Listen => 5, LocalPort => $_, ReuseAddr => 1) } 9000, 9100;
	while (1) { my $r = ""; vec($r, fileno $_, 1) = 1 for @s; select($r, undef, undef, undef);
		for (@s) { next if !vec($r, fileno $_, 1); my $c = $_->accept; close $c if $c } }' </dev/null >/dev/null 2>&1 &
echo "$SSH_CONNECTION"
`

test.before(() => {
  process.env.XDG_STATE_HOME = join(dir, 'state')
  lab = labUp('pvefw', 1, dir)
  installStandIns(lab, 'node1', ['pve-firewall', 'pveum'])
  client = lab.ssh('node1', PREPARE).split(' ')[0] ?? ''
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function playbook(tasks: string): string {
  const file = join(dir, 'playbook.yml')
  writeFileSync(file, `- name: firewall\n  hosts: all\n  tasks:\n${tasks.trim().replace(/^/gm, '    ')}\n`)
  return file
}

function apply(tasks: string, ...flags: readonly string[]): Outcome {
  return pvectl(['apply', playbook(tasks), '-i', lab.inventory, ...flags])
}

/** Whether a new TCP connection from the client of the run gets through. */
async function reaches(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: lab.addresses.node1 ?? '', port, timeout: 1500 })
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false))
  })
}

const FIREWALL = () => `
- pve_firewall_host:
    rules:
      - { proto: tcp, dport: 9100, comment: node exporter }
- pve_firewall_cluster:
    options: { enable: true, policy_in: DROP }
    aliases: { local_network: 198.51.100.0/24 }
    ipsets:
      management: [${client}]
    rules: [{ macro: Ping }]
    groups: { web: [{ macro: Web }] }
- pve_firewall_guest: { vmid: 100, options: { enable: true }, rules: [{ group: web, iface: net0 }] }
`

test('enabled with a way in: what is named gets through, nothing else; foreign rules stay; again changes nothing', async () => {
  lab.ssh('node1', "printf '[RULES]\\n# mine\\nIN ACCEPT -p udp -dport 1194 # vpn\\n' > /etc/pve/firewall/cluster.fw")
  assert.ok((await reaches(9000)) && (await reaches(9100)))
  const before = lab.ssh('node1', SNAPSHOT)
  const check = pvectl(['check', playbook(FIREWALL()), '-i', lab.inventory, '--diff'])
  assert.is(check.code, 0, check.stdout + check.stderr)
  assert.match(check.stdout, '+IN Ping(ACCEPT)')
  assertSame(before, lab.ssh('node1', SNAPSHOT))
  const done = apply(FIREWALL())
  assert.is(done.code, 0, done.stdout + done.stderr)
  assert.is(await reaches(9000), false)
  assert.is(await reaches(9100), true)
  const file = lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw')
  assert.match(file, '[RULES]\nIN Ping(ACCEPT)\n# mine\nIN ACCEPT -p udp -dport 1194 # vpn\n')
  assert.is(
    lab.ssh('node1', 'cat /etc/pve/firewall/100.fw'),
    '[OPTIONS]\n\nenable: 1\n\n[RULES]\n\nGROUP web -i net0\n\n',
  )
  assert.is(lab.try('node1', 'ls /etc/pve/priv/lock/*').stdout, '', 'the lock is given back')
  assert.is(pvectl(['check', playbook(FIREWALL()), '-i', lab.inventory, '--exit-code']).code, 0)
})

test('verify tells whether its rules are in the kernel, and who does not keep them', () => {
  const verify = () => pvectl(['verify', playbook(FIREWALL()), '-i', lab.inventory])
  const works = verify()
  assert.is(works.code, 0, works.stdout + works.stderr)
  assert.match(works.stdout, 'its rules are in the chain PVEFW-INPUT')
  lab.ssh('node1', 'systemctl kill -s KILL pve-firewall; sleep 0.5')
  const killed = verify()
  assert.is(killed.code, 5, killed.stdout + killed.stderr)
  assert.match(killed.stdout, /pve-firewall\.service failed/)
  lab.ssh('node1', 'systemctl start pve-firewall')
})

test('a change that would shut pvectl out is refused before anything is written', () => {
  const file = lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw')
  const { code, stdout, stderr } = apply('- pve_firewall_cluster: { ipsets: { management: { exclusive: true } } }')
  assert.is(code, 5, stdout + stderr)
  assert.match(stdout, `node1 would refuse new connections from ${client} to port 22`)
  assert.is(lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw'), file)
})

test('forced through, it is taken back by the node: the firewall stops first, the old file is loaded again', async () => {
  const file = lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw')
  const rules = lab.ssh('node1', 'iptables -S')
  const { code, stdout, stderr } = apply(
    '- pve_firewall_cluster: { allow_lockout: true, ipsets: { management: { exclusive: true } } }',
    '--confirm-timeout',
    '6',
  )
  assert.is(code, 7, stdout + stderr)
  assert.match(stdout, 'stopped pve-firewall')
  assert.match(stdout, 'restored /etc/pve/firewall/cluster.fw')
  assert.match(stdout, 'started pve-firewall')
  assert.is(lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw'), file)
  lab.ssh('node1', 'for i in 1 2 3 4 5 6; do iptables -S PVEFW-INPUT >/dev/null 2>&1 && break; sleep 0.5; done')
  assert.is(lab.ssh('node1', 'iptables -S'), rules)
  assert.is(await reaches(9000), false)
})

test('with /etc/pve read-only by then, the node is reachable all the same, and the file goes back with the quorum', async () => {
  const file = lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw')
  const cut = `
- pve_firewall_cluster: { allow_lockout: true, ipsets: { management: { exclusive: true } } }
- command: { run: "mount --bind /etc/pve /etc/pve; mount -o remount,ro,bind /etc/pve", touches: [] }`
  const { code, stdout, stderr } = apply(cut, '--confirm-timeout', '6')
  assert.is(code, 7, stdout + stderr)
  assert.match(stdout, 'cannot put back yet: /etc/pve/firewall/cluster.fw')
  assert.not.match(stdout, 'restored /etc/pve')
  assert.is(lab.ssh('node1', 'systemctl is-active pve-firewall || :'), 'inactive\n')
  lab.ssh(
    'node1',
    'umount /etc/pve; for i in $(seq 20); do systemctl is-active -q pve-firewall && break; sleep 0.5; done',
  )
  assert.is(lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw'), file)
  assert.is(lab.ssh('node1', 'systemctl is-active pve-firewall'), 'active\n')
})

test('without quorum nothing is written, and the error says who is missing', () => {
  const members = `{"nodename":"node1","version":2,"cluster":{"name":"lab","version":2,"nodes":2,"quorate":0},"nodelist":{"node1":{"id":1,"online":1,"ip":"${lab.addresses.node1}"},"node2":{"id":2,"online":0}}}`
  lab.ssh('node1', `cp /etc/pve/.members /root/; printf '%s' '${members}' > /etc/pve/.members`)
  const { code, stdout } = apply('- pve_firewall_cluster: { aliases: { lan: 10.0.0.0/8 } }')
  assert.is(code, 5, stdout)
  assert.match(stdout, 'no quorum (node2 is offline)')
  lab.ssh('node1', 'cp /root/.members /etc/pve/.members')
})

test('another change in progress: the lock of PVE is respected', () => {
  lab.ssh(
    'node1',
    'mkdir /etc/pve/priv/lock/firewall-cluster; (sleep 3; rmdir /etc/pve/priv/lock/firewall-cluster) </dev/null >/dev/null 2>&1 &',
  )
  const { code, stdout, stderr } = apply('- pve_firewall_cluster: { aliases: { lan: 10.0.0.0/8 } }')
  assert.is(code, 0, stdout + stderr)
  assert.match(lab.ssh('node1', 'cat /etc/pve/firewall/cluster.fw'), 'lan 10.0.0.0/8')
})

test('a rollback has the firewall load what it puts back', async () => {
  const { code, stdout, stderr } = apply('- pve_firewall_host: { rules: [{ proto: tcp, dport: 9000 }] }')
  assert.is(code, 0, stdout + stderr)
  assert.is(await reaches(9000), true)
  const back = pvectl(['rollback', 'node1', '-i', lab.inventory, '--yes'])
  assert.is(back.code, 0, back.stdout + back.stderr)
  assert.is(await reaches(9000), false)
  assert.not.match(lab.ssh('node1', 'pve-firewall status'), 'pending')
})

const ACCOUNTS = `
- pve_role: { role: Operator, privs: [VM.Audit, VM.PowerMgmt] }
- pve_user: { userid: alice@pve, groups: [web], comment: runs the web servers, password: "correct horse battery" }
- pve_acl: { path: /pool/web, roles: Operator, groups: [web] }`

test('accounts, by a stand-in for pveum: made in one go, predicted whole, the password nowhere to be seen', () => {
  const check = pvectl(['check', playbook(ACCOUNTS), '-i', lab.inventory, '--json'])
  assert.is(check.code, 0, check.stdout + check.stderr)
  const done = apply(ACCOUNTS, '--json')
  assert.is(done.code, 0, done.stdout + done.stderr)
  assert.match(done.stdout, 'web gets Operator on /pool/web')
  assert.not.match(check.stdout + done.stdout + done.stderr, 'correct horse')
  const config = lab.ssh('node1', 'cat /etc/pve/user.cfg')
  for (const line of [
    'user:alice@pve:1:0::::runs the web servers:',
    'group:web:alice@pve:',
    'role:Operator:VM.Audit,VM.PowerMgmt:',
  ])
    assert.match(config, line)
  assert.match(config, 'acl:1:/pool/web:@web:Operator:')
  assert.is(lab.try('node1', "grep -rl 'correct horse' /var/lib/pvectl /run/pvectl /etc/pve").code, 1)
  assert.is(pvectl(['check', playbook(ACCOUNTS), '-i', lab.inventory, '--exit-code']).code, 0)
})

test.run()
