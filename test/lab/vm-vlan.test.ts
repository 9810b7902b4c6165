import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onVms } from '../helpers/on-vms.ts'
import { PAIR, pluginGuest, type VmPair, vmPair } from '../helpers/vm-network.ts'

const test = suite('tagged frames between VMs')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
let lab: VmPair

test.before(() => {
  lab = vmPair('vmvlan', dir)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

const ADDRESSES = ['50', '60', '100', '70', '90'].map((id) => `10.${id}.0.2`)

test('VLANs in both namings, one in another, and a tunnel in one: each answers, and the frames carry the tags', async () => {
  await lab.play((n) => [
    { vlan: { name: 'eno3.50', address: `10.50.0.${n}/24` } },
    { vlan: { name: 'storage', raw_device: 'eno3', id: 60, address: `10.60.0.${n}/24`, mtu: 1400 } },
    { bridge: { name: 'vmbr1', ports: ['eno2'], vlan_aware: true, vids: ['10-20', 100] } },
    { vlan: { name: 'vmbr1.100', address: `10.100.0.${n}/24` } },
    { vlan: { name: 'eno3.70', protocol: '802.1ad' } },
    { vlan: { name: 'eno3.70.7', address: `10.70.0.${n}/24`, mtu: 1496 } },
    { vxlan: { name: 'vxlan9', id: 9, peers: ['10.50.0.1', '10.50.0.2'] } },
    { bridge: { name: 'tunnel', ports: ['vxlan9'], address: `10.90.0.${n}/24` } },
  ])
  for (const address of ADDRESSES) await lab.answers(address)
  assert.match(lab.heard('eno3', 'ether proto 0x88a8', 'ping -c1 -W2 10.70.0.2'), /802\.1Q-QinQ.* vlan 70, .*vlan 7\b/)
  assert.match(
    lab.heard('eno3', 'vlan 50 and udp port 4789', 'ping -c1 -W2 10.90.0.2'),
    /10\.50\.0\.1\.\d+ > 10\.50\.0\.2\.4789: VXLAN.* vni 9/,
  )
  assert.match(lab.heard('eno3', 'icmp or (vlan and icmp)', 'ping -c1 -W2 10.60.0.2'), /vlan 60, .* ICMP echo request/)
})

test('guests of a VLAN-aware bridge: a VLAN that may pass does, tagged; one that may not does not', () => {
  for (const [index, node] of PAIR.entries()) {
    pluginGuest(lab, node, 'vmbr1', 15, `10.15.0.${index + 1}/24`)
    pluginGuest(lab, node, 'vmbr1', 30, `10.30.0.${index + 1}/24`)
  }
  assert.match(
    lab.heard('eno2', 'vlan 15 and icmp', 'ip netns exec guest15 ping -c2 -W2 10.15.0.2'),
    /vlan 15, .* ICMP echo request/,
  )
  assert.is(lab.try('node1', 'ip netns exec guest15 ping -c1 -W2 10.15.0.2').code, 0)
  assert.is(lab.try('node1', 'ip netns exec guest30 ping -c2 -W1 10.30.0.2').code, 1)
  assert.is(lab.heard('eno2', 'vlan 30', 'ip netns exec guest30 ping -c1 -W1 10.30.0.2'), '')
})

test('another list of VLANs reaches the live bridge, with the guests on it', async () => {
  const wide = [{ bridge: { name: 'vmbr1', ports: ['eno2'], vlan_aware: true, vids: ['10-40', 100] } }]
  await lab.play(() => wide)
  assert.is(lab.try('node1', 'ip netns exec guest30 ping -c3 -W2 10.30.0.2').code, 0)
  assert.is(lab.try('node1', 'ip netns exec guest15 ping -c1 -W2 10.15.0.2').code, 0)
  await lab.answers('10.100.0.2')
})

test('they are taken away without a trace', async () => {
  lab.ssh('node1', 'ip netns delete guest15; ip netns delete guest30')
  const gone = ['eno3.70.7', 'eno3.70', 'eno3.50', 'storage', 'vmbr1.100'].map((name) => ({
    vlan: { name, state: 'absent' },
  }))
  const tunnel = [{ bridge: { name: 'tunnel', state: 'absent' } }, { vxlan: { name: 'vxlan9', state: 'absent' } }]
  await lab.play(() => [...tunnel, ...gone, { bridge: { name: 'vmbr1', state: 'absent' } }], ['node1'])
  const left = lab.ssh('node1', "ip -br link | awk '{print $1}'")
  assert.equal(left.trim().split('\n'), ['lo', 'eno1', 'eno2', 'eno3', 'vmbr0'])
})

const chosen = await onVms(test)
chosen.run()
