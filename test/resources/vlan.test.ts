import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Link, linkNamed } from '../../src/facts/links.ts'
import { bridge, link, MAIN, type Node, play, type Task, UPLINK } from '../helpers/network-node.ts'

const test = suite('VLANs: plans')

const vlan = (name: string, lower: string, id: number, more: Partial<Link> & { ip?: readonly string[] } = {}) =>
  link(name, { kind: 'vlan', lower, vlan: { id, protocol: '802.1Q' }, ...more })

test('by name: the stanza as PVE writes it, after the cards', () => {
  const { kinds, main, links, summaries } = play(
    {},
    { vlan: { name: 'eno2.50', address: '10.50.0.1/24', mtu: 1400, comment: 'storage' } },
  )
  assert.equal(kinds, ['change', 'change'])
  assert.ok(
    main.includes(
      'iface eno1 inet manual\n\nauto eno2.50\niface eno2.50 inet static\n\taddress 10.50.0.1/24\n\tmtu 1400\n#storage\n\nauto vmbr0\n',
    ),
    main,
  )
  assert.equal(linkNamed(links, 'eno2.50'), vlan('eno2.50', 'eno2', 50, { mtu: 1400, ip: ['10.50.0.1/24'] }))
  assert.ok(links.routes.some(({ destination }) => destination === '10.50.0.0/24'))
  assert.is(summaries.at(-1), 'bring up eno2.50: 10.50.0.1/24, VLAN 50 of eno2')
})

test('with a raw device: last in the file, options sorted as PVE sorts them', () => {
  const free = play({}, { vlan: { name: 'storage', raw_device: 'eno2', id: 50 } })
  assert.ok(
    free.main.includes(
      '\tbridge-fd 0\n\nauto storage\niface storage inet manual\n\tvlan-id 50\n\tvlan-raw-device eno2\n\nsource',
    ),
    free.main,
  )
  const numbered = play({}, { vlan: { name: 'vlan50', raw_device: 'eno2' } })
  assert.ok(numbered.main.includes('iface vlan50 inet manual\n\tvlan-raw-device eno2\n'), numbered.main)
  const outer = play({}, { vlan: { name: 'eno2.50', protocol: '802.1ad' } })
  assert.ok(outer.main.includes('iface eno2.50 inet manual\n\tvlan-protocol 802.1ad\n'), outer.main)
  assert.is(linkNamed(outer.links, 'eno2.50')?.vlan?.protocol, '802.1ad')
})

test('not on a slave of a bond, unless it is there already', () => {
  const main = `${MAIN}
auto bond0
iface bond0 inet manual
\tbond-slaves eno2
\tbond-mode active-backup
`
  const { reasons } = play({ main }, { vlan: { name: 'eno2.50' } })
  assert.match(reasons[0] ?? '', /eno2 is a slave of bond0, which gets its frames/)
  const there = play({ main, links: [...UPLINK, vlan('eno2.50', 'eno2', 50)] }, { vlan: { name: 'eno2.50' } })
  assert.equal(there.reasons, [])
})

test('not on what Open vSwitch has by the file, which PVE would refuse to save', () => {
  const main = `${MAIN}
iface eno2 inet manual
	ovs_type OVSPort
	ovs_bridge vmbr2

auto vmbr2
iface vmbr2 inet manual
	ovs_type OVSBridge
	ovs_ports eno2
`
  const { reasons } = play({ main }, { vlan: { name: 'eno2.50' } })
  assert.match(reasons[0] ?? '', /eno2 belongs to Open vSwitch/)
})

test('a bridge on top of each, from one list', () => {
  const { kinds, main, links } = play(
    {},
    ...[10, 20].flatMap((id) => [
      { vlan: { name: `eno2.${id}` } },
      { bridge: { name: `vmbr${id}`, ports: [`eno2.${id}`] } },
    ]),
  )
  assert.equal(kinds, Array(8).fill('change'))
  assert.is(linkNamed(links, 'eno2.20')?.master, 'vmbr20')
  assert.ok(main.indexOf('auto eno2.20') < main.indexOf('auto vmbr0'), main)
  assert.ok(main.includes('\tbridge-ports eno2.10\n'), main)
})

test('on a VLAN-aware bridge the node joins the VLAN, also when the link is there already', () => {
  const links = [
    ...UPLINK.slice(0, 3),
    bridge('vmbr0', ['192.168.1.10/24'], { bridge: { stp: false, forwardDelay: 0, vlanAware: true } }),
  ]
  const vlans = [{ name: 'vmbr0', pvid: 1, vids: [{ from: 1, to: 1 }] }]
  const outcome = play({ links, vlans }, { vlan: { name: 'vmbr0.50' } })
  assert.equal(outcome.summaries.slice(-2), [
    'bring up vmbr0.50: no address, VLAN 50 of vmbr0',
    'vmbr0: let VLAN 50 reach the node',
  ])
  assert.equal(outcome.vlans, [
    {
      name: 'vmbr0',
      pvid: 1,
      vids: [
        { from: 1, to: 1 },
        { from: 50, to: 50 },
      ],
    },
  ])
  const main = MAIN.replace('source', 'auto vmbr0.50\niface vmbr0.50 inet manual\n\nsource')
  const there = play({ main, links: [...links, vlan('vmbr0.50', 'vmbr0', 50)], vlans }, { vlan: { name: 'vmbr0.50' } })
  assert.equal(there.kinds, ['ok', 'change'])
})

