import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onVms } from '../helpers/on-vms.ts'
import { type VmPair, vmPair } from '../helpers/vm-network.ts'

const test = suite('Open vSwitch between VMs')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
let lab: VmPair

test.before(() => {
  lab = vmPair('vmovs', dir)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

test('the package comes with the bridge; a tagged port of the node answers, and the frames carry its tag', async () => {
  await lab.play((n) => [
    { ovs_bridge: { name: 'vmbr2' } },
    { ovs_port: { name: 'eno2', bridge: 'vmbr2', trunks: [100, 200] } },
    { ovs_int_port: { name: 'vlan100', bridge: 'vmbr2', tag: 100, address: `10.100.0.${n}/24` } },
    { ovs_int_port: { name: 'vlan300', bridge: 'vmbr2', tag: 300, address: `10.30.0.${n}/24` } },
  ])
  await lab.answers('10.100.0.2')
  assert.match(lab.heard('eno2', 'vlan 100 and icmp', 'ping -c2 -W2 10.100.0.2'), /vlan 100, .* ICMP echo request/)
  assert.not.ok(lab.reaches('10.30.0.2'), 'eno2 lets 100 and 200 pass only')
})

test('a bond with LACP in the place of the card: both cables, one of them, both', async () => {
  const bond = { name: 'bond1', bridge: 'vmbr2', slaves: ['eno2', 'eno3'], mode: 'lacp-balance-tcp', lacp_rate: 'fast' }
  await lab.play(() => [{ ovs_bond: bond }])
  await lab.answers('10.100.0.2')
  const working = () => lab.ssh('node1', 'ovs-appctl bond/show bond1 | grep -c ": enabled$" || true').trim()
  await lab.until('both cables carry', () => working() === '2')
  lab.cable('eno2', 'pull')
  await lab.until('one cable carries', () => working() === '1')
  await lab.answers('10.100.0.2')
  lab.cable('eno2', 'plug')
  await lab.until('both cables carry again', () => working() === '2')
  await lab.answers('10.100.0.2')
})

test('it is there after a boot, and taken away without a trace', async () => {
  await lab.reboot('node1')
  await lab.answers('10.100.0.2')
  const gone = [
    ...['vlan100', 'vlan300'].map((name) => ({ ovs_int_port: { name, bridge: 'vmbr2', state: 'absent' } })),
    { ovs_bond: { name: 'bond1', bridge: 'vmbr2', state: 'absent' } },
    { ovs_bridge: { name: 'vmbr2', state: 'absent' } },
  ]
  await lab.play(() => gone, ['node1'])
  assert.is(lab.ssh('node1', 'ovs-vsctl list-br'), '')
  assert.not.match(lab.ssh('node1', 'cat /etc/network/interfaces'), /ovs/)
})

const chosen = await onVms(test)
chosen.run()
