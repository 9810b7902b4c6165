import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { linkNamed } from '../../src/facts/links.ts'
import { tunnelPeers, tunnelPeersFact } from '../../src/facts/tunnel-peers.ts'
import { vxlanTask } from '../../src/tasks/vxlan.ts'
import { fact } from '../helpers/model.ts'
import { link, MAIN, type Node, play, type Task, UPLINK } from '../helpers/network-node.ts'
import { paramProblems } from '../helpers/param-problems.ts'

const test = suite('VXLAN tunnels: plans')

const PEERS = ['192.168.1.10', '192.168.1.11', '192.168.1.12']
const VXLAN = { name: 'vxlan100', id: 100, peers: PEERS }
const sending = (...peers: string[]) => [fact(tunnelPeers('vxlan100'), peers)]
const STANZA = `auto vxlan100
iface vxlan100 inet manual
	vxlan-id 100
	vxlan-remoteip 192.168.1.11
	vxlan-remoteip 192.168.1.12
	mtu 1450
`
const WRITTEN = MAIN.replace('source', `${STANZA}\nsource`)
const tunnel = (more = {}) => link('vxlan100', { kind: 'vxlan', mtu: 1450, vxlan: { id: 100, port: 4789 }, ...more })

test('a new one, under a bridge: the node itself is left out of the list', () => {
  const { kinds, main, links, summaries } = play(
    { more: sending() },
    { vxlan: VXLAN },
    { bridge: { name: 'vmbr5', ports: ['vxlan100'] } },
  )
  assert.equal(kinds, ['change', 'change', 'change', 'change'])
  assert.ok(main.includes(`\n\n${STANZA}\nsource`), main)
  assert.equal(summaries.slice(1, 4), [
    'bring up vxlan100: no address, VXLAN 100',
    'vxlan100: send to 192.168.1.11',
    'vxlan100: send to 192.168.1.12',
  ])
  assert.equal([linkNamed(links, 'vxlan100')?.master, linkNamed(links, 'vmbr5')?.mtu], ['vmbr5', 1450])
})

test('a second run changes nothing; a node that comes or goes is a line and an entry', () => {
  const node: Node = { main: WRITTEN, links: [...UPLINK, tunnel()], more: sending('192.168.1.11', '192.168.1.12') }
  assert.equal(play(node, { vxlan: VXLAN }).kinds, ['ok', 'ok'])
  const moved = play(node, { vxlan: { ...VXLAN, peers: ['192.168.1.12', '192.168.1.13'] } })
  assert.equal(moved.summaries.slice(1), ['vxlan100: send to 192.168.1.13', 'vxlan100: no longer send to 192.168.1.11'])
  assert.ok(moved.main.includes('\tvxlan-remoteip 192.168.1.12\n\tvxlan-remoteip 192.168.1.13\n\tmtu'), moved.main)
})

test('another network: made anew, and plugged in again', () => {
  const links = [...UPLINK, tunnel({ vxlan: { id: 7, port: 4789 }, master: 'vmbr0' })]
  const outcome = play(
    { main: WRITTEN.replace('id 100', 'id 7'), links, more: sending('192.168.1.9') },
    { vxlan: VXLAN },
  )
  assert.equal(outcome.kinds, ['change!', 'change!'])
  assert.is(linkNamed(outcome.links, 'vxlan100')?.master, 'vmbr0')
  assert.is(outcome.summaries[1], 'vxlan100: take down, it is VXLAN 7')
})

const BLOCKED: readonly (readonly [string, Node, Task, RegExp])[] = [
  ['the number is taken', { main: WRITTEN.replaceAll('vxlan100', 'other') }, {}, /other carries VXLAN 100 already/],
  ['too large for what is below', {}, { mtu: 1500 }, /do not fit.*vmbr0, which leads to 192\.168\.1\.11, carries 1500/],
  [
    'too large behind the default route',
    {},
    { peers: ['203.0.113.5'], mtu: 1460 },
    /vmbr0, which leads to 203\.0\.113\.5/,
  ],
  ['nobody but itself', {}, { peers: ['192.168.1.10'] }, /nobody to send to/],
]
for (const [what, node, params, reason] of BLOCKED)
  test(`blocked, ${what}`, () =>
    assert.match(play({ more: sending(), ...node }, { vxlan: { ...VXLAN, ...params } }).reasons[0] ?? '', reason))

test('a VLAN-aware bridge takes no tunnel', () => {
  const { reasons } = play(
    { links: [...UPLINK, tunnel()] },
    { bridge: { name: 'vmbr5', ports: ['vxlan100'], vlan_aware: true } },
  )
  assert.match(reasons[0] ?? '', /vxlan100 is a VXLAN tunnel, and vmbr5 tells VLANs apart/)
})

test('absent', () => {
  const gone = play(
    { main: WRITTEN, links: [...UPLINK, tunnel()], more: sending() },
    { vxlan: { name: 'vxlan100', state: 'absent' } },
  )
  assert.is(gone.main, MAIN)
})

test('far ends as bridge(8) prints them', () => {
  const rows = [
    { mac: '00:00:00:00:00:00', dst: '10.0.0.2', flags: ['self'] },
    { mac: 'aa:bb:cc:dd:ee:ff', dst: '10.0.0.3' },
    { mac: '00:00:00:00:00:00', dst: '10.0.0.1' },
    { mac: '33:33:00:00:00:01' },
  ]
  const output = Buffer.from(`mark\n${JSON.stringify(rows)}\nmark\n`)
  assert.equal(tunnelPeersFact.parse(output, ['a', 'b'], 'mark'), [['10.0.0.1', '10.0.0.2'], []])
})

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [{ name: 'engineering', id: 5, peers: ['192.0.2.1'] }, /^name: engineering is what PVE takes for a card or bond/],
  [{ name: 'bond1', id: 5, peers: ['192.0.2.1'] }, /^name: bond1 is what PVE takes for a card or bond/],
  [{ ...VXLAN, name: 'vx.100' }, /^name: /],
  [{ ...VXLAN, id: 0 }, /^id: /],
  [{ ...VXLAN, id: 16777215 }, /^id: /],
  [{ ...VXLAN, peers: ['fd00::1'] }, /^peers\.0: must be an IPv4 address/],
  [{ ...VXLAN, peers: ['10.0.0.1', '10.0.0.1'] }, /^peers: names an address twice/],
  [{ name: 'vxlan100', peers: PEERS }, /does not say which network/],
  [{ name: 'vxlan100', id: 100 }, /does not say whom/],
]
for (const [params, expected] of WRONG)
  test(`wrong: ${JSON.stringify(params)}`, () => assert.match(paramProblems(vxlanTask, params).join('\n'), expected))

test('the example is right, and every parameter is described', () => {
  assert.equal(paramProblems(vxlanTask, parse(vxlanTask.example).vxlan), [])
  const { shape } = vxlanTask.params as unknown as { shape: Record<string, { description?: string }> }
  for (const [name, field] of Object.entries(shape)) assert.ok(field.description, name)
})

test.run()
