import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeWayIn, wayIn } from '../../src/engine/way-in.ts'
import { type Arrival, arrivalRef } from '../../src/facts/arrival.ts'
import { authorizedKeysOf } from '../../src/facts/authorized-keys.ts'
import { becomes } from '../../src/facts/fact.ts'
import { type Link, linksRef } from '../../src/facts/links.ts'
import { ovsRef } from '../../src/facts/ovs.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { userNamed } from '../../src/facts/user.ts'
import { authorizedKeys } from '../../src/resources/authorized-keys.ts'
import { file } from '../../src/resources/file.ts'
import { parseKeyLine } from '../../src/resources/key-line.ts'
import type { PlanChange, Resource, Touches } from '../../src/resources/resource.ts'
import { unit } from '../../src/resources/unit.ts'
import { modelOf, unitState } from '../helpers/model.ts'
import {
  bridge,
  link,
  MAIN,
  modelOfNode,
  type Node,
  resourcesOf,
  type Task,
  UPLINK,
  WITH_INNER,
  WITH_VMBR1,
} from '../helpers/network-node.ts'

const test = suite('what a plan means for the connection')

const ARRIVAL: Arrival = {
  client: { address: '198.51.100.7', port: 50000 },
  server: { address: '192.168.1.10', port: 22 },
  back: { device: 'vmbr0', gateway: '192.168.1.1' },
}

/** What is said of the risky steps of a task on a node. */
function said(node: Node, task: Task, arrival: Arrival | 'none' = ARRIVAL): readonly string[] {
  let model = modelOfNode(node).with([becomes(arrivalRef, arrival === 'none' ? undefined : arrival)])
  return resourcesOf([task]).flatMap((resource) => {
    const plan = resource.plan(model)
    if (plan.kind !== 'change') return []
    const verdict = judgeWayIn(resource, plan, model)
    model = model.with(plan.after)
    return verdict === undefined ? [] : verdict.reasons.map((reason) => `${verdict.touches ? '!' : '-'} ${reason}`)
  })
}

const IN_FILE = '! changes vmbr0 in /etc/network/interfaces: this connection comes in by it'
const UNTOUCHED = '- does not touch the path of this connection (192.168.1.10 on vmbr0, eno1)'
const inner: Node = { main: WITH_INNER, links: WITH_VMBR1 }

const AWARE: Node = {
  main: MAIN.replace('bridge-fd 0', 'bridge-fd 0\n\tbridge-vlan-aware yes\n\tbridge-vids 10 20'),
  links: UPLINK.map((one) =>
    one.bridge === undefined ? one : { ...one, bridge: { ...one.bridge, vlanAware: true as const } },
  ),
  vlans: [{ name: 'eno1', pvid: 1, vids: [1, 10, 20].map((id) => ({ from: id, to: id })) }],
}
const SWITCHED: Node = {
  main: `auto eno1
iface eno1 inet manual
	ovs_type OVSPort
	ovs_bridge vmbr0

iface eno2 inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.168.1.10/24
	gateway 192.168.1.1
	ovs_type OVSBridge
	ovs_ports eno1
`,
  links: [
    link('eno1', { master: 'ovs-system' }),
    link('eno2', { up: false }),
    link('vmbr0', { kind: 'openvswitch', ip: ['192.168.1.10/24'] }),
  ],
  more: [
    becomes(packageNamed('openvswitch-switch'), { installed: true, version: '3.1.0' }),
    becomes(unitNamed('openvswitch-switch.service'), unitState()),
    becomes(ovsRef, {
      available: true,
      bridges: [{ name: 'vmbr0', ports: ['eno1', 'vmbr0'] }],
      ports: [
        { name: 'eno1', interfaces: ['eno1'], options: {}, type: '' },
        { name: 'vmbr0', interfaces: ['vmbr0'], options: {}, type: 'internal' },
      ],
    }),
  ],
}

