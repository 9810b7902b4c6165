import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linkNamed } from '../../src/facts/links.ts'
import { EMPTY_OVS, type OvsState, ovsFact, ovsRef } from '../../src/facts/ovs.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { fact, unitState } from '../helpers/model.ts'
import { link, MAIN, type Node, type Outcome, play, type Task, UPLINK } from '../helpers/network-node.ts'

const test = suite('Open vSwitch: plans')

const UNIT = unitNamed('openvswitch-switch.service')
const running = (ovs: OvsState = EMPTY_OVS) => [
  fact(packageNamed('openvswitch-switch'), { installed: true, version: '3.1.0' }),
  fact(UNIT, unitState()),
  fact(ovsRef, ovs),
]
const MISSING = [
  fact(packageNamed('openvswitch-switch'), { installed: false }),
  fact(UNIT, unitState({ load: 'not-found', active: 'inactive', enabled: '' })),
  fact(ovsRef, { ...EMPTY_OVS, available: false }),
]
const CARDS = [...UPLINK, link('eno3'), link('eno4')]
const ovsOf = ({ model }: Outcome) => model.get(ovsRef)
const portOf = (outcome: Outcome, name: string) => ovsOf(outcome).ports.find((port) => port.name === name)
const bridgeOf = (outcome: Outcome, name: string) => ovsOf(outcome).bridges.find((one) => one.name === name)?.ports
const script = ({ plans }: Outcome, at: number): string => {
  const plan = plans.at(at)
  return plan?.kind === 'change' ? plan.script.display : ''
}

const BRIDGE = { ovs_bridge: { name: 'vmbr2', ports: ['eno2'] } }

test('a bridge with a card, on a node that has no Open vSwitch yet', () => {
  const outcome = play({ more: MISSING }, { ovs_bridge: { ...BRIDGE.ovs_bridge, mtu: 1400, comment: 'guests' } })
  assert.equal(outcome.kinds, ['change', 'change', 'change', 'change'])
  assert.ok(
    outcome.main.includes(`iface eno1 inet manual

auto eno2
iface eno2 inet manual
	ovs_type OVSPort
	ovs_bridge vmbr2

auto vmbr0
`),
    outcome.main,
  )
  assert.ok(
    outcome.main.includes(`
auto vmbr2
iface vmbr2 inet manual
	ovs_type OVSBridge
	ovs_ports eno2
	ovs_mtu 1400
#guests

source`),
    outcome.main,
  )
  assert.equal(outcome.summaries.slice(-2), ['bring up vmbr2: no address', 'vmbr2: add port eno2'])
  assert.equal(bridgeOf(outcome, 'vmbr2'), ['eno2', 'vmbr2'])
  assert.is(linkNamed(outcome.links, 'vmbr2')?.kind, 'openvswitch')
})

const ALL: readonly Task[] = [
  { ovs_bridge: { name: 'vmbr2' } },
  {
    ovs_bond: {
      name: 'bond1',
      bridge: 'vmbr2',
      slaves: ['eno2', 'eno3'],
      mode: 'lacp-balance-tcp',
      lacp_rate: 'fast',
    },
  },
  { ovs_port: { name: 'eno4', bridge: 'vmbr2', tag: 7, trunks: [100, '200-202'], vlan_mode: 'native-untagged' } },
  { ovs_int_port: { name: 'vlan50', bridge: 'vmbr2', tag: 50, address: '10.50.0.1/24' } },
]
const WRITTEN = `auto eno2
iface eno2 inet manual

auto eno3
iface eno3 inet manual

auto eno4
iface eno4 inet manual
	ovs_type OVSPort
	ovs_bridge vmbr2
	ovs_options tag=7 trunks=100,200,201,202 vlan_mode=native-untagged

auto vlan50
iface vlan50 inet static
	address 10.50.0.1/24
	ovs_type OVSIntPort
	ovs_bridge vmbr2
	ovs_options tag=50

auto bond1
iface bond1 inet manual
	ovs_bonds eno2 eno3
	ovs_type OVSBond
	ovs_bridge vmbr2
	ovs_options bond_mode=balance-tcp lacp=active other_config:lacp-time=fast

`

