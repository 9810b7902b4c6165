import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sdnFact } from '../../src/facts/sdn.ts'
import { formatIpCidr } from '../../src/net/ip-cidr.ts'

const test = suite('facts: SDN')

const ZONES = `simple: lab
	dhcp dnsmasq
	ipam pve

vlan: trunk
	bridge vmbr0
	ipam pve

simple: other
	ipam pve
	nodes pve2,pve3
`
const VNETS = `vnet: vnet0
	zone lab

vnet: tagged
	zone trunk
	tag 50

vnet: far
	zone other
`
const SUBNETS = `subnet: lab-10.0.0.0-24
	vnet vnet0
	gateway 10.0.0.1
	snat 1

subnet: lab-fd00:7::-64
	vnet vnet0
	gateway fd00:7::1

subnet: lab-10.0.9.0-24
	vnet vnet0

subnet: trunk-10.0.50.0-24
	vnet tagged
	gateway 10.0.50.1

subnet: other-10.0.60.0-24
	vnet far
	gateway 10.0.60.1
`

function read(...parts: readonly string[]) {
  const [state] = sdnFact.parse(Buffer.from(parts.join('\nm\n')), [''], 'm')
  assert.ok(state)
  return state
}

test('all vnets by name, and the subnets in which the node has an address', () => {
  const { vnets, subnets } = read(ZONES, VNETS, SUBNETS, 'pve1.example.org\n')
  assert.equal(vnets, [
    { name: 'vnet0', zone: 'lab' },
    { name: 'tagged', zone: 'trunk' },
    { name: 'far', zone: 'other' },
  ])
  assert.equal(
    subnets.map(({ network, vnet, snat }) => [formatIpCidr(network), vnet, snat]),
    [
      ['10.0.0.0/24', 'vnet0', true],
      ['fd00:7::/64', 'vnet0', false],
    ],
  )
})

test('a zone of some nodes counts on those', () => {
  const { subnets } = read(ZONES, VNETS, SUBNETS, 'pve3\n')
  assert.ok(subnets.some(({ vnet }) => vnet === 'far'))
})

test('a node without SDN, and one without Proxmox VE', () => {
  assert.equal(read('', '', '', 'pve1\n'), { vnets: [], subnets: [] })
})

test.run()
