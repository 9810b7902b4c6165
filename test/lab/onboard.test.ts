import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { OnboardEvent } from '../../src/onboard/events.ts'
import type { Row } from '../../src/onboard/row.ts'
import { leaveCluster, makePveNode } from '../helpers/pve-node.ts'
import { assertSame, labUp, type Outcome, pvectl, ROOT, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'

const test = suite('onboarding of lab nodes, with stand-ins for pvecm and pveversion')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-onboard-'))
const PASSWORD = 'a long password'
const INVENTORY = `# my nodes
all:
  connection: { known_hosts: known_hosts, key: ../id }
  children:
    pve:
      hosts:
        old: { address: 192.0.2.11, vars: { internal_address: 10.10.1.1/24 } }  # stays as it is
`
let lab: TestLab

test.before(() => {
  lab = labUp('onboard', 2, join(dir, 'lab'))
  mkdirSync(join(dir, 'inventory'))
  mkdirSync(join(dir, 'playbooks'))
  // The shipped baseline without the site, which other tests prove and which takes its time.
  const baseline = readFileSync(join(ROOT, 'playbooks/onboard.yml'), 'utf8')
  writeFileSync(join(dir, 'playbooks/onboard.yml'), baseline.replace(/^- import_playbook.*\n/m, ''))
  writeFileSync(join(dir, 'inventory/prod.yml'), INVENTORY)
  writeFileSync(join(dir, 'password'), `${PASSWORD}\n`)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ada@laptop', '-f', join(dir, 'id')])
  for (const node of ['node1', 'node2']) prepare(node)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** A fresh node with a root password, and a unit in place of chrony, which the lab does not have. */
function prepare(node: string): void {
  makePveNode(lab, node)
  lab.ssh(
    node,
    `echo 'root:${PASSWORD}' | chpasswd
echo 'PermitRootLogin yes' > /etc/ssh/sshd_config.d/00-test.conf
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/chrony.service
systemctl daemon-reload; systemctl reload ssh
# Names fail at once, and not after half a minute.
echo nameserver 127.0.0.1 > /etc/resolv.conf
echo 'deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise' > /etc/apt/sources.list.d/pve-enterprise.list`,
  )
}

function fingerprint(node: string): string {
  return lab.ssh(node, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub').split(' ')[1] ?? ''
}

function onboard(node: string, ...flags: readonly string[]): Outcome {
  return pvectl(['onboard', lab.addresses[node] ?? '', '--no-verify', '--yes', ...flags], { cwd: dir })
}

/** What a scripted first contact needs. */
const known = (node: string) => ['--fingerprint', fingerprint(node), '--password-file', join(dir, 'password')]

/** Runs with --json; its events, those of playbooks left out, and the rows of the preflight by id. */
function events(node: string, ...flags: readonly string[]) {
  const { code, stdout, stderr } = onboard(node, '--json', ...flags)
  const all = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as OnboardEvent]))
  const rows = new Map<string, Row>()
  for (const event of all) if (event.event === 'onboard:step') for (const row of event.rows ?? []) rows.set(row.id, row)
  const failures = all.flatMap((event) => (event.event === 'onboard:failed' ? event.problems : []))
  const steps = all.flatMap((event) => (event.event === 'onboard:step' ? [`${event.step} ${event.status}`] : []))
  return { code, rows, failures, steps, text: stdout + stderr }
}

const inventory = () => readFileSync(join(dir, 'inventory/prod.yml'), 'utf8')
const membersOf = (node: string) => lab.ssh(node, 'cat /etc/pve/.members')
const fault = (word: string) =>
  lab.ssh('node2', word === '' ? 'rm -f /etc/pve-stand-in.faults' : `echo ${word} > /etc/pve-stand-in.faults`)

test('a wrong fingerprint, a wrong password, and nobody to ask: nothing is touched', () => {
  const before = lab.ssh('node1', SNAPSHOT)
  const wrong = events('node1', '--fingerprint', `SHA256:${'A'.repeat(43)}`)
  assert.is(wrong.code, 4, wrong.text)
  assert.match(wrong.failures[0]?.message ?? '', 'the fingerprint given is')
  assert.is(onboard('node1').code, 2, 'a script must name the fingerprint')
  assert.not.ok(existsSync(join(dir, 'inventory/known_hosts')))
  writeFileSync(join(dir, 'wrong'), 'nonsense\n')
  const password = onboard('node1', '--fingerprint', fingerprint('node1'), '--password-file', join(dir, 'wrong'))
  assert.is(password.code, 4, password.stdout)
  assert.match(password.stdout, 'does not accept the password')
  assertSame(before, lab.ssh('node1', SNAPSHOT))
  assert.is(inventory(), INVENTORY)
})

test('--check shows every step to the cluster, and changes neither node nor files', () => {
  rmSync(join(dir, 'inventory/known_hosts'), { force: true })
  const before = lab.ssh('node1', SNAPSHOT)
  const { code, steps, text } = events('node1', ...known('node1'), '--check', '--create', 'lab')
  assert.is(code, 0, text)
  assert.equal(steps, [
    'host key would change',
    'login would change',
    'preflight warning',
    'inventory would change',
    'cluster would change',
  ])
  assert.match(text, '"would change"')
  assertSame(before, lab.ssh('node1', SNAPSHOT))
  assert.is(inventory(), INVENTORY)
  assert.not.ok(existsSync(join(dir, 'inventory/known_hosts')))
  assert.not.match(text, PASSWORD)
})

test('a pending network change stops the node before anything is entered', () => {
  lab.ssh('node1', 'sed "s/bridge-fd 0/bridge-fd 1/" /etc/network/interfaces > /etc/network/interfaces.new')
  const { code, rows } = events('node1', ...known('node1'))
  assert.is(code, 5)
  assert.is(rows.get('pending')?.verdict, 'fail')
  assert.is(inventory(), INVENTORY)
  lab.ssh('node1', 'rm /etc/network/interfaces.new')
})

test('a node with a loopback name and a talking shell gets in, mended, and founds a cluster', () => {
  lab.ssh(
    'node1',
    `sed -i '/198.18/d; s/^127.0.0.1.*/&\\n127.0.1.1 node1.lab.internal node1/' /etc/hosts
echo 'echo welcome, dear admin' > /root/.bashrc.new; cat /root/.bashrc >> /root/.bashrc.new; mv /root/.bashrc.new /root/.bashrc`,
  )
  const { code, rows, steps, text } = events('node1', '--create', 'lab')
  assert.is(code, 0, text)
  assert.equal([rows.get('hostname')?.verdict, rows.get('shell')?.verdict], ['warn', 'warn'])
  assert.equal(steps, ['host key ok', 'login ok', 'preflight warning', 'inventory changed', 'cluster changed'])
  assert.match(lab.ssh('node1', 'getent hosts node1'), lab.addresses.node1 ?? '?')
  assert.match(membersOf('node1'), '"name": "lab"')
  assert.ok(inventory().startsWith(INVENTORY), inventory())
  assert.match(inventory(), 'internal_address: 10.10.2.1/24')
  const lists = lab.ssh('node1', 'cd /etc/apt/sources.list.d; grep -H . pve-*.list')
  assert.match(lists, 'pve-enterprise.list:# deb https://enterprise.proxmox.com')
  assert.match(lists, 'pve-no-subscription.list:deb http://download.proxmox.com')
})

test('what a cluster does not take is refused before it is asked', () => {
  lab.ssh('node2', 'touch /etc/pve/qemu-server/100.conf')
  const guests = events('node2', ...known('node2'), '--join', 'node1')
  assert.is(guests.code, 5, guests.text)
  assert.is(guests.rows.get('guests')?.verdict, 'fail')
  assert.is(guests.rows.get('member-shell')?.verdict, 'fail', 'rsync of pvecm breaks on it')
  lab.ssh('node2', 'rm /etc/pve/qemu-server/100.conf')
  lab.ssh(
    'node1',
    'sed -i 1d /root/.bashrc; nft add table inet t; nft "add chain inet t in { type filter hook input priority 0; }"; nft add rule inet t in udp dport 5405 drop; chmod 555 /etc/pve/nodes/node1',
  )
  const closed = events('node2', '--join', 'node1')
  assert.is(closed.code, 5, closed.text)
  assert.match(closed.rows.get('corosync-ports')?.saw ?? '', 'to node1: udp 5405')
  assert.is(closed.rows.get('quorum')?.verdict, 'fail')
  assert.match(closed.rows.get('quorum')?.saw ?? '', 'no quorum')
  lab.ssh('node1', 'nft delete table inet t; chmod 755 /etc/pve/nodes/node1')
  assert.not.match(membersOf('node1'), 'node2')
})

test('pvecm that fails and ends with 0 is no success; one that hangs is ended', () => {
  fault('says-success')
  const said = events('node2', '--no-playbook', '--join', 'node1')
  assert.is(said.code, 5, said.text)
  assert.match(said.failures[0]?.message ?? '', 'though it says that all went well', said.text)
  fault('hang')
  const hung = events('node2', '--no-playbook', '--join', 'node1', '--join-timeout', '5')
  assert.is(hung.code, 5, hung.text)
  assert.match(hung.failures[0]?.message ?? '', 'within 5 s')
  assert.is(lab.try('node2', 'systemctl is-active pvectl-join').stdout.trim(), 'inactive')
  fault('')
})

test('without quorum the wait ends in time, and the next run takes the join up', () => {
  fault('no-quorum')
  const late = events('node2', '--join', 'node1', '--join-timeout', '10')
  assert.is(late.code, 5, late.text)
  assert.match(late.failures[0]?.message ?? '', 'got no quorum', late.text)
  assert.match(late.failures[0]?.hint ?? '', '5405-5412')
  assert.is(lab.ssh('node2', 'systemctl is-active pvectl-join').trim(), 'active')
  fault('')
  const { code, steps, text } = events('node2', '--join', 'node1')
  assert.is(code, 0, text)
  // Whether pvecm comes through before or after the survey is a matter of a second.
  assert.match(steps.at(-1) ?? '', /^cluster (ok|changed)$/)
  for (const node of ['node1', 'node2']) {
    assert.match(membersOf(node), '"quorate": 1')
    assert.match(membersOf(node), /"node2": \{ "id": 2, "online": 1/)
  }
  assert.is(lab.ssh('node2', 'readlink -f /root/.ssh/authorized_keys').trim(), '/etc/pve/priv/authorized_keys')
  assert.match(lab.ssh('node1', 'cat /root/.ssh/known_hosts'), 'node2')
  assert.match(lab.ssh('node1', 'getent hosts node2'), lab.addresses.node2 ?? '?')
})

test('a second run is all ok, and changes nothing on either node', () => {
  const before = ['node1', 'node2'].map((node) => lab.ssh(node, SNAPSHOT))
  const text = inventory()
  const { code, steps, text: said } = events('node2', '--join', 'node1')
  assert.is(code, 0, said)
  assert.equal(steps, ['host key ok', 'login ok', 'preflight warning', 'inventory ok', 'cluster ok'])
  for (const [i, node] of ['node1', 'node2'].entries()) assertSame(before[i] ?? '', lab.ssh(node, SNAPSHOT))
  assert.is(inventory(), text)
})

test('a node in another cluster is not taken over; left alone again, it joins at the first go', () => {
  const other = events('node2', '--no-playbook', '--create', 'other')
  assert.is(other.code, 5, other.text)
  assert.match(other.rows.get('membership')?.saw ?? '', 'in the cluster lab, not in other')
  leaveCluster(lab, 'node2')
  const { code, steps, text } = events('node2', '--no-playbook', '--join', 'node1')
  assert.is(code, 0, text)
  assert.is(steps.at(-1), 'cluster changed')
})

test.run()