test('bond, port and internal port: in the file by types, in the list of the bridge, and live', () => {
  const outcome = play({ links: CARDS, more: running() }, ...ALL)
  assert.ok(outcome.main.includes(WRITTEN), outcome.main)
  assert.ok(outcome.main.includes('\tovs_type OVSBridge\n\tovs_ports bond1 eno4 vlan50\n'), outcome.main)
  assert.equal(bridgeOf(outcome, 'vmbr2'), ['bond1', 'eno4', 'vlan50', 'vmbr2'])
  assert.equal(portOf(outcome, 'bond1')?.options, {
    bond_mode: 'balance-tcp',
    lacp: 'active',
    'other_config:lacp-time': 'fast',
  })
  assert.equal(
    linkNamed(outcome.links, 'vlan50')?.addresses.map(({ cidr }) => cidr),
    ['10.50.0.1/24'],
  )
  assert.ok(
    outcome.summaries.includes('bring up vlan50: 10.50.0.1/24, on vmbr2, VLAN 50'),
    outcome.summaries.join('\n'),
  )
})

test('a second run of all changes nothing, in whatever order the options stand', () => {
  const first = play({ links: CARDS, more: running() }, ...ALL)
  const main = first.main
    .replace('tag=7 trunks=100,200,201,202 vlan_mode', 'vlan_mode=native-untagged tag=7 trunks=100,200,201,202 x')
    .replace(' x=native-untagged', '')
  const again = play({ main, links: first.links.links, more: running(ovsOf(first)) }, ...ALL)
  assert.ok(
    again.kinds.every((kind) => kind === 'ok'),
    again.kinds.join(' '),
  )
})

const LIVE: OvsState = {
  available: true,
  bridges: [{ name: 'vmbr2', ports: ['eno2', 'vlan50', 'vmbr2'] }],
  ports: [
    { name: 'vmbr2', interfaces: ['vmbr2'], options: {}, type: 'internal' },
    { name: 'eno2', interfaces: ['eno2'], options: {}, type: '' },
    { name: 'vlan50', interfaces: ['vlan50'], options: { tag: '50' }, type: 'internal' },
  ],
}
const LIVE_LINKS = [
  ...UPLINK.filter(({ name }) => name !== 'eno2'),
  link('eno2', { master: 'ovs-system' }),
  link('eno3'),
  link('ovs-system', { kind: 'openvswitch', up: false }),
  link('vmbr2', { kind: 'openvswitch' }),
  link('vlan50', { kind: 'openvswitch', ip: ['10.50.0.1/24'] }),
]
const LIVE_MAIN = MAIN.replace(
  'source',
  `auto eno2
iface eno2 inet manual
	ovs_type OVSPort
	ovs_bridge vmbr2

auto vlan50
iface vlan50 inet static
	address 10.50.0.1/24
	ovs_type OVSIntPort
	ovs_bridge vmbr2
	ovs_options tag=50

auto vmbr2
iface vmbr2 inet manual
	ovs_type OVSBridge
	ovs_ports eno2 vlan50

source`,
)
const NODE: Node = { main: LIVE_MAIN, links: LIVE_LINKS, more: running(LIVE) }

test('options of live ports change one by one; others stay', () => {
  const outcome = play(
    NODE,
    { ovs_int_port: { name: 'vlan50', bridge: 'vmbr2', tag: 51 } },
    { ovs_port: { name: 'eno2', bridge: 'vmbr2', trunks: '51 52' } },
  )
  assert.equal(outcome.summaries, [
    'edit OVS internal port vlan50',
    'vlan50: tag 50 → 51',
    'edit OVS port eno2',
    'eno2: trunks none → 51,52',
  ])
  assert.is(script(outcome, 3), "ovs-vsctl -t 10 -- set Port vlan50 'tag=51'")
  assert.ok(
    outcome.main.includes('\tovs_options tag=51\n') && outcome.main.includes('\tovs_options trunks=51,52\n'),
    outcome.main,
  )
})

test('a bond takes the place of the card of a live bridge in one transaction', () => {
  const outcome = play(NODE, { ovs_bond: { name: 'bond1', bridge: 'vmbr2', slaves: ['eno2', 'eno3'] } })
  assert.equal(outcome.kinds.slice(2), ['change', 'change!'])
  assert.is(outcome.summaries.at(-1), 'vmbr2: add bond bond1 (bond_mode=active-backup) of eno2 eno3 instead of eno2')
  assert.is(
    script(outcome, -1),
    `ip link set eno2 up
ip link set eno3 up
ovs-vsctl -t 10 -- --if-exists del-port vmbr2 eno2 -- --may-exist --fake-iface add-bond vmbr2 bond1 eno2 eno3 'bond_mode=active-backup'`,
  )
  assert.ok(outcome.main.includes('auto eno2\niface eno2 inet manual\n\nauto eno3\n'), outcome.main)
  assert.ok(outcome.main.includes('\tovs_ports vlan50 bond1\n'), outcome.main)
  assert.equal(bridgeOf(outcome, 'vmbr2'), ['bond1', 'vlan50', 'vmbr2'])
})

