import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Link, linkNamed } from '../../src/facts/links.ts'
import {
  bridge,
  link,
  MAIN,
  type Node,
  play,
  SPEC,
  type Task,
  UPLINK,
  WITH_INNER,
  WITH_VMBR1,
} from '../helpers/network-node.ts'

const test = suite('bridges: plans')

const BRIDGE = { bridge: { name: 'vmbr1', address: '10.10.10.1/24', comment: 'Internal network' } }

test('bridge: brought up from its stanza; ports that carry the default route are a risk', () => {
  const { kinds, links } = play({}, { bridge: { name: 'vmbr1', ports: ['eno2'] } })
  assert.equal(kinds, ['change', 'change'])
  assert.is(linkNamed(links, 'eno2')?.master, 'vmbr1')
})

test('bridge: a NIC that becomes a port gets its own stanza, as in PVE', () => {
  const { main } = play({}, { bridge: { name: 'vmbr1', ports: ['eno2'] } })
  assert.ok(main.includes('iface eno1 inet manual\n\niface eno2 inet manual\n\nauto vmbr0\n'), main)
})

const LIVE: readonly (readonly [string, Task, readonly Link[], readonly string[]])[] = [
  ['as described', {}, WITH_VMBR1, []],
  ['down', {}, [...UPLINK, bridge('vmbr1', ['10.10.10.1/24'], { up: false })], ['vmbr1: set up']],
  ['without address', {}, [...UPLINK, bridge('vmbr1')], ['vmbr1: add address 10.10.10.1/24']],
  [
    'another address',
    {},
    [...UPLINK, bridge('vmbr1', ['10.77.0.1/24', '10.10.99.9/32'])],
    ['vmbr1: add address 10.10.10.1/24', 'vmbr1: remove address 10.77.0.1/24'],
  ],
  ['one address more', {}, [...UPLINK, bridge('vmbr1', ['10.10.10.1/24', '10.77.0.1/24'])], []],
  [
    'spanning tree and delay',
    { stp: true, fd: 4 },
    WITH_VMBR1,
    ['vmbr1: forward delay 0 → 4 s', 'vmbr1: spanning tree on'],
  ],
  [
    'ports of guests stay',
    { ports: ['eno2'] },
    [
      ...UPLINK.filter(({ name }) => name !== 'eno2'),
      link('eno2'),
      bridge('vmbr1', ['10.10.10.1/24']),
      link('eno3', { master: 'vmbr1' }),
      ...['tap100i0', 'veth101i0', 'fwpr102p0', 'fwln103i1'].map((name) =>
        link(name, { kind: 'tun', master: 'vmbr1' }),
      ),
    ],
    ['vmbr1: add port eno2', 'vmbr1: remove port eno3'],
  ],
]

for (const [what, more, links, expected] of LIVE)
  test(`bridge: a live one, ${what}`, () => {
    const { summaries, plans } = play(
      { main: WITH_INNER, links },
      { bridge: { name: 'vmbr1', address: '10.10.10.1/24', ...more } },
    )
    assert.equal(
      summaries.filter((summary) => summary.startsWith('vmbr1: ')),
      expected,
    )
    for (const plan of plans) {
      if (plan.kind !== 'change') continue
      assert.not.match(plan.script.display, /ifreload|ifup|ifdown/)
    }
  })

test('bridge: a comment alone is no risk to the link, a new address is', () => {
  const node = { main: WITH_INNER, links: WITH_VMBR1 }
  assert.equal(play(node, BRIDGE).kinds, ['change', 'ok'])
  assert.equal(play(node, { bridge: { name: 'vmbr1', address: '10.20.0.1/24' } }).kinds, ['change!', 'change!'])
})