test('a card that is down is set up first', () => {
  const links = UPLINK.map((one) => (one.name === 'eno2' ? { ...one, up: false } : one))
  const { summaries, links: after } = play({ links }, { vlan: { name: 'eno2.50' } })
  assert.equal(summaries.slice(1), ['eno2: set up', 'bring up eno2.50: no address, VLAN 50 of eno2'])
  assert.is(linkNamed(after, 'eno2')?.up, true)
})

const HAND_MADE = MAIN.replace(
  'source',
  'auto vlan50\niface vlan50 inet static\n  vlan_raw_device eno2\n  address 10.50.0.1\n  netmask 255.255.255.0\n\nsource',
)
const HAND_MADE_LINKS = [...UPLINK, vlan('vlan50', 'eno2', 50, { ip: ['10.50.0.1/24'] })]
const NAMED = { name: 'vlan50', raw_device: 'eno2', address: '10.50.0.1/24' }

test('a stanza made by hand is adopted as it is', () => {
  const outcome = play({ main: HAND_MADE, links: HAND_MADE_LINKS }, { vlan: NAMED })
  assert.equal(outcome.kinds, ['ok', 'ok'])
  const other = play({ main: HAND_MADE, links: HAND_MADE_LINKS }, { vlan: { ...NAMED, address: '10.51.0.1/16' } })
  assert.is(other.main, HAND_MADE.replace('10.50.0.1', '10.51.0.1').replace('255.255.255.0', '255.255.0.0'))
  assert.equal(other.kinds, ['change!', 'change!'])
})

test('another card or number: made anew, and plugged in again', () => {
  const links = [...UPLINK, link('eno3'), bridge('vmbr5'), vlan('vlan50', 'eno2', 50, { master: 'vmbr5' })]
  const main = HAND_MADE.replace(/ {2}address.*\n {2}netmask.*\n/, '').replace(
    'inet static\n  vlan',
    'inet manual\n  vlan',
  )
  const outcome = play({ main, links }, { vlan: { name: 'vlan50', raw_device: 'eno3' } })
  assert.equal(outcome.kinds, ['change!', 'change!'])
  assert.equal(outcome.summaries.slice(1), [
    'vlan50: take down, it is VLAN 50 of eno2',
    'bring up vlan50: no address, VLAN 50 of eno3',
  ])
  assert.equal(
    [linkNamed(outcome.links, 'vlan50')?.lower, linkNamed(outcome.links, 'vlan50')?.master],
    ['eno3', 'vmbr5'],
  )
  assert.ok(outcome.main.includes('  vlan_raw_device eno3\n'), outcome.main)
})

const BLOCKED: readonly (readonly [string, Node, Task, RegExp])[] = [
  ['no such card', {}, { name: 'eno9.5' }, /no interface eno9/],
  ['the name is that of a bridge', {}, { name: 'vmbr0', raw_device: 'eno2', id: 5 }, /not a VLAN \(bridge\)/],
  [
    'larger packets than the card',
    {},
    { name: 'eno2.5', mtu: 9000 },
    /MTU of 9000, and eno2, which carries it, has 1500/,
  ],
  [
    'twice',
    { links: [...UPLINK, vlan('storage', 'eno2', 5)] },
    { name: 'eno2.5' },
    /VLAN 5 of eno2 is there already as storage/,
  ],
  ['overlap', {}, { name: 'eno2.5', address: '192.168.1.77/24' }, /overlaps 192\.168\.1\.10\/24 of vmbr0/],
  ['Open vSwitch', { links: [...UPLINK, link('vmbr9', { kind: 'openvswitch' })] }, { name: 'vmbr9.5' }, /Open vSwitch/],
]
for (const [what, node, params, reason] of BLOCKED)
  test(`blocked, ${what}`, () => {
    const { kinds, reasons } = play(node, { vlan: params })
    assert.is(kinds[0], 'blocked')
    assert.match(reasons[0] ?? '', reason)
  })

test('absent: link and stanza go, unless something is built on it', () => {
  const gone = play({ main: HAND_MADE, links: HAND_MADE_LINKS }, { vlan: { name: 'vlan50', state: 'absent' } })
  assert.equal(gone.kinds, ['ok', 'change!', 'change'])
  assert.is(gone.main, MAIN)
  assert.is(linkNamed(gone.links, 'vlan50'), undefined)
  const used = play(
    { main: HAND_MADE.replace('bridge-ports eno1', 'bridge-ports eno1 vlan50'), links: HAND_MADE_LINKS },
    { vlan: { name: 'vlan50', state: 'absent' } },
  )
  assert.match(used.reasons[0] ?? '', /vmbr0 is built on vlan50/)
})

test.run()