const cases: readonly [string, Node, Task, readonly string[]][] = [
  [
    'its address goes',
    {},
    { bridge: { name: 'vmbr0', address: '192.168.1.11/24' } },
    [IN_FILE, '! removes 192.168.1.10/24 from vmbr0: this connection comes in on it'],
  ],
  [
    'its port goes',
    {},
    { bridge: { name: 'vmbr0', ports: [] } },
    [IN_FILE, '! takes port eno1 out of vmbr0: it carries this connection'],
  ],
  [
    'a further port, which may be a loop',
    {},
    { bridge: { name: 'vmbr0', ports: ['eno1', 'eno2'] } },
    [IN_FILE, '! puts eno2 into vmbr0, which carries this connection'],
  ],
  [
    'VLANs are told apart from now on',
    {},
    { bridge: { name: 'vmbr0', vlan_aware: true } },
    [IN_FILE, '! changes vmbr0, which carries this connection'],
  ],
  [
    'VLANs of its port are stopped, and those of another bridge',
    AWARE,
    { bridge: { name: 'vmbr0', vlan_aware: true, vids: [10] } },
    [IN_FILE, '! stops VLANs 20 on eno1, which carries this connection'],
  ],
  [
    'spanning tree comes on, and ports wait',
    {},
    { bridge: { name: 'vmbr0', stp: true, fd: 4 } },
    [IN_FILE, '! changes vmbr0, which carries this connection'],
  ],
  [
    'a bond of Open vSwitch in the place of its card',
    SWITCHED,
    { ovs_bond: { name: 'bond0', bridge: 'vmbr0', slaves: ['eno1', 'eno2'] } },
    [
      '! changes vmbr0, eno1 in /etc/network/interfaces: this connection comes in by it',
      '! moves port eno1 from vmbr0 to bond0: it carries this connection',
    ],
  ],
  [
    'its port in Open vSwitch gets a VLAN',
    SWITCHED,
    { ovs_port: { name: 'eno1', bridge: 'vmbr0', tag: 5 } },
    [
      '! changes eno1 in /etc/network/interfaces: this connection comes in by it',
      '! changes eno1, which carries this connection',
    ],
  ],
  ['another bridge', inner, { bridge: { name: 'vmbr1', address: '10.10.11.1/24' } }, [UNTOUCHED, UNTOUCHED]],
  [
    'a network that holds the client',
    inner,
    { bridge: { name: 'vmbr1', address: '198.51.100.1/24' } },
    [UNTOUCHED, '! 198.51.100.1/24 on vmbr1: answers to 198.51.100.7 would leave there'],
  ],
  ['no risk, nothing to say', {}, { interface_comment: { name: 'vmbr0', comment: 'x' } }, []],
]
for (const [name, node, task, expected] of cases) test(name, () => assert.equal(said(node, task), expected))

test('outside SSH nobody can say', () => {
  assert.equal(said({}, { bridge: { name: 'vmbr0', ports: [] } }, 'none'), [])
})

test('the path goes down through bridges, VLANs and bonds, and leaves guests out', () => {
  const links: Link[] = [
    link('eno1', { master: 'bond0' }),
    link('eno2', { master: 'bond0' }),
    link('bond0', { kind: 'bond' }),
    link('bond0.5', { kind: 'vlan', lower: 'bond0', master: 'vmbr0' }),
    link('tap100i0', { master: 'vmbr0' }),
    link('fwpr101p0', { master: 'vmbr0' }),
    bridge('vmbr0', ['192.168.1.10/24']),
    bridge('vmbr1'),
  ]
  assert.equal(wayIn(ARRIVAL, { links, routes: [] }).links, ['vmbr0', 'bond0.5', 'bond0', 'eno1', 'eno2'])
})

const STEP: Resource = { kind: 'odd', key: 'odd:1', title: 'odd', reads: [], plan: () => ({ kind: 'ok' }) }

function judge(resource: Resource, plan: Partial<PlanChange>, links = UPLINK) {
  const model = modelOfNode({ links }).with([becomes(arrivalRef, ARRIVAL)])
  const whole = { kind: 'change', changes: [], after: [], risk: 'link', ...plan } as unknown as PlanChange
  return judgeWayIn(resource, whole, model)
}

