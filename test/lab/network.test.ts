import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'

const test = suite('bridges and NAT on nodes with a history')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
const playbook = join(dir, 'site.yml')
let lab: TestLab
let fresh: string

test.before(() => {
  lab = labUp('network', 1, dir)
  fresh = lab.ssh('node1', 'cat /etc/network/interfaces')
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

const SPEC = '-s 10.10.10.0/24 -o vmbr0 -j MASQUERADE'
const STANZA = `auto vmbr1
iface vmbr1 inet static
	address 10.10.10.1/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0
`
const TUTORIAL = `	post-up echo 1 > /proc/sys/net/ipv4/ip_forward
	post-up   iptables -t nat -A POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE
	post-down iptables -t nat -D POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE
`
const TASKS = [
  { interface_comment: { name: 'vmbr0', comment: 'External network' } },
  { bridge: { name: 'vmbr1', address: '10.10.10.1/24', comment: 'Internal network' } },
  { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } },
]

interface History {
  readonly stanzas?: string
  readonly commands?: string
}

/** Puts the node back and gives it a history. */
function prepare({ stanzas = '', commands = ':' }: History): void {
  const file = fresh.replace('source ', `${stanzas}${stanzas === '' ? '' : '\n'}source `)
  const content = Buffer.from(file, 'latin1').toString('base64')
  lab.ssh(
    'node1',
    `ip link del vmbr1 2>/dev/null
iptables -t nat -F
printf '%s' '${content}' | base64 -d > /etc/network/interfaces
${commands}`,
  )
}

function run(command: 'apply' | 'check', tasks: readonly unknown[]) {
  writeFileSync(playbook, JSON.stringify([{ name: 'network', hosts: 'all', tasks }]))
  return pvectl([command, playbook, '-i', lab.inventory, command === 'apply' ? '--yes' : '--exit-code'])
}

/** Applies tasks to a node with a history; a check after that must find nothing to do. */
function play(tasks: readonly unknown[], history: History = {}): void {
  prepare(history)
  const { code, stdout, stderr } = run('apply', tasks)
  assert.is(code, 0, stdout + stderr)
  assert.is(run('check', tasks).code, 0, 'nothing is left to do')
}

const rules = () =>
  lab
    .ssh('node1', 'iptables-save -t nat')
    .split('\n')
    .filter((line) => line.startsWith('-A '))
const file = () => lab.ssh('node1', 'cat /etc/network/interfaces')
const addresses = (link: string) => lab.ssh('node1', `ip -4 -o addr show ${link} | awk '{print $4}'`).trim().split('\n')

test('a fresh node; reloads add no second rule', () => {
  play(TASKS)
  lab.ssh('node1', 'ifreload -a; ifreload -a; ifdown vmbr1; ifup vmbr1')
  assert.equal(rules(), [`-A POSTROUTING ${SPEC}`])
  assert.equal(addresses('vmbr1'), ['10.10.10.1/24'])
  assert.ok(file().includes('\n#External network\n\nauto vmbr1\n'))
  assert.ok(file().endsWith('|| true\n#Internal network\n\nsource /etc/network/interfaces.d/*\n'))
})

test('the tutorial, after some reloads: one rule, other hooks untouched', () => {
  play(TASKS, { stanzas: STANZA + TUTORIAL, commands: 'ifup vmbr1; ifreload -a; ifreload -a' })
  assert.equal(rules(), [`-A POSTROUTING ${SPEC}`])
  assert.is(file().match(/-A POSTROUTING/g)?.length, 1)
  assert.match(file(), '\tpost-up echo 1 > /proc/sys/net/ipv4/ip_forward\n')
})

test('the tutorial with its blank line, in CRLF, and the link missing', () => {
  play(TASKS, { stanzas: `${STANZA}\n${TUTORIAL}`.replaceAll('\n', '\r\n') })
  assert.equal(rules(), [`-A POSTROUTING ${SPEC}`])
  assert.ok(file().includes('|| true\r\n#Internal network\r\n\r\n\tpost-up echo 1'))
})

test('a run that broke off: rules and address of an earlier network are gone', () => {
  play(TASKS, {
    stanzas: STANZA,
    commands: `ip link add vmbr1 type bridge; ip addr add 10.77.0.1/16 dev vmbr1
for s in 10.77.0.0/16 10.10.0.0/16 10.10.10.0/24 10.10.10.0/24; do iptables -t nat -A POSTROUTING -s $s -o vmbr0 -j MASQUERADE; done
iptables -t nat -A POSTROUTING -s 172.16.0.0/12 -o eno1 -j MASQUERADE`,
  })
  assert.equal(rules().sort(), [`-A POSTROUTING ${SPEC}`, '-A POSTROUTING -s 172.16.0.0/12 -o eno1 -j MASQUERADE'])
  assert.equal(addresses('vmbr1'), ['10.10.10.1/24'])
})

test('another address in the same network, where the kernel drops the second with the first', () => {
  play([{ bridge: { name: 'vmbr1', address: '10.10.10.254/24' } }], {
    stanzas: STANZA,
    commands:
      'ifup vmbr1; sysctl -qw net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.vmbr1.promote_secondaries=0',
  })
  assert.equal(addresses('vmbr1'), ['10.10.10.254/24'])
})

test('ports, spanning tree and back, without a reload', () => {
  const links = 'ip link add eno7 type veth peer name peer7; ip link add tap100i0 type veth peer name peer100'
  play([{ bridge: { name: 'vmbr1', ports: ['eno7'], stp: true, fd: 4 } }], {
    stanzas: STANZA,
    commands: `${links}; ifup vmbr1; ip link set tap100i0 master vmbr1`,
  })
  const state = 'cat /sys/class/net/vmbr1/bridge/stp_state; ls /sys/class/net/vmbr1/brif'
  assert.equal(lab.ssh('node1', state).split('\n'), ['1', 'eno7', 'tap100i0', ''])
  assert.is(run('apply', [{ bridge: { name: 'vmbr1', ports: [], stp: false, fd: 0 } }]).code, 0)
  assert.equal(lab.ssh('node1', state).split('\n'), ['0', 'tap100i0', ''])
  lab.ssh('node1', 'ip link del eno7; ip link del tap100i0')
})

test('taken away without a trace', () => {
  play([{ bridge: { name: 'vmbr1', state: 'absent' } }], {
    stanzas: STANZA + TUTORIAL,
    commands: 'ifup vmbr1; ifreload -a',
  })
  assert.is(file(), fresh)
  assert.equal(rules(), [])
  assert.is(lab.try('node1', 'ip link show vmbr1').code, 1)
})

test('a pending change of the web interface stops the run before anything is touched', () => {
  prepare({})
  lab.ssh('node1', 'sed s/bridge-fd/bridge_fd/ /etc/network/interfaces > /etc/network/interfaces.new')
  const { code, stdout, stderr } = run('apply', TASKS)
  assert.is(code, 5)
  assert.match(stdout + stderr, /pending network change/)
  assert.is(file(), fresh)
  assert.is(lab.try('node1', 'ip link show vmbr1').code, 1)
  lab.ssh('node1', 'rm /etc/network/interfaces.new')
})

test.run()
