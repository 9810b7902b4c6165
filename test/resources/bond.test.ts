import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { BondState } from '../../src/facts/link-kinds.ts'
import { type Link, linkNamed } from '../../src/facts/links.ts'
import {
  bridge,
  link,
  MAIN,
  type Node,
  type Outcome,
  play,
  resourcesOf,
  type Task,
  UPLINK,
} from '../helpers/network-node.ts'

const test = suite('bonds: plans')

const CARDS = [...UPLINK, link('eno3')]
const BACKUP: BondState = { mode: 'active-backup', miimon: 100, hashPolicy: 'layer2' }
const LACP: BondState = { mode: '802.3ad', miimon: 100, hashPolicy: 'layer2', lacpRate: 'slow' }

const script = ({ plans }: Outcome, at: number): string => {
  const plan = plans[at]
  return plan?.kind === 'change' ? plan.script.display : ''
}

test('a new one: the stanza as PVE writes it, before the bridges; slaves come up of their own', () => {
  const { kinds, main, links, summaries } = play(
    { links: CARDS },
    {
      bond: {
        name: 'bond0',
        slaves: ['eno2', 'eno3'],
        mode: '802.3ad',
        hash_policy: 'layer2+3',
        lacp_rate: 'fast',
        mtu: 9000,
        comment: 'to both switches',
      },
    },
  )
  assert.equal(kinds, ['change', 'change'])
  assert.ok(
    main.includes(`iface eno1 inet manual

auto eno2
iface eno2 inet manual

auto eno3
iface eno3 inet manual

auto bond0
iface bond0 inet manual
	bond-slaves eno2 eno3
	bond-miimon 100
	bond-mode 802.3ad
	bond-xmit-hash-policy layer2+3
	mtu 9000
	bond-lacp-rate fast
#to both switches

auto vmbr0
`),
    main,
  )
  assert.equal(linkNamed(links, 'bond0')?.bond, { ...LACP, hashPolicy: 'layer2+3', lacpRate: 'fast' })
  assert.equal(linkNamed(links, 'eno3')?.master, 'bond0')
  assert.is(summaries.at(-1), 'bring up bond0: no address, 802.3ad, slaves eno2 eno3')
})

test('active-backup is what a new one gets, with the slave that is preferred', () => {
  const plain = play({ links: CARDS }, { bond: { name: 'bond0', slaves: ['eno2', 'eno3'] } })
  assert.ok(plain.main.includes('\tbond-miimon 100\n\tbond-mode active-backup\n\n'), plain.main)
  const preferred = play(
    { links: CARDS },
    { bond: { name: 'bond0', slaves: ['eno2', 'eno3'], mode: 'active-backup', primary: 'eno3' } },
  )
  assert.ok(preferred.main.includes('\tbond-mode active-backup\n\tbond-primary eno3\n'), preferred.main)
  assert.is(linkNamed(preferred.links, 'bond0')?.bond?.primary, 'eno3')
})

test('under a new bridge, and with VLANs on it', () => {
  const { kinds, main, links } = play(
    { links: CARDS },
    { bond: { name: 'bond0', slaves: ['eno2', 'eno3'], mtu: 9000 } },
    { bridge: { name: 'vmbr1', ports: ['bond0'], vlan_aware: true, mtu: 9000 } },
    { vlan: { name: 'bond0.50', address: '10.50.0.1/24' } },
  )
  assert.equal(kinds, Array(7).fill('change'))
  assert.is(linkNamed(links, 'bond0')?.master, 'vmbr1')
  assert.ok(main.indexOf('auto bond0.50') < main.indexOf('auto vmbr0'), main)
  assert.not.match(main, /iface bond0 inet manual\n\n/)
})

const MOVE = {
  bond: { name: 'bond0', slaves: ['eno1', 'eno2'], mode: 'active-backup', primary: 'eno1', bridge: 'vmbr0' },
}

test('vmbr0 is moved from its card to a bond: one write, one step, the cards never beside the bond', () => {
  const outcome = play({}, MOVE)
  assert.equal(outcome.kinds, ['change!', 'change!'])
  assert.equal(outcome.summaries, [
    'add bond bond0',
    'create bond0: active-backup',
    'bond0: add slave eno2',
    'vmbr0: add port bond0 instead of eno1',
  ])
  assert.ok(outcome.main.includes('\tbridge-ports bond0\n'), outcome.main)
  assert.ok(outcome.main.includes('auto eno1\niface eno1 inet manual\n\nauto eno2\n'), outcome.main)
  const { links } = outcome
  assert.equal(
    ['eno1', 'eno2', 'bond0'].map((name) => linkNamed(links, name)?.master),
    ['bond0', 'bond0', 'vmbr0'],
  )
  assert.equal(linkNamed(links, 'bond0')?.bond, { ...BACKUP, primary: 'eno1' })
  const lines = script(outcome, 1).split('\n')
  const at = (text: string) => lines.findIndex((line) => line.startsWith(text))
  const order = [
    'ip link set bond0 address',
    'ip link set eno2 master bond0',
    'ip link set eno1 nomaster',
    'ip link set bond0 master vmbr0',
    'ip link set eno1 master bond0',
    'ip link set bond0 type bond primary eno1',
  ].map(at)
  assert.ok(
    order.every((place, i) => place > (order[i - 1] ?? -1)),
    `${order}\n${lines.join('\n')}`,
  )
})