test('a step that says what it touches is held against the path; of one that says nothing, nothing is said', () => {
  const touching = (touches: Touches) => judge(STEP, { touches })
  assert.equal(touching({ links: ['eno1'] })?.reasons, ['eno1 carries this connection'])
  assert.equal(touching({ addresses: ['192.168.1.10/24'] })?.reasons, ['this connection comes in on 192.168.1.10/24'])
  assert.equal(touching({ ports: [22] })?.reasons, ['this connection uses port 22'])
  assert.is(touching({ links: ['eno7'], ports: [8006], addresses: ['10.0.0.1'] })?.touches, false)
  assert.is(judge(STEP, {}), undefined)
})

test('links that go down, change or vanish, and another default route', () => {
  const becoming = (links: readonly Link[], routes = modelOfNode({}).get(linksRef).routes) =>
    judge(STEP, { after: [becomes(linksRef, { links, routes })] })
  const edited = (name: string, more: Partial<Link>) =>
    UPLINK.map((one) => (one.name === name ? { ...one, ...more } : one))
  assert.equal(becoming(edited('eno1', { up: false }))?.reasons, ['sets eno1 down, which carries this connection'])
  assert.equal(becoming(edited('vmbr0', { mtu: 9000 }))?.reasons, [
    'changes the MTU of vmbr0 to 9000: it carries this connection',
  ])
  assert.equal(becoming(UPLINK.filter(({ name }) => name !== 'vmbr0'))?.reasons, [
    'vmbr0 goes, which carries this connection',
  ])
  assert.equal(becoming(UPLINK, [])?.reasons, ['changes the default route, by which answers reach 198.51.100.7'])
  assert.is(becoming(edited('eno2', { up: false }))?.touches, false)
})

test('keys that are taken away, of the user who logged in or of another', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU'
  const resource = authorizedKeys({
    user: 'root',
    state: 'absent',
    exclusive: false,
    keys: [parseKeyLine(key)].filter((line) => line !== undefined),
  })
  const verdict = (user: string | undefined) => {
    const model = modelOfNode({}).with([
      becomes(arrivalRef, { ...ARRIVAL, ...(user === undefined ? {} : { user }) }),
      becomes(userNamed('root'), {
        exists: true,
        uid: 0,
        gecos: '',
        home: '/root',
        shell: '/bin/bash',
        locked: false,
        groups: [],
      }),
      becomes(authorizedKeysOf('root'), {
        home: '/root',
        real: '/root/.ssh/authorized_keys',
        content: Buffer.from(`${key}\n`),
        mode: '0600',
      }),
    ])
    const plan = resource.plan(model)
    return plan.kind === 'change' ? judgeWayIn(resource, plan, model) : undefined
  }
  assert.equal(verdict('root'), {
    touches: true,
    reasons: ['takes keys of root away: this connection logged in as root, perhaps by one of them'],
  })
  assert.equal(verdict('ada'), {
    touches: false,
    reasons: ['does not touch the path of this connection (logged in as ada)'],
  })
  assert.is(verdict(undefined), undefined, 'nobody can say')
})

test('sshd and the firewall, by file and by unit', () => {
  const planned = (resource: Resource) => {
    const model = modelOfNode({}).with([
      becomes(arrivalRef, ARRIVAL),
      ...resource.reads.map((ref) => becomes(ref, ref.kind.name === 'unit' ? unitState() : { type: 'absent' })),
    ])
    const plan = resource.plan(model)
    return plan.kind === 'change' ? judgeWayIn(resource, plan, model)?.reasons.join('; ') : undefined
  }
  const content = Buffer.from('x\n')
  assert.match(planned(file({ path: '/etc/ssh/sshd_config.d/a.conf', content })) ?? '', /^sshd on port 22/)
  assert.match(planned(file({ path: '/root/.ssh/authorized_keys', content })) ?? '', /^sshd on port 22.*new logins/)
  assert.match(
    planned(file({ path: '/etc/pve/firewall/cluster.fw', content })) ?? '',
    /198\.51\.100\.7 reaches 192\.168\.1\.10 port 22/,
  )
  assert.match(planned(file({ path: '/etc/network/interfaces.d/x', content })) ?? '', /all links depend on it/)
  assert.match(planned(unit({ unit: 'ssh.service', running: false })) ?? '', /^sshd on port 22/)
  assert.match(planned(unit({ unit: 'nftables.service', running: false })) ?? '', /^firewall/)
  assert.is(modelOf().has(arrivalRef), false)
})

test.run()
