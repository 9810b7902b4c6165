import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { linkNamed } from '../../src/facts/links.ts'
import { fact, fileState } from '../helpers/model.ts'
import { bridge, link, type Node, play, UPLINK, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('bridges: VLANs')

const MULTIPLE = 'multiple_vlan_aware_bridge_support=1\n'
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

const VIDS_10_20 = [1, 10, 20].map((id) => ({ from: id, to: id }))
const TRUNK: Node = {
  main: WITH_INNER.replace('bridge-ports none', 'bridge-ports eno2')
    .replace('bridge-fd 0\n\nsource', 'bridge-fd 0\n\tbridge-vlan-aware yes\n\tbridge-vids 10 20\n\nsource')
    .replace('source', 'iface eno3 inet manual\n\nsource'),
  links: [
    ...UPLINK.filter(({ name }) => name !== 'eno2'),
    link('eno2', { master: 'vmbr1' }),
    link('eno3'),
    bridge('vmbr1', ['10.10.10.1/24'], AWARE),
  ],
  vlans: [{ name: 'eno2', pvid: 1, vids: [...VIDS_10_20, { from: 99, to: 99 }] }],
}

test('bridge: a further port carries the VLANs of the file, also where the task does not speak of VLANs', () => {
  const { summaries, vlans } = play(TRUNK, { bridge: { name: 'vmbr1', ports: ['eno2', 'eno3'] } })
  assert.equal(summaries.slice(1), ['vmbr1: add port eno3', 'eno3: let VLANs 10 20 pass'])
  assert.equal(vlans.find(({ name }) => name === 'eno2')?.vids.at(-1), { from: 99, to: 99 })
  assert.equal(play(TRUNK, { bridge: { name: 'vmbr1', comment: 'x' } }).summaries, ['edit bridge vmbr1'])
})

test('bridge: a port that comes from another bridge has left its VLANs there', () => {
  const main = TRUNK.main?.replace('10 20', '10')
  const links = [...(TRUNK.links ?? []), bridge('vmbr2', [], AWARE)]
  const { summaries, vlans } = play(
    {
      ...TRUNK,
      links,
      more: [fact(fileAt('/etc/network/ifupdown2/ifupdown2.conf'), fileState(MULTIPLE))],
      ...(main ? { main } : {}),
    },
    { bridge: { name: 'vmbr1', ports: [] } },
    { bridge: { name: 'vmbr2', ports: ['eno2'], vlan_aware: true, vids: [10, 20] } },
  )
  assert.ok(summaries.includes('eno2: let VLANs 10 20 pass'), summaries.join('\n'))
  assert.equal(vlans.find(({ name }) => name === 'eno2')?.vids, VIDS_10_20)
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

test('bridge: a VLAN among the ports that nothing describes is made, as ifupdown2 does at boot', () => {
  const task = { bridge: { name: 'vmbr1', ports: ['eno2.5'] } }
  const fresh = play({}, task)
  assert.equal(fresh.summaries.slice(1), ['eno2.5: VLAN 5 of eno2', 'bring up vmbr1: no address, ports eno2.5'])
  assert.is(linkNamed(fresh.links, 'eno2.5')?.master, 'vmbr1')
  const there = play({ main: WITH_INNER, links: WITH_VMBR1 }, task)
  assert.equal(there.summaries.slice(1), ['eno2.5: VLAN 5 of eno2', 'vmbr1: add port eno2.5'])
  assert.equal(linkNamed(there.links, 'eno2.5')?.vlan, { id: 5, protocol: '802.1Q' })
})

test.run()
