import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type SdnState, sdnRef } from '../../src/facts/sdn.ts'
import { parseIpCidr } from '../../src/net/ip-cidr.ts'
import { fact } from '../helpers/model.ts'
import { modelOfNode, type Node, resourcesOf, type Task, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('what SDN owns')

function beside(snat: boolean): Node {
  const network = parseIpCidr('10.50.0.0/24')
  if (network === undefined) throw new Error('no network')
  const state: SdnState = { vnets: [{ name: 'vnet0', zone: 'lab' }], subnets: [{ network, vnet: 'vnet0', snat }] }
  return { main: WITH_INNER, links: WITH_VMBR1, more: [fact(sdnRef, state)] }
}

/** Why the first resource of a task cannot be, if so. */
function reasons(node: Node, task: Task): readonly string[] {
  const plan = resourcesOf([task])[0]?.plan(modelOfNode(node))
  return plan?.kind === 'blocked' ? [plan.reason] : []
}

test('names of vnets, whatever kind of link wants one', () => {
  for (const task of [
    { bridge: { name: 'vnet0' } },
    { vlan: { name: 'vnet0', raw_device: 'eno2', id: 7 } },
    { vxlan: { name: 'vnet0', id: 7, peers: ['192.168.1.10', '192.168.1.11'] } },
  ])
    assert.match(reasons(beside(true), task)[0] ?? '', /^SDN owns vnet vnet0 \(zone lab\)/)
})

test('names that SDN generates beside vnets', () => {
  const node = {
    ...beside(true),
    sourced: { '/etc/network/interfaces.d/sdn': '#version:3\n\nauto ln_vnet0\niface ln_vnet0\n\tlink-type veth\n' },
  }
  assert.match(
    reasons(node, { bridge: { name: 'ln_vnet0' } })[0] ?? '',
    /^SDN owns ln_vnet0 \(\/etc\/network\/interfaces\.d\/sdn\)/,
  )
})

test('addresses in subnets of SDN, but not those that a link has already', () => {
  assert.match(
    reasons(beside(true), { bridge: { name: 'vmbr5', address: '10.50.0.200/25' } })[0] ?? '',
    /10\.50\.0\.200\/25 of vmbr5 overlaps 10\.50\.0\.0\/24, a subnet of vnet vnet0/,
  )
  assert.equal(reasons(beside(true), { bridge: { name: 'vmbr5', address: '10.51.0.1/24' } }), [])
  const there = WITH_INNER.replaceAll('10.10.10.1', '10.50.0.1')
  assert.equal(
    reasons(
      { ...beside(true), main: there, links: WITH_VMBR1.map((link) => (link.name === 'vmbr1' ? inSdn(link) : link)) },
      { bridge: { name: 'vmbr1', address: '10.50.0.1/24', comment: 'x' } },
    ),
    [],
  )
})

function inSdn(link: (typeof WITH_VMBR1)[number]) {
  return { ...link, addresses: [{ cidr: '10.50.0.1/24', family: 4, scope: 'global' } as const] }
}

test('source NAT of a subnet is for SDN to set', () => {
  const task = { masquerade: { source: '10.50.0.0/24', out: 'vmbr0', bridge: 'vmbr1' } }
  assert.match(reasons(beside(true), task)[0] ?? '', /10\.50\.0\.0\/24 \(vnet vnet0\) and translates its addresses/)
  assert.match(reasons(beside(false), task)[0] ?? '', /can translate/)
  assert.equal(reasons(beside(true), { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } }), [])
})

test.run()
