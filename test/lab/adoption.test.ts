/**
 * Nodes that somebody prepared by hand, as guides tell: pvectl takes over what is there, doubles nothing, keeps what is
 * not its own, says beforehand what it will do, and blocks where the two would contradict each other.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { RunEvent } from '../../src/engine/events.ts'
import { GUIDE_NAT } from '../helpers/guides.ts'
import { assertSame, labUp, pvectl, pvectlEvents, ROOT, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'

const test = suite('adoption')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-adoption-'))
let lab: TestLab

const BARE = GUIDE_NAT.replace(/\n\n? {8}post-.*/g, '')
const OLD = GUIDE_NAT.replaceAll('bridge-', 'bridge_').replace(
  '10.10.10.1/24\n',
  '10.10.10.1\n        netmask 255.255.255.0\n',
)

interface Preparation {
  readonly name: string
  /** What follows the stanza of vmbr0 in the file. */
  readonly stanza: string
  /** Given the whole file. */
  readonly edit?: (file: string) => string
  readonly live: string
}

const RELOADED = 'ifup vmbr1; ifreload -a; ifreload -a; ifreload -a'

/** One a node. */
const PREPARED: readonly Preparation[] = [
  { name: 'a guide, reloaded three times', stanza: GUIDE_NAT, live: RELOADED },
  { name: 'old spellings, CRLF', stanza: OLD, edit: (file) => file.replaceAll('\n', '\r\n'), live: RELOADED },
  {
    name: 'rules in the stanza of vmbr0, no newline at the end',
    stanza: `${GUIDE_NAT.match(/ {8}post-.*MASQ.*\n/g)?.join('')}${BARE}`,
    edit: (file) => file.trimEnd(),
    live: RELOADED,
  },
  {
    name: 'rules for another subnet',
    stanza: GUIDE_NAT.replaceAll('10.10.10.0/24', '192.168.10.0/24'),
    live: RELOADED,
  },
  { name: 'a stanza, but no link', stanza: GUIDE_NAT.replace(/^ +/gm, ''), live: 'true' },
  {
    name: 'a link and a rule, but no stanza',
    stanza: '',
    live: `ip link add vmbr1 type bridge; ip address add 10.10.10.1/24 dev vmbr1; ip link set vmbr1 up
iptables -t nat -A POSTROUTING -s 10.10.10.0/24 ! -d 10.10.10.0/24 -o vmbr0 -j MASQUERADE`,
  },
]
const NODES = PREPARED.map((_, i) => `node${i + 1}`)

