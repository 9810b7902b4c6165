import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../src/errors.ts'
import { onVms } from '../helpers/on-vms.ts'
import { PAIR, type PairNode, type VmPair, vmPair } from '../helpers/vm-network.ts'

const test = suite('bonds of VMs')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
let lab: VmPair

test.before(() => {
  lab = vmPair('vmbond', dir)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

const sysfs = (node: PairNode, name: string) => lab.ssh(node, `cat /sys/class/net/bond0/bonding/${name}`).trim()

/** A bond, a bridge with VLANs on it, and a VLAN of the node's own on that. */
const onTop = (n: number, bond: object) => [
  { bond: { name: 'bond0', slaves: ['eno2', 'eno3'], ...bond } },
  { bridge: { name: 'vmbr1', ports: ['bond0'], vlan_aware: true } },
  { vlan: { name: 'vmbr1.100', address: `10.100.0.${n}/24` } },
]

test('active-backup: traffic moves to the other card when a cable is pulled, and back', async () => {
  await lab.play((n) => onTop(n, { mode: 'active-backup', primary: 'eno2' }))
  await lab.answers('10.100.0.2')
  for (const node of PAIR) assert.is(sysfs(node, 'active_slave'), 'eno2')
  lab.cable('eno2', 'pull')
  await lab.answers('10.100.0.2')
  for (const node of PAIR) assert.is(sysfs(node, 'active_slave'), 'eno3')
  lab.cable('eno2', 'plug')
  await lab.until('eno2 works again', () => sysfs('node1', 'active_slave') === 'eno2')
  await lab.answers('10.100.0.2')
})

test('LACP, under the bridge and VLAN that are there: two ports, one, two again, and always an answer', async () => {
  await lab.play((n) => onTop(n, { mode: '802.3ad', lacp_rate: 'fast', hash_policy: 'layer2+3' }))
  assert.match(sysfs('node1', 'mode'), /^802\.3ad /)
  const partners = () => lab.ssh('node1', "sed -n 's/.*Number of ports: //p' /proc/net/bonding/bond0").trim()
  await lab.until('both cables carry', () => partners() === '2')
  await lab.answers('10.100.0.2')
  lab.cable('eno3', 'pull')
  await lab.until('one cable carries', () => partners() === '1')
  await lab.answers('10.100.0.2')
  lab.cable('eno3', 'plug')
  await lab.until('both cables carry again', () => partners() === '2')
  await lab.answers('10.100.0.2')
})

test('a live vmbr0 moves to a bond, and is there after a boot; one that leads nowhere is taken back', async () => {
  await lab.play(() => [
    { vlan: { name: 'vmbr1.100', state: 'absent' } },
    { bridge: { name: 'vmbr1', state: 'absent' } },
    { bond: { name: 'bond0', state: 'absent' } },
  ])
  await Promise.all([moves('node1'), isTakenBack('node2')])
})

async function moves(node: PairNode): Promise<void> {
  const mac = lab.ssh(node, 'cat /sys/class/net/vmbr0/address')
  const bondOf = (...slaves: string[]) => [
    { bond: { name: 'bond0', slaves, mode: 'active-backup', primary: 'eno1', bridge: 'vmbr0' } },
    { bridge: { name: 'vmbr0', vlan_aware: true, vids: ['10-20'] } },
  ]
  const tasks = () => bondOf('eno1', 'eno2')
  for (const slaves of [
    ['eno1', 'eno3'],
    ['eno1', 'eno2'],
  ]) {
    const { code, stdout, stderr } = await lab.run('apply', node, () => bondOf(...slaves))
    assert.is(code, 0, stdout + stderr)
  }
  for (const boots of [0, 1]) {
    if (boots > 0) await lab.reboot(node)
    assert.is(lab.ssh(node, 'cat /sys/class/net/vmbr0/address'), mac)
    assert.match(lab.ssh(node, 'ip -o link show bond0'), / master vmbr0 /)
    assert.is(sysfs(node, 'slaves').split(' ').sort().join(' '), 'eno1 eno2')
    assert.is(sysfs(node, 'active_slave'), 'eno1')
    assert.match(lab.ssh(node, 'bridge -compressvlans vlan show dev bond0'), /\b10-20$/m)
    assert.is((await lab.run('check', node, tasks)).code, 0, `nothing is left to do after ${boots} boots`)
  }
}

const NETWORK =
  'cat /etc/network/interfaces /sys/class/net/vmbr0/bridge/vlan_filtering; bridge -compressvlans vlan show; ip -br -4 address'

/** The cables of eno2 and eno3 lead to the other VM only. */
async function isTakenBack(node: PairNode): Promise<void> {
  const network = () => lab.ssh(node, NETWORK)
  const before = network()
  const tasks = () => [
    { bond: { name: 'bond0', slaves: ['eno2', 'eno3'], mode: 'active-backup' } },
    { bridge: { name: 'vmbr0', ports: ['bond0'], vlan_aware: true, vids: [10] } },
  ]
  const { code, stdout, stderr } = await lab.run('apply', node, tasks, ['--confirm-timeout', '15'])
  assert.is(code, EXIT.rolledBack, stdout + stderr)
  assert.is(network(), before)
  assert.match(lab.ssh(node, 'ip -o link show eno1'), / master vmbr0 /)
  assert.is.not(lab.try(node, 'ip link show bond0').code, 0)
}

const chosen = await onVms(test)
chosen.run()
