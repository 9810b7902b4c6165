import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { type Link, type LinkAddress, linkNamed } from '../../src/facts/links.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { fact, fileState } from '../helpers/model.ts'
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

const AWARE = { bridge: { stp: false, forwardDelay: 0, vlanAware: true } }

test('bridge: VLAN-aware, with the VLANs of its ports', () => {
  const { main, summaries, links, vlans } = play(
    {},
    { bridge: { name: 'vmbr1', ports: ['eno2'], vlan_aware: true, vids: [10, '20-30', 21] } },
  )
  assert.ok(main.includes('\tbridge-fd 0\n\tbridge-vlan-aware yes\n\tbridge-vids 10 20-30\n'), main)
  assert.equal(summaries.slice(1), [
    'bring up vmbr1: no address, ports eno2, VLAN-aware',
    'eno2: let VLANs 10 20-30 pass',
  ])
  assert.equal(linkNamed(links, 'vmbr1')?.bridge, AWARE.bridge)
  assert.equal(vlans, [
    {
      name: 'eno2',
      pvid: 1,
      vids: [
        { from: 1, to: 1 },
        { from: 10, to: 10 },
        { from: 20, to: 30 },
      ],
    },
  ])
})

test('bridge: a live one becomes VLAN-aware, and stops what it should not carry', () => {
  const node: Node = {
    main: WITH_INNER.replace('bridge-ports none', 'bridge-ports eno2'),
    links: [
      ...UPLINK.filter(({ name }) => name !== 'eno2'),
      link('eno2', { master: 'vmbr1' }),
      bridge('vmbr1', ['10.10.10.1/24']),
      link('tap100i0', { kind: 'tun', master: 'vmbr1' }),
    ],
    vlans: [
      { name: 'eno2', pvid: 1, vids: [{ from: 1, to: 7 }] },
      { name: 'tap100i0', pvid: 1, vids: [{ from: 1, to: 1 }] },
    ],
  }
  const { kinds, summaries, main } = play(node, { bridge: { name: 'vmbr1', vlan_aware: true, vids: '2-5 9' } })
  assert.equal(kinds, ['change!', 'change!', 'change!'])
  assert.equal(summaries.slice(1), [
    'vmbr1: VLAN-aware on; guests that tag frames themselves need a restart',
    'eno2: let VLANs 9 pass, stop VLANs 6-7',
  ])
  assert.ok(main.includes('\tbridge-vids 2-5 9\n'), main)
})

test('bridge: no longer VLAN-aware, which PVE reads from the mere line', () => {
  const main = WITH_INNER.replace('none\n', 'none\n\tbridge_vlan_aware no\n\tbridge-vids 2-4094\n')
  const outcome = play({ main, links: WITH_VMBR1 }, { bridge: { name: 'vmbr1', vlan_aware: false } })
  assert.is(outcome.main, WITH_INNER)
})

test('bridge: a second VLAN-aware one needs a setting of ifupdown2', () => {
  const main = WITH_INNER.replace('none\n', 'none\n\tbridge-vlan-aware yes\n')
  const conf = (text: string) => [fact(fileAt('/etc/network/ifupdown2/ifupdown2.conf'), fileState(text))]
  const task = { bridge: { name: 'vmbr2', vlan_aware: true } }
  const { reasons } = play({ main, more: conf('a=1\nmultiple_vlan_aware_bridge_support=0\n') }, task)
  assert.match(reasons[0] ?? '', /ifupdown2.*one VLAN-aware bridge.*vmbr1/)
  const { kinds } = play({ main, more: conf('multiple_vlan_aware_bridge_support=1\n') }, task)
  assert.equal(kinds, ['change', 'change', 'ok'])
})

test('bridge: an IPv6 address has a stanza of its own', () => {
  const both = { name: 'vmbr1', address: '10.10.10.1/24', address6: 'FD00:10::0001/64', comment: 'inner' }
  const { main, links } = play({}, { bridge: both })
  assert.ok(main.includes('\tbridge-fd 0\n#inner\n\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n\nsource'), main)
  assert.equal(
    linkNamed(links, 'vmbr1')?.addresses.map(({ cidr }) => cidr),
    ['10.10.10.1/24', 'fd00:10::1/64'],
  )
  assert.ok(links.routes.some(({ family, destination }) => family === 6 && destination === 'fd00:10::/64'))
})

test('bridge: an IPv6 address is added to, changed on and taken from a live one', () => {
  const ip6 = (cidr: string, scope = 'global') => ({ cidr, family: 6, scope }) as const
  const live = (...more: readonly LinkAddress[]) => [
    ...UPLINK,
    {
      ...bridge('vmbr1'),
      addresses: [{ cidr: '10.10.10.1/24', family: 4, scope: 'global' } as const, ip6('fe80::1/64', 'link'), ...more],
    },
  ]
  const added = play({ main: WITH_INNER, links: live() }, { bridge: { name: 'vmbr1', address6: 'fd00:10::1/64' } })
  assert.equal(added.kinds, ['change!', 'change!'])
  const INNER6 = WITH_INNER.replace('\nsource', '\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n\nsource')
  assert.is(added.main, INNER6)
  const links = live(ip6('fd00:10::1/64'))
  const changed = play({ main: INNER6, links }, { bridge: { name: 'vmbr1', address6: 'fd00:20::1/64' } })
  assert.equal(changed.summaries.slice(1), ['vmbr1: add address fd00:20::1/64', 'vmbr1: remove address fd00:10::1/64'])
  assert.is(changed.main, INNER6.replace('fd00:10::1', 'fd00:20::1'))
  const gone = play({ main: INNER6, links }, { bridge: { name: 'vmbr1', address6: 'none' } })
  assert.is(gone.main, WITH_INNER)
  assert.equal(gone.summaries.slice(1), ['vmbr1: remove address fd00:10::1/64'])
})