test.before(() => {
  lab = labUp('adoption', NODES.length, dir)
  for (const [i, { stanza, edit = (file: string) => file, live }] of PREPARED.entries()) {
    const file = lab.ssh(NODES[i] ?? '', 'cat /etc/network/interfaces').replace(/\nsource .*\n/, '')
    const encoded = Buffer.from(edit(`${file}${stanza}`)).toString('base64')
    lab.ssh(NODES[i] ?? '', `echo ${encoded} | base64 -d > /etc/network/interfaces; ${live}`)
  }
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function playbook(name: string, text: string): string {
  const path = join(dir, `${name}.yml`)
  writeFileSync(path, text)
  return path
}

const on = (...nodes: readonly string[]) => ['-i', lab.inventory, '-l', nodes.join(',')]

function plan(events: readonly RunEvent[]): string[] {
  return events
    .flatMap((e) =>
      e.event === 'task:planned' ? [`${e.host} ${e.id} ${e.status} ${JSON.stringify(e.resources)}`] : [],
    )
    .sort()
}

function notOk(events: readonly RunEvent[]): string[] {
  return plan(events).filter((line) => !/^\S+ \S+ ok /.test(line))
}

/** Runs `apply` and returns the problems of the only host; fails when there are none. */
function problems(args: readonly string[], code: number): string {
  const { code: exit, events } = pvectlEvents(['apply', ...args, '--yes'])
  assert.is(exit, code)
  const texts = events.flatMap((e) => (e.event === 'host:finished' ? (e.error?.problems ?? []) : []))
  return texts.map(({ message, hint = '' }) => `${message} | ${hint}`).join('\n')
}

/** Applies, and checks that it is what `check` said, that `check` touched nothing and that a second run is all ok. */
function applyAsForetold(playbookPath: string, nodes: readonly string[], ...extra: readonly string[]): void {
  const before = nodes.map((node) => lab.ssh(node, SNAPSHOT))
  const foretold = pvectlEvents(['check', playbookPath, ...on(...nodes), ...extra])
  assert.is(foretold.code, 0, notOk(foretold.events).join('\n'))
  for (const [i, node] of nodes.entries()) assertSame(before[i] ?? '', lab.ssh(node, SNAPSHOT))
  const { code, events } = pvectlEvents(['apply', playbookPath, ...on(...nodes), ...extra, '--yes'])
  assert.is(code, 0, JSON.stringify(events.filter((e) => e.event === 'host:finished')))
  assert.equal(plan(events), plan(foretold.events))
  const again = pvectlEvents(['apply', playbookPath, ...on(...nodes), ...extra, '--yes']).events
  assert.equal(notOk(again), [])
  for (const e of again) if (e.event === 'host:finished') assert.is(e.exchanges, 1)
}

test('networks prepared by hand are taken over: as foretold, once, and for good', () => {
  applyAsForetold('internal-network', NODES)
  for (const [i, { name }] of PREPARED.entries()) {
    const node = NODES[i] ?? ''
    const file = lab.ssh(node, 'cat /etc/network/interfaces; ifreload -a >/dev/null 2>&1; ifreload -a >/dev/null 2>&1')
    assert.is(file.match(/post-up .*MASQUERADE/g)?.length, 1, `${name}:\n${file}`)
    assert.match(file, /post-up +iptables -t nat -C POSTROUTING -s 10\.10\.10\.0\/24 -o vmbr0 -j MASQUERADE/, name)
    assert.is(file.includes('echo 1 > /proc'), PREPARED[i]?.stanza.includes('echo 1') === true, `${name}:\n${file}`)
    assert.is(file.includes('\r\n'), name.includes('CRLF'), name)
    const rules = lab.ssh(node, 'iptables-save -t nat | grep -- "-A POSTROUTING"')
    assert.is(rules, '-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE\n', name)
  }
  assert.equal(notOk(pvectlEvents(['check', 'internal-network', ...on(...NODES)]).events), [])
})

const GUEST = `ip link add tap100i0 type veth peer name guest0
ip link set tap100i0 master vmbr1 up
ip netns add guest; ip link set guest0 netns guest; ip netns exec guest ip link set guest0 up; sleep 1`
const MOVED = JSON.stringify({
  internal_address: '10.20.0.1/16',
  reservations: [{ name: 'web', mac: 'bc:24:11:00:01:14', ip: '10.20.3.20' }],
})

test('another address: everything follows, and guests stay plugged in', () => {
  lab.ssh('node1', GUEST)
  applyAsForetold('internal-network', ['node1'], '-e', MOVED)
  const state = lab.ssh(
    'node1',
    'ip -4 -o address show vmbr1; iptables-save -t nat; cat /etc/network/interfaces /etc/dnsmasq.d/*; bridge link',
  )
  assert.not.match(state, '10.10.10.')
  assert.match(state, '-A POSTROUTING -s 10.20.0.0/16 -o vmbr0 -j MASQUERADE')
  assert.match(state, /tap100i0.* master vmbr1 /)
})

const ABSENT = `- hosts: all
  tasks:
    - dnsmasq: { interface: vmbr1, state: absent }
    - masquerade: { source: 10.20.0.0/16, out: vmbr0, state: absent }
    - bridge: { name: vmbr1, state: absent }
    - interface_comment: { name: vmbr0, comment: '' }
`

test('a bridge with guests is not taken away, and nothing else of the run is done; without them it goes', () => {
  const absent = playbook('absent', ABSENT)
  const before = lab.ssh('node1', SNAPSHOT)
  const told = problems([absent, ...on('node1')], 5)
  assert.is(told.match(/guests are plugged into vmbr1: tap100i0/g)?.length, 1, told)
  assertSame(before, lab.ssh('node1', SNAPSHOT))
  lab.ssh('node1', 'ip link del tap100i0; sleep 1')
  applyAsForetold(absent, ['node1'])
  const left = lab.ssh('node1', 'cat /etc/network/interfaces; iptables-save -t nat; ip -br link; ls /etc/dnsmasq.d')
  assert.not.match(left, /vmbr1|10\.20\./)
  assert.match(left, /iface vmbr0 inet static/)
})

test('a change pending in the web interface is not run over', () => {
  lab.ssh('node1', 'cp /etc/network/interfaces /etc/network/interfaces.new; echo "#x" >> /etc/network/interfaces.new')
  assert.match(problems(['internal-network', ...on('node1')], 5), 'pending network change')
  lab.ssh('node1', 'rm /etc/network/interfaces.new')
})

const FOREIGN_SITE = 'server { listen 80; server_name pve.node2.example.org; return 200; }'

test('contradictions with what somebody set up block, with the place', () => {
  lab.ssh(
    'node2',
    `mkdir -p /etc/nginx/sites-enabled; echo '${FOREIGN_SITE}' > /etc/nginx/sites-enabled/hand
echo 'server { listen 80 default_server; }' > /etc/nginx/sites-enabled/zz
echo 'net.ipv4.ip_forward = 0' > /etc/sysctl.d/zzz.conf
printf 'interface=vmbr1\\n' > /etc/dnsmasq.d/hand
systemctl disable -q --now dnsmasq; systemctl mask -q dnsmasq; echo 'AllowUsers root' >> /etc/ssh/sshd_config`,
  )
  const told = problems(['site', ...on('node2')], 5)
  for (const expected of [
    '/etc/nginx/sites-enabled/hand:1 has a site for pve.node2.example.org on port 80 already',
    '/etc/nginx/sites-enabled/zz:1 is the default site of port 80 already',
    '/etc/sysctl.d/zzz.conf:1 sets net.ipv4.ip_forward = 0',
    '/etc/dnsmasq.d/hand:1 (interface=vmbr1)',
    'systemctl unmask dnsmasq.service',
    'sshd does not let jump log in: allowusers root',
  ])
    assert.ok(told.includes(expected), `${expected}\n${told}`)
})

test('an account and services that are there already, stopped and disabled, are brought in order', () => {
  lab.ssh(
    'node3',
    `useradd -m -s /bin/bash jump; sysctl -qw net.ipv4.ip_forward=0; systemctl disable -q --now dnsmasq
printf 'interface=vmbr9\\naddress=/printer.lan/192.0.2.3\\n' > /etc/dnsmasq.d/other`,
  )
  applyAsForetold('site', ['node3'])
  assert.match(lab.ssh('node3', 'getent passwd jump; cat /etc/dnsmasq.d/other'), /nologin\n.*vmbr9/)
})

const INSIDE = `ip link add tap100i0 type veth peer name guest0
ip link set tap100i0 master vmbr1 up
ip netns add guest; ip link set guest0 netns guest
in_guest='ip netns exec guest'
$in_guest ip link set lo up; $in_guest ip link set guest0 up
$in_guest ip address add 10.10.10.20/24 dev guest0; $in_guest ip route add default via 10.10.10.1
mkdir -p /run/guest; ssh-keygen -q -t ed25519 -N '' -f /run/guest/key
printf 'HostKey /run/guest/key\\nPidFile none\\nAuthorizedKeysFile /root/.ssh/authorized_keys\\n' > /run/guest/sshd
$in_guest /usr/sbin/sshd -f /run/guest/sshd`

test('the jump account leads to a reserved guest, and nowhere else', () => {
  lab.ssh('node3', INSIDE)
  const jump = `jump@${lab.addresses.node3}`
  const options =
    'IdentitiesOnly=yes BatchMode=yes StrictHostKeyChecking=no UserKnownHostsFile=/dev/null LogLevel=ERROR'
  const ssh = `ssh -i ${labKey()} ${options.replace(/\S+/g, '-o $&')}`
  const run = (command: string) => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 20_000 })
    return { status, said: stdout + stderr }
  }
  const guest = run(`${ssh} -o 'ProxyCommand=${ssh} -W %h:%p ${jump}' root@10.10.10.20 ip -o address show guest0`)
  assert.match(guest.said, '10.10.10.20/24')
  assert.match(run(`${ssh} ${jump} id`).said, 'This account is currently not available')
  for (const to of ['127.0.0.1:22', '10.10.10.1:53', '10.10.10.20:80'])
    assert.match(run(`${ssh} -W ${to} ${jump} < /dev/null`).said, 'stdio forwarding failed', to)
})

