import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Host } from '../../src/inventory/host.ts'
import { entryVars, freeSubnet, sameNode } from '../../src/onboard/entry.ts'
import { ownAddress } from '../../src/onboard/judge-system.ts'
import { memberEntries } from '../../src/onboard/members.ts'
import { goodMember, goodNode } from '../helpers/node-survey.ts'

const test = suite('inventory entry')

function host(name: string, address: string, vars: Record<string, unknown> = {}): Host {
  const target = {
    name,
    address,
    port: 22,
    user: 'root',
    keyFiles: [],
    knownHostsFiles: [],
    become: false,
    connectTimeoutMs: 1000,
  }
  return { name, target, groups: ['all'], vars, origins: new Map() }
}

test('a node that is there by another of its addresses is not entered twice', () => {
  const { basics } = goodNode({
    basics: {
      addresses: [
        { cidr: '192.0.2.14/24', device: 'vmbr0' },
        { cidr: '2001:db8::14/64', device: 'vmbr0' },
      ],
    },
  })
  const given = host('192.0.2.14', '192.0.2.14')
  const there = sameNode(basics, given, [host('pve1', '192.0.2.11'), host('gamma', '2001:db8::14')])
  assert.match(there?.message ?? '', /the node at 192\.0\.2\.14 is in the inventory already, as gamma/)
  assert.is(sameNode(basics, given, [host('pve1', '192.0.2.11')]), undefined)
  const { target, ...rest } = host('far', '2001:db8::14')
  assert.is(
    sameNode(basics, given, [{ ...rest, target: { ...target, jump: host('gate', '198.51.100.1').target } }]),
    undefined,
  )
})

test('the next network after the highest in use, of the same size and with the same last part', () => {
  assert.is(freeSubnet(['10.10.1.1/24', '10.10.2.1/24', '192.0.2.11']), '10.10.3.1/24')
  assert.is(freeSubnet(['10.10.2.1/24', '10.10.1.1/24', '10.10.3.0/24']), '10.10.4.1/24')
  assert.is(freeSubnet(['172.16.0.254/20']), '172.16.16.254/20')
  assert.is(freeSubnet([]), '10.10.1.1/24')
  assert.is(freeSubnet(['203.0.113.5/24', 'nonsense']), '10.10.1.1/24')
})

test('a network that is used in part, or as part of a larger one, is not free', () => {
  assert.is(freeSubnet(['10.10.1.1/24', '10.10.2.77']), '10.10.3.1/24')
  assert.is(freeSubnet(['10.10.1.1/24', '10.10.0.0/16']), '10.11.0.1/24')
})

test('at the end of a private range the search goes on elsewhere', () => {
  assert.is(freeSubnet(['192.168.255.1/24']), '10.10.1.1/24')
})

test('a new node gets what was found on it, and what its group says already is left out', () => {
  const others = [host('pve1', '192.0.2.11', { internal_address: '10.10.1.1/24' })]
  const node = goodNode()
  assert.equal(entryVars(node, {}, others), {
    external_bridge: 'vmbr0',
    internal_address: '10.10.2.1/24',
    nics: ['nic0'],
    pve_version: '8.2.4',
  })
  const inherited = { external_bridge: 'vmbr0', internal_address: '10.20.0.1/24' }
  assert.equal(entryVars(node, inherited, others), { nics: ['nic0'], pve_version: '8.2.4' })
})

test('an internal bridge that is there keeps its address; an uplink that is no bridge is not named', () => {
  const there = goodNode({
    basics: {
      addresses: [
        { cidr: '192.0.2.14/24', device: 'eno1' },
        { cidr: '10.50.0.1/16', device: 'vmbr7' },
      ],
      route4: { gateway: '192.0.2.1', device: 'eno1' },
    },
  })
  const vars = entryVars(there, { internal_bridge: 'vmbr7' }, [])
  assert.is(vars.internal_address, '10.50.0.1/16')
  assert.is(vars.external_bridge, undefined)
})

test('the address that others know a node by is its own, not the one behind which it hides', () => {
  const { basics } = goodNode()
  assert.is(ownAddress(basics, '192.0.2.14'), '192.0.2.14')
  assert.is(ownAddress(basics, '203.0.113.99'), '192.0.2.14')
  assert.is(ownAddress({ ...basics, route4: undefined, addresses: [] }, 'pve4.example.org'), 'pve4.example.org')
})

test('with a cluster everybody knows everybody, by the addresses of the cluster; alone a node knows itself', () => {
  const member = { host: host('first', '203.0.113.1'), survey: goodMember() }
  const cluster = { via: member, members: [member], strangers: [], unreachable: new Map() }
  const newcomer = {
    at: { address: '203.0.113.4', port: undefined },
    label: '203.0.113.4',
    host: host('fourth', '203.0.113.4'),
    isKnown: false,
    survey: goodNode(),
  } as unknown as Parameters<typeof memberEntries>[0][number]
  const together = memberEntries([newcomer], cluster, true)
  assert.equal(
    together.map(({ names, address, known_by }) => ({ names, address, known_by })),
    [
      { names: ['pve1.example.org', 'pve1'], address: '192.0.2.11', known_by: ['first', 'fourth'] },
      { names: ['pve4.example.org', 'pve4'], address: '192.0.2.14', known_by: ['first', 'fourth'] },
    ],
  )
  const [alone, ...rest] = memberEntries([newcomer], undefined, false)
  assert.equal(rest, [])
  assert.equal(alone?.known_by, ['fourth'])
})

test.run()