test('a bond gets and loses cards', () => {
  const ovs: OvsState = {
    ...LIVE,
    bridges: [{ name: 'vmbr2', ports: ['bond1', 'vmbr2'] }],
    ports: [{ name: 'bond1', interfaces: ['eno2', 'eno3'], options: { bond_mode: 'active-backup' }, type: '' }],
  }
  const main = LIVE_MAIN.replace('\tovs_type OVSPort\n\tovs_bridge vmbr2\n', '')
    .replace(
      /auto vlan50[\s\S]*?tag=50\n\n/,
      'auto bond1\niface bond1 inet manual\n\tovs_bonds eno2 eno3\n\tovs_type OVSBond\n\tovs_bridge vmbr2\n\tovs_options bond_mode=active-backup\n\n',
    )
    .replace('ovs_ports eno2 vlan50', 'ovs_ports bond1')
  const links = [
    ...LIVE_LINKS.filter(({ name }) => !/eno3|vlan50/.test(name)),
    link('eno3', { master: 'ovs-system' }),
    link('eno4'),
  ]
  const outcome = play(
    { main, links, more: running(ovs) },
    { ovs_bond: { name: 'bond1', bridge: 'vmbr2', slaves: ['eno2', 'eno4'] } },
  )
  assert.is(outcome.summaries.at(-1), 'bond1: add slave eno4, remove slave eno3')
  assert.match(script(outcome, -1), /-- add-bond-iface bond1 eno4 -- del-bond-iface bond1 eno3$/)
})

const BLOCKED: readonly (readonly [string, Node, Task, RegExp])[] = [
  [
    'a card of a Linux bridge',
    { more: running() },
    { ovs_bridge: { name: 'vmbr2', ports: ['eno1'] } },
    /eno1 is a port of vmbr0/,
  ],
  [
    'a Linux bridge of that name',
    { more: running() },
    { ovs_bridge: { name: 'vmbr0' } },
    /vmbr0 exists and is not a bridge of Open vSwitch \(bridge\)/,
  ],
  [
    'no such bridge',
    { more: running() },
    { ovs_int_port: { name: 'vlan5', bridge: 'vmbr9' } },
    /no bridge vmbr9 of Open vSwitch for vlan5/,
  ],
  [
    'a card of another bridge',
    {
      ...NODE,
      more: running({
        ...LIVE,
        bridges: [
          { name: 'vmbr3', ports: ['eno2'] },
          { name: 'vmbr2', ports: ['vmbr2'] },
        ],
      }),
    },
    { ovs_port: { name: 'eno2', bridge: 'vmbr2' } },
    /eno2 is a port of vmbr3/,
  ],
  [
    'larger packets than the bridge',
    NODE,
    { ovs_int_port: { name: 'vlan51', bridge: 'vmbr2', mtu: 9000 } },
    /MTU of 9000, and vmbr2 has 1500/,
  ],
  [
    'a VLAN on the card',
    { ...NODE, links: [...LIVE_LINKS, link('eno3.5', { kind: 'vlan', lower: 'eno3' })] },
    { ovs_port: { name: 'eno3', bridge: 'vmbr2' } },
    /eno3\.5 is built on eno3/,
  ],
  ['no slaves for a new bond', NODE, { ovs_bond: { name: 'bond1', bridge: 'vmbr2' } }, /new bond needs slaves/],
  [
    'the stanza of another thing',
    { ...NODE, main: LIVE_MAIN.replace('source', 'auto bond1\niface bond1 inet manual\n\tbond-slaves eno7\n\nsource') },
    { ovs_bond: { name: 'bond1', bridge: 'vmbr2', slaves: ['eno3', 'eno4'] } },
    /bond1 is no device of Open vSwitch/,
  ],
  [
    'names of an old PVE',
    { pve: '7.4-1', more: running() },
    { ovs_bridge: { name: 'guests' } },
    /PVE 7\.4-1 knows bridges only/,
  ],
]
for (const [what, node, task, reason] of BLOCKED)
  test(`blocked, ${what}`, () => assert.match(play(node, task).reasons[0] ?? '', reason))