function labKey(): string {
  return parse(readFileSync(lab.inventory, 'utf8')).all.connection.key
}

test('daemons that a run brought do not outlive its rollback', () => {
  const failing = playbook(
    'failing',
    `- import_playbook: ${ROOT}/playbooks/site.yml
- hosts: all
  tasks:
    - name: fails
      command: { run: 'echo broken >&2; exit 4', creates: /nope, touches: [] }
`,
  )
  lab.ssh('node1', 'apt-get -qq purge -y dnsmasq >/dev/null 2>&1; systemctl daemon-reload')
  assert.match(problems([failing, ...on('node1')], 7), /fails: .*broken; the node is back as it was: .*stopped dnsmasq/)
  const after = lab.try('node1', 'systemctl is-active dnsmasq nginx; systemctl is-enabled dnsmasq nginx; ss -Hlun')
  assert.is(after.stdout.replace(/^UNCONN(?!.*:53 ).*\n/gm, ''), 'inactive\ninactive\ndisabled\ndisabled\n')
})

test('mistakes end with 3 and no connection', () => {
  const twice = playbook(
    'twice',
    `- hosts: all
  tasks:
    - bridge: { name: vmbr1, address: 10.1.0.1/24 }
    - bridge: { name: vmbr1, address: 10.2.0.1/24 }
`,
  )
  const count = () => lab.ssh('node4', 'journalctl -u ssh -o cat --no-pager | grep -c Accepted').trim()
  const before = Number(count())
  const { code, stderr } = pvectl(['apply', twice, ...on('node4'), '--yes'])
  assert.is(code, 3)
  assert.match(stderr, /two tasks claim vmbr1.*\n.*twice\.yml:4:7\n.*keep one of the two/)
  assert.is(Number(count()), before + 1)
})

test.run()