test('the move keeps packets large, VLANs passing, and other ports in place', () => {
  const main = MAIN.replace('iface eno1 inet manual', 'iface eno1 inet manual\n\tmtu 9000').replace(
    'bridge-ports eno1\n\tbridge-stp off\n\tbridge-fd 0',
    'bridge-ports eno9 eno1 eno8\n\tbridge-stp off\n\tbridge-fd 0\n\tbridge-vlan-aware yes\n\tbridge-vids 2-99',
  )
  const links = [
    link('eno1', { master: 'vmbr0', mtu: 9000 }),
    link('eno2'),
    link('eno8', { master: 'vmbr0' }),
    link('eno9', { master: 'vmbr0' }),
    bridge('vmbr0', ['192.168.1.10/24'], { bridge: { stp: false, forwardDelay: 0, vlanAware: true } }),
  ]
  const outcome = play({ main, links }, MOVE)
  assert.equal(outcome.kinds, ['change!', 'change!'])
  assert.ok(outcome.main.includes('\tbridge-ports eno9 bond0 eno8\n'), outcome.main)
  assert.ok(outcome.main.includes('\tbond-primary eno1\n\tmtu 9000\n'), outcome.main)
  assert.is(linkNamed(outcome.links, 'eno2')?.mtu, 9000)
  assert.equal(outcome.vlans, [{ name: 'bond0', pvid: 1, vids: [{ from: 1, to: 99 }] }])
})

const BONDED = MAIN.replace(
  'auto vmbr0',
  'auto bond0\niface bond0 inet manual\n  bond_mode 1\n  bond_miimon 100\n  slaves eno2 eno3\n\nauto vmbr0',
).replace('auto bond0', 'auto eno2\niface eno2 inet manual\n\nauto eno3\niface eno3 inet manual\n\nauto bond0')
const BONDED_LINKS: readonly Link[] = [
  ...UPLINK.filter(({ name }) => name !== 'eno2'),
  link('eno2', { master: 'bond0' }),
  link('eno3', { master: 'bond0' }),
  link('eno4'),
  link('bond0', { kind: 'bond', bond: BACKUP }),
]
const SLAVES = { name: 'bond0', slaves: ['eno3', 'eno2'] }

test('one made by hand is adopted: only what ifupdown2 does not read is spelled anew', () => {
  const outcome = play({ main: BONDED, links: BONDED_LINKS }, { bond: { ...SLAVES, mode: 'active-backup' } })
  assert.is(outcome.main, BONDED.replace('  slaves', '  bond-slaves'))
  assert.equal(outcome.kinds, ['change!', 'ok'])
  const again = play({ main: outcome.main, links: BONDED_LINKS }, { bond: { ...SLAVES, mode: 'active-backup' } })
  assert.equal(again.kinds, ['ok', 'ok'])
})

const LIVE: readonly (readonly [string, Task, readonly string[]])[] = [
  ['mode', { ...SLAVES, mode: '802.3ad' }, ['bond0: mode active-backup → 802.3ad']],
  [
    'mode and what goes with it',
    { ...SLAVES, mode: '802.3ad', lacp_rate: 'fast', hash_policy: 'layer3+4' },
    [
      'bond0: mode active-backup → 802.3ad',
      'bond0: xmit_hash_policy layer2 → layer3+4',
      'bond0: LACP rate slow → fast',
    ],
  ],
  ['primary', { ...SLAVES, mode: 'active-backup', primary: 'eno2' }, ['bond0: primary none → eno2']],
  ['slaves', { name: 'bond0', slaves: ['eno2', 'eno4'] }, ['bond0: add slave eno4', 'bond0: remove slave eno3']],
  ['cables looked at less often', { name: 'bond0', miimon: 200 }, ['bond0: miimon 100 → 200']],
  ['larger packets', { name: 'bond0', mtu: 9000 }, ['bond0: mtu 1500 → 9000']],
]
for (const [what, params, expected] of LIVE)
  test(`a live one, ${what}`, () => {
    const { summaries, kinds } = play({ main: BONDED, links: BONDED_LINKS }, { bond: params })
    assert.is(kinds[1], 'change!')
    assert.equal(summaries.slice(1), expected)
  })

