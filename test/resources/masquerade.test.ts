import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linkNamed } from '../../src/facts/links.ts'
import { natRef } from '../../src/facts/nat.ts'
import { fact } from '../helpers/model.ts'
import {
  bridge,
  INNER,
  modelOfNode,
  type Node,
  play,
  resourcesOf,
  SPEC,
  WITH_INNER,
  WITH_VMBR1,
} from '../helpers/network-node.ts'

const test = suite('masquerading: plans')

const BRIDGE = { bridge: { name: 'vmbr1', address: '10.10.10.1/24', comment: 'Internal network' } }
const MASQUERADE = { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } }
const COMMENT = { interface_comment: { name: 'vmbr0', comment: 'External network' } }

test('a fresh node: the whole of it is foreseen, and nothing cuts the link', () => {
  const { kinds, main, nat, links } = play({}, COMMENT, BRIDGE, MASQUERADE)
  assert.equal(kinds, ['change', 'change', 'change', 'change', 'change'])
  assert.ok(main.includes('\tbridge-fd 0\n#External network\n\nauto vmbr1\n'))
  assert.ok(
    main.endsWith(`${INNER}	post-up iptables -t nat -C POSTROUTING ${SPEC} 2>/dev/null || iptables -t nat -A POSTROUTING ${SPEC}
	post-down iptables -t nat -D POSTROUTING ${SPEC} || true
#Internal network

source /etc/network/interfaces.d/*
`),
  )
  assert.equal(nat, [SPEC])
  assert.equal(
    linkNamed(links, 'vmbr1')?.addresses.map(({ cidr }) => cidr),
    ['10.10.10.1/24'],
  )
  assert.ok(links.routes.some(({ destination, devices }) => destination === '10.10.10.0/24' && devices[0] === 'vmbr1'))
})

const RULES: readonly (readonly [string, Node, readonly string[]])[] = [
  ['none', {}, [SPEC]],
  ['three equal ones', { rules: [SPEC, SPEC, SPEC] }, [SPEC]],
  ['another spelling', { rules: ['-s 10.10.10.0/24 ! -d 10.10.10.0/24 -o vmbr0 -j MASQUERADE'] }, [SPEC]],
  ['SNAT before', { rules: ['-s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source 192.168.1.10'] }, [SPEC]],
  ['a wider network', { rules: ['-s 10.10.0.0/16 -o vmbr0 -j MASQUERADE', SPEC] }, [SPEC]],
  [
    'a wider network that serves another bridge',
    { rules: ['-s 10.0.0.0/8 -o vmbr0 -j MASQUERADE'], links: [...WITH_VMBR1, bridge('vmbr2', ['10.30.0.1/24'])] },
    ['-s 10.0.0.0/8 -o vmbr0 -j MASQUERADE', SPEC],
  ],
  ['a network that is gone', { rules: ['-s 10.77.0.0/24 -o vmbr0 -j MASQUERADE'] }, [SPEC]],
  [
    'a network that the node routes',
    {
      rules: ['-s 10.77.0.0/24 -o vmbr0 -j MASQUERADE'],
      routes: [{ family: 4, destination: '10.77.0.0/24', devices: ['vmbr1'], gateway: '10.10.10.7' }],
    },
    ['-s 10.77.0.0/24 -o vmbr0 -j MASQUERADE', SPEC],
  ],
  [
    'a network that a sourced file names',
    {
      rules: ['-s 10.77.0.0/24 -o vmbr0 -j SNAT --to-source 192.168.1.10'],
      sourced: {
        '/etc/network/interfaces.d/sdn':
          "iface x\n\tpost-up iptables -t nat -A POSTROUTING -s '10.77.0.0/24' -o vmbr0 -j SNAT --to-source 192.168.1.10\n",
      },
    },
    ['-s 10.77.0.0/24 -o vmbr0 -j SNAT --to-source 192.168.1.10', SPEC],
  ],
  [
    'through another interface, or with conditions',
    { rules: ['-s 10.77.0.0/24 -o eno2 -j MASQUERADE', '-s 10.77.0.0/24 -o vmbr0 -p tcp -j MASQUERADE'] },
    ['-s 10.77.0.0/24 -o eno2 -j MASQUERADE', '-s 10.77.0.0/24 -o vmbr0 -p tcp -j MASQUERADE', SPEC],
  ],
]

for (const [what, node, expected] of RULES)
  test(`masquerade: ${what}`, () => {
    const { nat } = play({ main: WITH_INNER, links: WITH_VMBR1, ...node }, MASQUERADE)
    assert.equal([...nat].sort(), [...expected].sort())
  })

