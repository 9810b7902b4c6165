import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Link, linkNamed, linksRef } from '../../src/facts/links.ts'
import { EMPTY_OVS, ovsRef } from '../../src/facts/ovs.ts'
import { networkResources } from '../../src/rollback/network.ts'
import { fact } from '../helpers/model.ts'
import { bridge, link, MAIN, type Node, play, type Task, UPLINK } from '../helpers/network-node.ts'

const test = suite('networks taken back, links of every kind')

const CARDS: readonly Link[] = [...UPLINK, link('eno3')]

/** Plays tasks, then takes the file and the links back to what they were. */
function thereAndBack(tasks: readonly Task[], node: Node = {}) {
  const links = node.links ?? CARDS
  const start: Node = { links, more: [fact(ovsRef, EMPTY_OVS)], ...node }
  const there = play(start, ...tasks)
  assert.ok(
    there.kinds.every((kind) => !['blocked', 'unknown'].includes(kind)),
    there.reasons.join('\n'),
  )
  const now = Buffer.from(there.main)
  const before = Buffer.from(node.main ?? MAIN)
  let model = there.model
  const summaries: string[] = []
  for (const resource of networkResources({ now, before, force: false, pendingReturns: false })) {
    const plan = resource.plan(model)
    assert.ok(plan.kind === 'ok' || plan.kind === 'change', `${resource.title}: ${JSON.stringify(plan)}`)
    if (plan.kind !== 'change') continue
    model = model.with(plan.after)
    assert.is(resource.plan(model).kind, 'ok', resource.title)
    summaries.push(...plan.changes.map(({ summary }) => summary))
  }
  const end = model.get(linksRef)
  for (const { name, master, addresses, mtu, kind } of links) {
    const back = linkNamed(end, name)
    const now = back && { master: back.master, addresses: back.addresses, mtu: back.mtu, kind: back.kind }
    assert.equal(now, { master, addresses, mtu, kind }, name)
  }
  assert.equal(
    end.links.map(({ name }) => name).filter((name) => linkNamed({ links, routes: [] }, name) === undefined),
    [],
    'nothing else is left',
  )
  return summaries
}

test('vmbr0 from its bond back to its card', () => {
  const summaries = thereAndBack([
    { bond: { name: 'bond0', slaves: ['eno1', 'eno2'], mode: 'active-backup', primary: 'eno1', bridge: 'vmbr0' } },
  ])
  assert.equal(summaries, ['take bond0 down and remove it', 'edit /etc/network/interfaces', 'vmbr0: add port eno1'])
})

test('VLANs on cards, bonds and bridges go from the top', () => {
  const summaries = thereAndBack([
    { bond: { name: 'bond0', slaves: ['eno2', 'eno3'] } },
    { vlan: { name: 'bond0.5' } },
    { vlan: { name: 'bond0.5.7' } },
    { bridge: { name: 'vmbr5', ports: ['bond0.5.7'], address: '10.5.0.1/24' } },
    { vlan: { name: 'vmbr5.9' } },
  ])
  assert.equal(
    summaries.filter((summary) => summary.includes('remove it')).map((summary) => summary.split(' ')[1]),
    ['bond0.5.7', 'bond0.5', 'vmbr5.9', 'bond0', 'vmbr5'],
  )
})

const BONDED = MAIN.replace(
  'auto vmbr0',
  'auto bond0\niface bond0 inet manual\n\tbond-slaves eno2 eno3\n\tbond-miimon 100\n\tbond-mode active-backup\n\tbond-primary eno2\n\nauto storage\niface storage inet static\n\taddress 10.50.0.1/24\n\tvlan-id 50\n\tvlan-raw-device bond0\n\nauto vmbr0',
)
const BONDED_LINKS: readonly Link[] = [
  ...UPLINK.filter(({ name }) => name !== 'eno2'),
  link('eno2', { master: 'bond0' }),
  link('eno3', { master: 'bond0' }),
  link('bond0', { kind: 'bond', bond: { mode: 'active-backup', miimon: 100, hashPolicy: 'layer2', primary: 'eno2' } }),
  link('storage', { kind: 'vlan', lower: 'bond0', vlan: { id: 50, protocol: '802.1Q' }, ip: ['10.50.0.1/24'] }),
]

test('what was changed or taken away comes back: modes, numbers, addresses, whole bonds', () => {
  const node = { main: BONDED, links: BONDED_LINKS }
  const changed = thereAndBack(
    [
      { bond: { name: 'bond0', mode: '802.3ad', hash_policy: 'layer3+4' } },
      { vlan: { name: 'storage', raw_device: 'bond0', id: 51, address: '10.51.0.1/24' } },
    ],
    node,
  )
  assert.ok(changed.includes('bond0: mode 802.3ad → active-backup'), changed.join('\n'))
  assert.ok(changed.includes('bring up storage: 10.50.0.1/24, VLAN 50 of bond0'), changed.join('\n'))
  const gone = thereAndBack(
    [{ vlan: { name: 'storage', state: 'absent' } }, { bond: { name: 'bond0', state: 'absent' } }],
    node,
  )
  assert.equal(gone.slice(1), [
    'bring up bond0: no address, active-backup, slaves eno2 eno3',
    'bring up storage: 10.50.0.1/24, VLAN 50 of bond0',
  ])
})

test('what a bridge has besides', () => {
  const main = MAIN.replace('auto vmbr0', 'auto vmbr1\niface vmbr1 inet manual\n\tbridge-ports none\n\nauto vmbr0')
  const summaries = thereAndBack([{ bridge: { name: 'vmbr1', vlan_aware: true, mtu: 1400, address6: 'fd00::1/64' } }], {
    main,
    links: [...CARDS, bridge('vmbr1')],
  })
  for (const part of ['VLAN-aware off', 'mtu 1400 → 1500', 'remove address fd00::1/64'])
    assert.ok(
      summaries.some((summary) => summary.includes(part)),
      `${part}\n${summaries.join('\n')}`,
    )
})

test.run()