test('what another mode does not know goes from the file', () => {
  const main = BONDED.replace('bond_mode 1', 'bond_mode 4').replace(
    '  slaves',
    '  bond-xmit-hash-policy layer2+3\n  bond-lacp-rate 1\n  bond-slaves',
  )
  const links = BONDED_LINKS.map((one) =>
    one.name === 'bond0' ? { ...one, bond: { ...LACP, lacpRate: 'fast' } } : one,
  )
  const outcome = play({ main, links }, { bond: { name: 'bond0', mode: 'balance-alb' } })
  assert.ok(outcome.main.includes('  bond_mode balance-alb\n  bond_miimon 100\n  bond-slaves'), outcome.main)
})

test('taken down for a moment, routes and addresses come back', () => {
  const links = BONDED_LINKS.map((one) => (one.name === 'bond0' ? { ...one, bond: LACP } : one))
  const main = BONDED.replace('bond_mode 1', 'bond_mode 802.3ad')
  const outcome = play({ main, links }, { bond: { name: 'bond0', mode: '802.3ad', lacp_rate: 'fast' } })
  assert.match(
    script(outcome, 1),
    /pv_r4=.*\n.*\nip link set bond0 down\nip link set bond0 type bond lacp_rate fast\nip link set bond0 up\n/,
  )
})

const BLOCKED: readonly (readonly [string, Node, Task, RegExp])[] = [
  ['slave in a bridge', {}, { slaves: ['eno1', 'eno2'] }, /eno1 is plugged into vmbr0, which would lose it to bond0/],
  [
    'slave of another bond',
    { main: BONDED, links: BONDED_LINKS },
    { name: 'bond1', slaves: ['eno2'] },
    /eno2 is a port of bond0/,
  ],
  [
    'slave with an address',
    { links: [...UPLINK, link('eno3', { ip: ['10.5.0.1/24'] })] },
    { slaves: ['eno3'] },
    /eno3 has an address of its own/,
  ],
  ['no such card', {}, { slaves: ['eno7'] }, /no interface eno7/],
  ['a bridge as slave', { links: [...UPLINK, bridge('vmbr5')] }, { slaves: ['vmbr5'] }, /vmbr5 cannot be a slave/],
  [
    'VLANs on a slave',
    { links: [...UPLINK, link('eno2.5', { kind: 'vlan', lower: 'eno2' })] },
    { slaves: ['eno2'] },
    /eno2\.5 is built on eno2/,
  ],
  [
    'an address for a port of a bridge',
    { main: BONDED.replace('bridge-ports eno1', 'bridge-ports bond0'), links: BONDED_LINKS },
    { address: '10.5.0.1/24' },
    /bond0 is a port of vmbr0, so it can have no address/,
  ],
  [
    'an address of its own, as a port of a bridge',
    { main: BONDED.replace(/(iface bond0 inet) manual/, '$16 static\n\taddress fd00::1/64'), links: BONDED_LINKS },
    { bridge: 'vmbr0' },
    /bond0 has the address fd00::1\/64, which it would lose as a port of vmbr0/,
  ],
  ['no slaves for a new one', {}, {}, /new bond needs slaves/],
  ['no such bridge', {}, { slaves: ['eno2'], bridge: 'vmbr7' }, /no bridge vmbr7/],
  [
    'smaller packets than a VLAN on it',
    { main: BONDED, links: [...BONDED_LINKS, link('bond0.5', { kind: 'vlan', lower: 'bond0' })] },
    { mtu: 1400 },
    /bond0\.5, which is built on it, has 1500/,
  ],
]
for (const [what, node, params, reason] of BLOCKED)
  test(`blocked, ${what}`, () => {
    const { kinds, reasons } = play(node, { bond: { name: 'bond0', ...params } })
    assert.is(kinds[0], 'blocked')
    assert.match(reasons[0] ?? '', reason)
  })

test('absent: unless a bridge needs it', () => {
  const gone = play({ main: BONDED, links: BONDED_LINKS }, { bond: { name: 'bond0', state: 'absent' } })
  assert.equal(gone.kinds, ['ok', 'change!', 'change'])
  assert.is(linkNamed(gone.links, 'eno2')?.master, undefined)
  const used = play(
    { main: BONDED.replace('bridge-ports eno1', 'bridge-ports bond0'), links: BONDED_LINKS },
    { bond: { name: 'bond0', state: 'absent' } },
  )
  assert.match(used.reasons[0] ?? '', /vmbr0 is built on bond0/)
})

test('a mode that gives frames of guests other MAC addresses is told, once the bond is under a bridge', () => {
  const told = (ports: readonly string[]) => {
    const tasks = [
      { bond: { name: 'bond0', slaves: ['eno2', 'eno3'], mode: 'balance-alb' } },
      { bridge: { name: 'vmbr1', ports } },
    ]
    const { model } = play({ links: CARDS }, ...tasks)
    return resourcesOf(tasks).flatMap((resource) => resource.notices?.(model) ?? [])
  }
  assert.equal(told([]), [])
  assert.match(told(['bond0']).join(), /^bond0 is a port of vmbr1 in mode balance-alb, .*; active-backup needs/)
})

test.run()