const BLOCKED: readonly (readonly [string, Node, Task, RegExp])[] = [
  ['overlap with a live link', {}, { address: '192.168.1.200/24' }, /overlaps 192\.168\.1\.10\/24 of vmbr0/],
  [
    'overlap with another stanza',
    { main: WITH_INNER.replaceAll('vmbr1', 'vmbr2') },
    { address: '10.10.0.1/16' },
    /overlaps 10\.10\.10\.1\/24 of vmbr2/,
  ],
  ['no such port', {}, { ports: ['eno9'] }, /no interface eno9/],
  ['port of another bridge', {}, { ports: ['eno1'] }, /eno1 is a port of vmbr0/],
  [
    'port with an address',
    { links: [...UPLINK.filter(({ name }) => name !== 'eno2'), link('eno2', { ip: ['10.5.0.1/24'] })] },
    { ports: ['eno2'] },
    /eno2 has an address/,
  ],
  ['not a bridge', { links: [...UPLINK, link('vmbr1', { kind: 'dummy' })] }, {}, /not a bridge \(dummy\)/],
  [
    'several addresses in the file',
    { main: WITH_INNER.replace('\tbridge-ports none', '\taddress 10.11.0.1/24\n\tbridge-ports none') },
    { address: '10.12.0.1/24' },
    /several addresses/,
  ],
  ['DHCP', { main: WITH_INNER.replace('vmbr1 inet static', 'vmbr1 inet dhcp') }, { address: '10.12.0.1/24' }, /DHCP/],
  [
    'a gateway that would be out of reach',
    { main: WITH_INNER.replace('\tbridge-ports none', '\tgateway 10.10.10.254\n\tbridge-ports none') },
    { address: '10.12.0.1/24' },
    /gateway 10\.10\.10\.254/,
  ],
  [
    'a VLAN that carries less',
    { links: [...UPLINK, link('eno2.5', { kind: 'vlan', lower: 'eno2' })] },
    { ports: ['eno2.5'], mtu: 9000 },
    /MTU of 9000, and eno2\.5, which carries it, has 1500/,
  ],
  [
    'slave of a bond',
    { main: MAIN.replace('source', 'auto bond0\niface bond0 inet manual\n\tbond_slaves eno2\n\nsource') },
    { ports: ['eno2'] },
    /eno2 is a port of bond0/,
  ],
  [
    'IPv6 overlap',
    { main: MAIN.replace('source', 'iface vmbr0 inet6 static\n\taddress fd00::1/56\n\nsource') },
    { address6: 'fd00:0:0:7::1/64' },
    /fd00:0:0:7::1\/64 of vmbr1 overlaps fd00::1\/56 of vmbr0/,
  ],
  ['Open vSwitch', { main: WITH_INNER.replace('bridge-ports none', 'ovs_type OVSBridge') }, {}, /Open vSwitch/],
]

for (const [what, node, params, reason] of BLOCKED)
  test(`bridge: blocked, ${what}`, () => {
    const { kinds, reasons } = play(node, { bridge: { name: 'vmbr1', ...params } })
    assert.is(kinds[0], 'blocked')
    assert.match(reasons[0] ?? '', reason)
  })

test('bridge: an MTU raises the cards among its ports, in the file too, and no more', () => {
  const { main, summaries, links } = play({}, { bridge: { name: 'vmbr1', ports: ['eno2'], mtu: 9000 } })
  assert.ok(main.includes('iface eno2 inet manual\n\tmtu 9000\n'), main)
  assert.ok(main.includes('\tbridge-fd 0\n\tmtu 9000\n'), main)
  assert.equal(summaries.slice(1), ['eno2: mtu 1500 → 9000', 'bring up vmbr1: no address, ports eno2'])
  assert.equal([linkNamed(links, 'eno2')?.mtu, linkNamed(links, 'vmbr1')?.mtu], [9000, 9000])
  const small = play({}, { bridge: { name: 'vmbr1', ports: ['eno2'], mtu: 1400 } })
  assert.ok(small.main.includes('iface eno2 inet manual\n\nauto'), small.main)
})