test('bridge: a VLAN among the ports that nothing describes is made, as ifupdown2 does at boot', () => {
  const task = { bridge: { name: 'vmbr1', ports: ['eno2.5'] } }
  const fresh = play({}, task)
  assert.equal(fresh.summaries.slice(1), ['eno2.5: VLAN 5 of eno2', 'bring up vmbr1: no address, ports eno2.5'])
  assert.is(linkNamed(fresh.links, 'eno2.5')?.master, 'vmbr1')
  const there = play({ main: WITH_INNER, links: WITH_VMBR1 }, task)
  assert.equal(there.summaries.slice(1), ['eno2.5: VLAN 5 of eno2', 'vmbr1: add port eno2.5'])
  assert.equal(linkNamed(there.links, 'eno2.5')?.vlan, { id: 5, protocol: '802.1Q' })
})

test('bridge: its MTU is in the first of two stanzas, as after a save in the web interface', () => {
  const task = { name: 'vmbr1', address: '10.10.10.1/24', address6: 'fd00:10::1/64', mtu: 1400 }
  const { main, links } = play({}, { bridge: task })
  const six = '\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n'
  assert.ok(main.includes(`\tmtu 1400\n${six}\n`), main)
  const twice = main.replace(six, `${six}\tmtu 1400\n`)
  assert.is(play({ main: twice, links: links.links }, { bridge: task }).main, twice, 'said twice does no harm')
  const unlike = main.replace(six, `${six}\tmtu 9000\n`)
  assert.is(play({ main: unlike, links: links.links }, { bridge: task }).main, twice, 'PVE reads the last one')
  const gone = play({ main: twice, links: links.links }, { bridge: { name: 'vmbr1', address6: 'none' } }).main
  assert.is(gone, main.replace(six, ''))
})

test('bridge: with IPv6 alone its one stanza is that of IPv6, as the web interface has it', () => {
  const six = `auto vmbr1
iface vmbr1 inet6 static
	address fd00:10::1/64
	bridge-ports none
	bridge-stp off
	bridge-fd 0
	ipv6-addrgen off
#six
`
  const task = { name: 'vmbr1', address6: 'fd00:10::1/64', link_local: false, comment: 'six' }
  const fresh = play({}, { bridge: task })
  assert.ok(fresh.main.includes(six), fresh.main)
  const manual = six.replace('inet6 static\n\taddress fd00:10::1/64\n', 'inet manual\n')
  const links = (addresses: readonly LinkAddress[]) => [
    ...UPLINK,
    { ...bridge('vmbr1'), noLinkLocal: true as const, addresses },
  ]
  const main = MAIN.replace('source', `${manual}\nsource`)
  assert.is(play({ main, links: links([]) }, { bridge: task }).main, main.replace(manual, six))
  const cidr = { cidr: 'fd00:10::1/64', family: 6, scope: 'global' } as const
  const before = { main: main.replace(manual, six), links: links([cidr]) }
  assert.is(play(before, { bridge: { name: 'vmbr1', address6: 'none' } }).main, main)
  const both = play(before, { bridge: { name: 'vmbr1', address: '10.10.10.1/24' } })
  assert.is(both.main, before.main.replace(six, `${six}\niface vmbr1 inet static\n\taddress 10.10.10.1/24\n`))
})

const SYSCTL_OF_VMBR1 = '/etc/sysctl.d/99-zz-pvectl-bridge-vmbr1.conf'

test('bridge: without any address of its own, not even a link-local one', () => {
  const more = [
    fact(fileAt('/etc/sysctl.d/99-zz-pvectl-bridge-dmz.conf'), { type: 'absent' } as const),
    fact(fileAt(SYSCTL_OF_VMBR1), { type: 'absent' } as const),
    fact(sysctlNamed('net.ipv6.conf.dmz.accept_ra'), undefined),
    fact(sysctlNamed('net.ipv6.conf.vmbr1.accept_ra'), '1'),
  ]
  const fresh = play({ more }, { bridge: { name: 'dmz', link_local: false } })
  assert.ok(fresh.main.includes('\tbridge-fd 0\n\tipv6-addrgen off\n'), fresh.main)
  assert.is(linkNamed(fresh.links, 'dmz')?.noLinkLocal, true)
  const links = [
    ...UPLINK,
    { ...bridge('vmbr1'), addresses: [{ cidr: 'fe80::1/64', family: 6, scope: 'link' } as const] },
  ]
  const main = WITH_INNER.replace('static\n\taddress 10.10.10.1/24', 'manual')
  const live = play({ main, links, more }, { bridge: { name: 'vmbr1', link_local: false } })
  assert.equal(live.summaries.slice(1, 2), ['vmbr1: no IPv6 link-local address'])
  assert.is(live.summaries.at(-1), 'vmbr1: believe no router advertisements, which guests may send')
  assert.equal(linkNamed(live.links, 'vmbr1')?.addresses, [])
  const back = play({ main: live.main, links: live.links.links }, { bridge: { name: 'vmbr1', link_local: true } })
  assert.is(back.main, main)
  const written = live.model.get(fileAt(SYSCTL_OF_VMBR1))
  assert.is(written.type, 'file')
  const left = { main: live.main, links: live.links.links, more: [fact(fileAt(SYSCTL_OF_VMBR1), written)] }
  const gone = play(left, { bridge: { name: 'vmbr1', state: 'absent' } })
  assert.is(gone.summaries.at(-1), `remove ${SYSCTL_OF_VMBR1}`)
  assert.is(gone.model.get(fileAt(SYSCTL_OF_VMBR1)).type, 'absent')
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
