import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Cluster, Guest, Member } from '../../src/discover/cluster.ts'
import { type Findings, findings } from '../../src/discover/merge.ts'
import type { Host } from '../../src/inventory/host.ts'

const test = suite('discover: merge')

function bridge(name: string, address: string | undefined, gateway?: string): Member['networks'][number] {
  const addresses = address === undefined ? [] : [address]
  const optional = gateway === undefined ? {} : { gateway }
  return { name, type: 'bridge', active: true, addresses, ports: [], vlanAware: false, ...optional }
}

function member(n: number, changes: Partial<Member> = {}): Member {
  const networks = [bridge('vmbr0', `203.0.113.1${n}/24`, '203.0.113.254'), bridge('vmbr1', `10.10.${n}.1/24`)]
  return { name: `pve${n}`, ip: `10.99.0.${n}`, online: true, local: n === 1, networks, ...changes }
}

function guest(id: number, nic: Partial<Guest['nics'][number]>, changes: Partial<Guest> = {}): Guest {
  const nics = [{ name: 'net0', mac: `bc:24:11:00:00:${id}`, bridge: 'vmbr1', ...nic }]
  return { id, kind: 'qemu', name: `guest${id}`, node: 'pve1', status: 'running', template: false, nics, ...changes }
}

function host(name: string, address: string, vars: Readonly<Record<string, unknown>> = {}): Host {
  const target = {
    name,
    address,
    port: 22,
    user: 'root',
    keyFiles: [],
    knownHostsFiles: [],
    become: false,
    connectTimeoutMs: 15_000,
  }
  const origins = new Map(Object.entries(vars).map(([key, value]) => [key, { value, from: `prod.yml:${key}` }]))
  return { name, target, groups: ['all', 'pve'], vars, origins }
}

function found(cluster: Partial<Cluster>, hosts: readonly [Host, ...Host[]], vars = true): Findings {
  const whole: Cluster = { quorate: true, members: [member(1)], guests: [], gaps: [], ...cluster }
  return findings(whole, { hosts, asked: hosts[0], group: 'pve', vars })
}

const NODE1 = host('node1', '203.0.113.11')

test('the asked host keeps its name; a new member is reached as the asked one is, not by the cluster network', () => {
  const { hosts, notes } = found({ members: [member(1), member(2)] }, [NODE1])
  assert.equal(hosts, [
    { name: 'node1', vars: { internal_address: '10.10.1.1/24' } },
    {
      name: 'pve2',
      group: 'pve',
      settings: { address: '203.0.113.12' },
      vars: { internal_address: '10.10.2.1/24' },
    },
  ])
  assert.equal(notes, [])
})

test('a host that goes by a name of DNS leaves new members the address of the cluster', () => {
  const { hosts } = found({ members: [member(1), member(2)] }, [host('node1', 'node1.example.org')], false)
  assert.equal(hosts[1], { name: 'pve2', group: 'pve', settings: { address: '10.99.0.2' }, vars: {} })
})

test('members are known by name, by any address, or by the first label', () => {
  const known: readonly [Host, ...Host[]] = [
    NODE1,
    host('pve2', '198.51.100.1'),
    host('other', '203.0.113.13'),
    host('pve4.example.org', '198.51.100.4'),
  ]
  const { hosts } = found({ members: [1, 2, 3, 4].map((n) => member(n)) }, known, false)
  assert.equal(
    hosts.map(({ name, settings }) => [name, settings]),
    ['node1', 'pve2', 'other', 'pve4.example.org'].map((name) => [name, undefined]),
  )
})

test('guests with a fixed address become reservations; others are named', () => {
  const guests = [
    guest(20, { address: '10.10.1.20/24' }),
    guest(21, {}),
    guest(22, { address: '10.66.0.1/24' }),
    guest(23, { address: '10.10.1.23/24', tag: 7 }),
    guest(24, { address: '10.10.1.24/24' }, { template: true }),
    guest(25, { address: '10.10.1.25/24' }, { name: 'no host name' }),
    guest(26, { address: '10.10.1.20/24' }),
    guest(27, { address: '10.10.2.27/24' }, { node: 'pve2' }),
  ]
  const { hosts, notes } = found({ guests }, [NODE1])
  assert.equal(hosts[0]?.vars?.reservations, [
    { name: 'guest20', mac: 'bc:24:11:00:00:20', ip: '10.10.1.20' },
    { mac: 'bc:24:11:00:00:25', ip: '10.10.1.25' },
  ])
  assert.equal(notes, [
    'guest 21 (guest21) has no fixed address on vmbr1: net0 bc:24:11:00:00:21',
    'guest 22 has 10.66.0.1/24, which is not in the network of vmbr1',
  ])
})

test('what a variable says already is neither repeated nor contradicted, but differences are named', () => {
  const reservations = [{ name: 'web', mac: 'BC:24:11:00:00:20', ip: '10.10.1.20' }]
  const guests = [guest(20, { address: '10.10.1.20/24' }), guest(21, { address: '10.10.1.21/24' })]
  const vars = { internal_address: '10.20.0.1/16', reservations }
  const { hosts, notes } = found({ guests }, [host('node1', '203.0.113.11', vars)])
  assert.equal(hosts, [{ name: 'node1', vars: {} }])
  assert.equal(notes, [
    'internal_address of node1 is set at prod.yml:internal_address; the node has "10.10.1.1/24"',
    'reservations of node1 (prod.yml:reservations) lack [{"name":"guest21","mac":"bc:24:11:00:00:21","ip":"10.10.1.21"}]',
  ])
})

test('other bridges than the usual are written, several internal ones are not guessed at', () => {
  const networks = [bridge('vmbr9', '203.0.113.11/24', '203.0.113.254'), bridge('lan', '10.10.1.1/24')]
  const { hosts } = found({ members: [member(1, { networks })] }, [NODE1])
  assert.equal(hosts[0]?.vars, { external_bridge: 'vmbr9', internal_bridge: 'lan', internal_address: '10.10.1.1/24' })
  const two = found({ members: [member(1, { networks: [...networks, bridge('vmbr2', '10.11.1.1/24')] })] }, [NODE1])
  assert.equal(two.hosts[0]?.vars, { external_bridge: 'vmbr9' })
  assert.match(two.notes.join('\n'), 'pve1 has several internal bridges (lan, vmbr2)')
})

test('without quorum, and a member without an address', () => {
  const { ip: _, ...lost } = member(2, { networks: [], online: false })
  const { hosts, notes } = found({ quorate: false, members: [member(1), lost] }, [NODE1], false)
  assert.is(hosts.length, 1)
  assert.match(notes.join('\n'), /no quorum(.|\n)*pve2 has no address in the cluster, so it is left out/)
})

test.run()