test('bridge: cards that join one of larger packets are raised, and what cannot be is refused as PVE would', () => {
  const main = WITH_INNER.replace('fd 0\n\nsource', 'fd 0\n\tmtu 9000\n\nsource')
  const cards = play({ main, links: WITH_VMBR1 }, { bridge: { name: 'vmbr1', ports: ['eno2'] } })
  assert.ok(cards.main.includes('iface eno2 inet manual\n\tmtu 9000\n'), cards.main)
  assert.is(linkNamed(cards.links, 'eno2')?.mtu, 9000)
  const { reasons } = play({ main, links: WITH_VMBR1 }, { bridge: { name: 'vmbr1', ports: ['eno2.5'] } })
  assert.match(reasons[0] ?? '', /vmbr1 would have an MTU of 9000 .*, and eno2\.5, which carries it, 1500: PVE refuses/)
  const bonded = main
    .replace('none\n', 'bond0\n')
    .replace(
      'auto vmbr1',
      'auto bond0\niface bond0 inet manual\n\tbond-slaves eno2\n\tbond-mode active-backup\n\tmtu 9000\n\nauto vmbr1',
    )
  const bond0 = link('bond0', { kind: 'bond', bond: { mode: 'active-backup', miimon: 100 }, mtu: 9000 } as never)
  const lowered = play({ main: bonded, links: [...UPLINK, bond0] }, { bond: { name: 'bond0', mtu: 1400 } })
  assert.match(lowered.reasons[0] ?? '', /vmbr1 would have an MTU of 9000 .*, and bond0, which carries it, 1400/)
})

test('bridge: names by the version of PVE', () => {
  const task = { bridge: { name: 'customers' } }
  assert.equal(play({ pve: '8.0.3' }, task).kinds, ['change', 'change'])
  assert.match(play({ pve: '7.4-16' }, task).reasons[0] ?? '', /PVE 7\.4-16 knows bridges only as vmbr0 to vmbr9999/)
})

test('bridge: single addresses of a hoster overlap on purpose', () => {
  const main = MAIN.replace('iface eno1 inet manual', 'iface eno1 inet static\n\taddress 203.0.113.7/26').replace(
    'bridge-ports eno1',
    'bridge-ports none',
  )
  assert.equal(play({ main }, { bridge: { name: 'vmbr1', address: '203.0.113.7/32' } }).kinds, ['change', 'change'])
})

test('bridge absent: rules first, then the link, then the stanza; other rules stay', () => {
  const main = WITH_INNER.replace(
    'bridge-fd 0\n\nsource',
    `bridge-fd 0\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n\nsource`,
  )
  const rules = [SPEC, '-s 10.99.0.0/16 -o vmbr0 -j MASQUERADE', SPEC]
  const outcome = play({ main, links: WITH_VMBR1, rules }, { bridge: { name: 'vmbr1', state: 'absent' } })
  assert.equal(outcome.kinds, ['change', 'change!', 'change', 'ok'])
  assert.is(outcome.main, MAIN)
  assert.equal(outcome.nat, ['-s 10.99.0.0/16 -o vmbr0 -j MASQUERADE'])
  assert.is(linkNamed(outcome.links, 'vmbr1'), undefined)
  assert.equal(play({}, { bridge: { name: 'vmbr1', state: 'absent' } }).kinds, ['ok', 'ok', 'ok', 'ok'])
})

const KEPT: readonly (readonly [string, Node, string, RegExp])[] = [
  [
    'guests',
    { main: WITH_INNER, links: [...WITH_VMBR1, link('tap100i0', { master: 'vmbr1', kind: 'tun' })] },
    'vmbr1',
    /guests.*tap100i0/,
  ],
  ['the default route', {}, 'vmbr0', /default route/],
  [
    'a VLAN on it',
    { main: WITH_INNER.replace('source', 'iface vmbr1.5 inet manual\n\nsource'), links: WITH_VMBR1 },
    'vmbr1',
    /vmbr1\.5 is built on vmbr1/,
  ],
]

for (const [what, node, name, reason] of KEPT)
  test(`bridge absent: blocked by ${what}`, () => {
    const { kinds, reasons } = play(node, { bridge: { name, state: 'absent' } })
    assert.equal(kinds, ['blocked', 'blocked', 'blocked', 'ok'])
    assert.match(reasons[0] ?? '', reason)
  })

test.run()
