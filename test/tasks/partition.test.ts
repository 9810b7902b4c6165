import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseSubnet } from '../../src/net/subnet.ts'
import { type Flow, parseFlow } from '../../src/tasks/partition/flows.ts'
import { partitionParams } from '../../src/tasks/partition/params.ts'
import { partsOf } from '../../src/tasks/partition/parts.ts'
import { partitionTable } from '../../src/tasks/partition/ruleset.ts'

const test = suite('partition')

const networks = [
  { name: 'web', address: '10.20.1.1/24' },
  { name: 'db', address: '10.20.2.1/24', nat: false },
]

const problems = (given: object) => {
  const result = partitionParams.safeParse(given)
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const parts = (given: object) => partsOf(partitionParams.parse(given)).map(({ type, params }) => [type, params])

const flows: [string, Flow | string][] = [
  ['web -> db', { source: 'web', target: 'db', services: [{ protocol: 'all' }] }],
  ['web->db:5432', { source: 'web', target: 'db', services: [{ protocol: 'tcp', from: 5432, to: 5432 }] }],
  [
    '* -> 10.20.2.5 : udp/53, 8000-8010',
    {
      source: '*',
      target: '10.20.2.5',
      services: [
        { protocol: 'udp', from: 53, to: 53 },
        { protocol: 'tcp', from: 8000, to: 8010 },
      ],
    },
  ],
  ['web -> db:http', 'has "http" where a port, a range or udp/PORT must be'],
  ['web -> db:0', 'has "0" where a port, a range or udp/PORT must be'],
  ['web -> db:90-80', 'has "90-80" where a port, a range or udp/PORT must be'],
  ['web db', 'must read SOURCE -> TARGET:PORTS, e.g. web -> db:5432'],
]
for (const [text, wanted] of flows) test(`flow: ${text}`, () => assert.equal(parseFlow(text), wanted))

const wrong: [string, object, string][] = [
  ['no address', { networks: [{ name: 'web' }] }, 'networks.0.address: is missing: the node routes this network'],
  [
    'overlap',
    { networks: [...networks, { name: 'big', address: '10.20.0.1/16' }] },
    'networks.2.address: 10.20.0.1/16 overlaps with web (10.20.1.1/24)',
  ],
  [
    'name twice',
    { networks: [networks[0], { name: 'web', address: '10.3.0.1/24' }] },
    'networks.1.name: repeats the name web',
  ],
  [
    'bridge twice',
    { networks: [networks[0], { ...networks[1], bridge: 'web' }] },
    'networks.1.bridge: is that of web too',
  ],
  ['no trunk', { networks: [{ ...networks[0], vlan: 10 }] }, 'networks.0.vlan: needs `trunk`'],
  [
    'long name',
    { networks: [{ name: 'applications', address: '10.3.0.1/24' }] },
    'networks.0.name: is longer than the name of a bridge may be (10 characters): give `bridge`',
  ],
  ['unknown', { networks, allow: ['web -> mail:25'] }, 'allow.0: names mail, which is none of the networks (web, db)'],
  ['outside', { networks, allow: ['web -> 10.9.9.9:25'] }, 'allow.0: 10.9.9.9 is in none of the networks'],
  [
    'router and allow',
    { router: {}, networks: [{ name: 'web' }], allow: ['web -> web'] },
    'allow: is for the router VM to decide',
  ],
  [
    'router and address',
    { router: {}, networks: [networks[0]] },
    'networks.0.address: is for the router VM to have, not for the node',
  ],
]
for (const [name, given, message] of wrong) {
  test(`wrong: ${name}`, () => {
    const found = problems(given)
    assert.ok(found.includes(message), found.join('\n'))
  })
}

test('expands to bridges, forwarding, NAT, DHCP and DNS, in the order in which they stand on each other', () => {
  assert.equal(parts({ domain: 'lab.internal', networks }), [
    ['bridge', { name: 'web', address: '10.20.1.1/24', comment: 'web' }],
    ['bridge', { name: 'db', address: '10.20.2.1/24', comment: 'db' }],
    [
      'ip_forwarding',
      { ipv4: true, interfaces: ['vmbr0', 'web', 'db'], file: '/etc/sysctl.d/99-zz-pvectl-partition.conf' },
    ],
    ['masquerade', { source: '10.20.1.0/24', out: 'vmbr0' }],
    [
      'dnsmasq',
      {
        interface: 'web',
        subnet: '10.20.1.1/24',
        ranges: [{ start: '10.20.1.128', end: '10.20.1.254' }],
        reservations: [],
        domain: 'web.lab.internal',
      },
    ],
    [
      'dnsmasq',
      {
        interface: 'db',
        subnet: '10.20.2.1/24',
        ranges: [{ start: '10.20.2.128', end: '10.20.2.254' }],
        reservations: [],
        domain: 'db.lab.internal',
      },
    ],
  ])
})

test('networks with a VLAN are on one VLAN-aware bridge', () => {
  const given = {
    trunk: { bridge: 'vmbr1', ports: ['eno2'] },
    networks: [{ ...networks[0], vlan: 10, dhcp: false, nat: false }],
  }
  assert.equal(parts(given), [
    ['bridge', { name: 'vmbr1', vlan_aware: true, link_local: false, ports: ['eno2'] }],
    ['vlan', { name: 'vmbr1.10', address: '10.20.1.1/24', comment: 'web' }],
    [
      'ip_forwarding',
      { ipv4: true, interfaces: ['vmbr0', 'vmbr1.10'], file: '/etc/sysctl.d/99-zz-pvectl-partition.conf' },
    ],
  ])
})

test('with a router VM the node has no address inside and serves nothing', () => {
  const given = {
    router: { vm: 100, model: 'e1000' },
    networks: [{ name: 'web' }, { name: 'db', vlan: 20 }],
    trunk: { bridge: 'vmbr1' },
  }
  assert.equal(parts(given), [
    ['bridge', { name: 'vmbr1', vlan_aware: true, link_local: false }],
    ['bridge', { name: 'web', link_local: false, comment: 'web' }],
    ['guest_nic', { guest: 100, nic: 0, model: 'e1000', bridge: 'vmbr0' }],
    ['guest_nic', { guest: 100, nic: 1, model: 'e1000', bridge: 'web' }],
    ['guest_nic', { guest: 100, nic: 2, model: 'e1000', bridge: 'vmbr1', tag: 20 }],
  ])
})

test('a network that goes takes its services first', () => {
  const gone = { ...networks[0], state: 'absent' }
  const types = parts({ networks: [gone, networks[1]] }).map(([type]) => type)
  assert.equal(types, ['dnsmasq', 'masquerade', 'bridge', 'bridge', 'ip_forwarding', 'dnsmasq'])
})

test('all between two networks is dropped but answers and what is allowed', () => {
  const routed = networks.map(({ name, address }) => ({ name, link: name, subnet: parseSubnet(address) as never }))
  const allowed = ['web -> db:5432', '* -> 10.20.2.9:udp/53'].map((text) => parseFlow(text) as Flow)
  assert.equal(partitionTable(routed, allowed).chains[0]?.rules, [
    'ct state established,related accept',
    'iifname "web" oifname "db" tcp dport 5432 accept',
    'iifname "web" oifname "db" ip daddr 10.20.2.9 udp dport 53 accept',
    'iifname "web" oifname { "db" } drop',
    'iifname "db" oifname { "web" } drop',
  ])
})

test.run()