test('absent: an internal port goes, its bridge stays and no longer lists it', () => {
  const outcome = play(NODE, { ovs_int_port: { name: 'vlan50', bridge: 'vmbr2', state: 'absent' } })
  assert.equal(outcome.kinds, ['ok', 'change!', 'change'])
  assert.ok(outcome.main.includes('\tovs_ports eno2\n') && !outcome.main.includes('vlan50'), outcome.main)
  assert.equal(bridgeOf(outcome, 'vmbr2'), ['eno2', 'vmbr2'])
})

test('absent: a card goes from its bridge and is an ordinary one again', () => {
  const outcome = play(NODE, { ovs_port: { name: 'eno2', bridge: 'vmbr2', state: 'absent' } })
  assert.equal(outcome.kinds, ['change!', 'change!'])
  assert.ok(outcome.main.includes('iface eno2 inet manual\n\nauto vlan50\n'), outcome.main)
  assert.ok(outcome.main.includes('\tovs_ports vlan50\n'), outcome.main)
  assert.is(linkNamed(outcome.links, 'eno2')?.master, undefined)
})

test('absent: a bridge goes when nothing of the node or of guests is on it', () => {
  const absent = { ovs_bridge: { name: 'vmbr2', state: 'absent' } }
  assert.match(play(NODE, absent).reasons[0] ?? '', /vlan50 is built on vmbr2/)
  const guests = running({ ...LIVE, bridges: [{ name: 'vmbr2', ports: ['tap100i0', 'vmbr2'] }] })
  assert.match(play({ ...NODE, more: guests }, absent).reasons[0] ?? '', /guests are plugged into vmbr2: tap100i0/)
  const gone = play(NODE, { ovs_int_port: { name: 'vlan50', bridge: 'vmbr2', state: 'absent' } }, absent)
  assert.is(gone.main, MAIN.replace('source', 'auto eno2\niface eno2 inet manual\n\nsource'))
  assert.equal(ovsOf(gone).bridges, [])
})

test('the database as ovs-vsctl prints it', () => {
  const bridges = {
    headings: ['name', 'ports'],
    data: [
      [
        'vmbr2',
        [
          'set',
          [
            ['uuid', 'p1'],
            ['uuid', 'p2'],
          ],
        ],
      ],
      ['vmbr3', ['uuid', 'p3']],
    ],
  }
  const ports = {
    headings: ['_uuid', 'name', 'interfaces', 'tag', 'trunks', 'vlan_mode', 'bond_mode', 'lacp', 'other_config'],
    data: [
      [
        ['uuid', 'p1'],
        'bond1',
        [
          'set',
          [
            ['uuid', 'i1'],
            ['uuid', 'i2'],
          ],
        ],
        ['set', []],
        ['set', [10, 20]],
        ['set', []],
        'balance-tcp',
        'active',
        ['map', [['lacp-time', 'fast']]],
      ],
      [['uuid', 'p2'], 'vlan50', ['uuid', 'i3'], 50, ['set', []], 'access', ['set', []], ['set', []], ['map', []]],
      [
        ['uuid', 'p3'],
        'vmbr3',
        ['uuid', 'i4'],
        ['set', []],
        ['set', []],
        ['set', []],
        ['set', []],
        ['set', []],
        ['map', []],
      ],
    ],
  }
  const interfaces = {
    headings: ['_uuid', 'name', 'type'],
    data: [
      [['uuid', 'i1'], 'eno2', ''],
      [['uuid', 'i2'], 'eno3', ''],
      [['uuid', 'i3'], 'vlan50', 'internal'],
      [['uuid', 'i4'], 'vmbr3', 'internal'],
    ],
  }
  const text = [bridges, ports, interfaces].map((table) => `${JSON.stringify(table)}\n`).join('')
  const [state] = ovsFact.parse(Buffer.from(text), [''], 'mark')
  assert.equal(state, {
    available: true,
    bridges: [
      { name: 'vmbr2', ports: ['bond1', 'vlan50'] },
      { name: 'vmbr3', ports: ['vmbr3'] },
    ],
    ports: [
      {
        name: 'bond1',
        interfaces: ['eno2', 'eno3'],
        options: { trunks: '10,20', bond_mode: 'balance-tcp', lacp: 'active', 'other_config:lacp-time': 'fast' },
        type: '',
      },
      { name: 'vlan50', interfaces: ['vlan50'], options: { tag: '50', vlan_mode: 'access' }, type: 'internal' },
      { name: 'vmbr3', interfaces: ['vmbr3'], options: {}, type: 'internal' },
    ],
  })
  assert.is(ovsFact.parse(Buffer.from(''), [''], 'mark')[0]?.available, false)
})

test.run()