test('masquerade: a leftover goes with its reason', () => {
  const { summaries } = play(
    { main: WITH_INNER, links: WITH_VMBR1, rules: ['-s 10.77.0.0/24 -o vmbr0 -j MASQUERADE'] },
    MASQUERADE,
  )
  assert.ok(
    summaries.includes(
      'remove -s 10.77.0.0/24 -o vmbr0 -j MASQUERADE (left over: the node has no other way to 10.77.0.0/24 than by vmbr0, and no hook sets this rule)',
    ),
    summaries.join('\n'),
  )
})

test('a hairpin of the former network does not keep its NAT', () => {
  const hairpin = '-s 10.77.0.0/24 -d 10.77.0.0/24 -m conntrack --ctstate DNAT -j MASQUERADE'
  const main = WITH_INNER.replace(
    'bridge-fd 0\n\nsource',
    `bridge-fd 0\n\tpost-up iptables -t nat -A POSTROUTING ${hairpin}\n\nsource`,
  )
  const { nat } = play(
    { main, links: WITH_VMBR1, rules: ['-s 10.77.0.0/24 -o vmbr0 -j MASQUERADE', hairpin] },
    MASQUERADE,
  )
  assert.equal(nat, [hairpin, SPEC])
})

test('a bridge gets another network: address, rule and hooks follow in one run', () => {
  const main = WITH_INNER.replace(
    'bridge-fd 0\n\nsource',
    `bridge-fd 0\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n\nsource`,
  )
  const { nat, main: after } = play(
    {
      main,
      links: WITH_VMBR1,
      rules: [SPEC],
      routes: [{ family: 4, destination: '10.10.10.0/24', devices: ['vmbr1'] }],
    },
    { bridge: { name: 'vmbr1', address: '10.20.0.1/24' } },
    { masquerade: { source: '10.20.0.0/24', out: 'vmbr0' } },
  )
  assert.equal(nat, ['-s 10.20.0.0/24 -o vmbr0 -j MASQUERADE'])
  assert.not.match(after, /10\.10\.10/)
})

test('a stanza whose link is missing: what ifup makes of its hooks is foreseen', () => {
  const main = WITH_INNER.replace(
    'bridge-fd 0\n\nsource',
    `bridge-fd 0\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n\nsource`,
  )
  const { kinds, nat } = play(
    { main, rules: [SPEC] },
    { bridge: { name: 'vmbr1', address: '10.10.10.1/24' } },
    MASQUERADE,
  )
  assert.equal(kinds, ['ok', 'change', 'change', 'change'])
  assert.equal(nat, [SPEC])
})

test('masquerade: two networks on one bridge, the second routed by a guest, get along', () => {
  const main = WITH_INNER.replace(
    'bridge-fd 0\n\nsource',
    'bridge-fd 0\n\tup ip route add 10.99.0.0/16 via 10.10.10.7\n\nsource',
  )
  const second = { masquerade: { source: '10.99.0.0/16', out: 'vmbr0', bridge: 'vmbr1' } }
  const { nat, main: after } = play({ main, links: WITH_VMBR1 }, MASQUERADE, second)
  assert.equal(nat, [SPEC, '-s 10.99.0.0/16 -o vmbr0 -j MASQUERADE'])
  assert.is(after.match(/-A POSTROUTING/g)?.length, 2)
})

test('masquerade: SNAT, and nothing at all', () => {
  const node = { main: WITH_INNER, links: WITH_VMBR1, rules: [SPEC] }
  const snat = play(node, { masquerade: { source: '10.10.10.0/24', out: 'vmbr0', snat: { to: '192.168.1.10' } } })
  assert.equal(snat.nat, ['-s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source 192.168.1.10'])
  const absent = { masquerade: { source: '10.10.10.0/24', out: 'vmbr0', state: 'absent' } }
  const gone = play({ ...node, main: play(node, MASQUERADE).main }, absent)
  assert.equal(gone.nat, [])
  assert.is(gone.main, WITH_INNER)
})

test('masquerade: blocked without a holder, without the interface, by hooks in other files, without iptables', () => {
  assert.match(play({}, MASQUERADE).reasons[0] ?? '', /no interface .* has an address in 10\.10\.10\.0\/24/)
  const typo = { masquerade: { source: '10.10.10.0/24', out: 'vmbrO' } }
  assert.match(play({ main: WITH_INNER }, typo).reasons[0] ?? '', /no interface vmbrO/)
  const sourced = { '/etc/network/interfaces.d/x': `iface x\n\tup iptables -t nat -A POSTROUTING ${SPEC}\n` }
  assert.match(play({ main: WITH_INNER, sourced }, MASQUERADE).reasons[0] ?? '', /interfaces\.d\/x has a hook/)
  const none = modelOfNode({ main: WITH_INNER }).with([fact(natRef, { available: false, reason: 'no iptables' })])
  const [rule] = resourcesOf([MASQUERADE])
  assert.is(rule?.plan(none).kind, 'blocked')
})

test.run()
