import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AdoptView, LeftOver } from '../../src/adopt/adopter.ts'
import { interfacesAdopter } from '../../src/adopt/adopters/interfaces.ts'
import { natAdopter } from '../../src/adopt/adopters/nat.ts'
import { Chooser, expandFindings } from '../../src/adopt/choose.ts'
import { plainParams } from '../../src/adopt/expand.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import {
  bridge,
  INNER,
  link,
  MAIN,
  modelOfNode,
  type Node,
  SPEC,
  UPLINK,
  WITH_INNER,
  WITH_VMBR1,
} from '../helpers/network-node.ts'

const test = suite('adopt: network')

interface Adopted {
  /** Active tasks by type. */
  readonly tasks: readonly (readonly [string, unknown])[]
  /** Commented ones. */
  readonly suggested: readonly (readonly [string, unknown])[]
  readonly left: string
}

function adopt(node: Node): Adopted {
  const view: AdoptView = { host: 'node1', model: modelOfNode(node) }
  const leftOvers: LeftOver[] = []
  const chooser = new Chooser(view.model)
  const choices = [interfacesAdopter, natAdopter].map((adopter) => {
    const found = adopter.adopt(view)
    leftOvers.push(...found.leftOvers)
    return chooser.choose(expandFindings(found.findings, { host: 'node1', registry: taskTypes, template: () => '' }))
  })
  const shown = (task: Parameters<typeof plainParams>[0] & { readonly type: string }) =>
    [task.type, plainParams(task)] as const
  return {
    tasks: choices.flatMap(({ tasks }) => tasks.map(shown)),
    suggested: choices.flatMap(({ suggestions }) => suggestions.flatMap(({ tasks }) => tasks.map(shown))),
    left: [...choices.flatMap((choice) => choice.leftOvers), ...leftOvers]
      .map(({ what, why }) => `${what}: ${why}`)
      .join('\n'),
  }
}

const VMBR0 = ['bridge', { name: 'vmbr0', address: '192.168.1.10/24', ports: ['eno1'] }] as const

test('bridges as the web interface writes them', () => {
  const { tasks, left } = adopt({ main: WITH_INNER, links: WITH_VMBR1 })
  assert.equal(tasks, [VMBR0, ['bridge', { name: 'vmbr1', address: '10.10.10.1/24', ports: [] }]])
  assert.is(left, '`gateway 192.168.1.1` of vmbr0: `bridge` has no parameter for it; it stays in the stanza')
})

test('comments of bridges and cards; one that holds a secret is left', () => {
  const main = `${MAIN.replace('inet manual\n', 'inet manual\n#Uplink\n')}${INNER}#password: geheim\n`
  const { tasks, left } = adopt({ main, links: WITH_VMBR1 })
  assert.equal(tasks[0], ['interface_comment', { name: 'eno1', comment: 'Uplink' }])
  assert.equal(tasks[2]?.[1], { name: 'vmbr1', address: '10.10.10.1/24', ports: [] })
  assert.not.match(JSON.stringify(tasks) + left, 'geheim')
})

const GUARDED = `	post-up iptables -t nat -C POSTROUTING ${SPEC} 2>/dev/null || iptables -t nat -A POSTROUTING ${SPEC}
	post-down iptables -t nat -D POSTROUTING ${SPEC} || true
`
const MASQUERADE = { source: '10.10.10.0/24', out: 'vmbr0' }

test('NAT in order is a task, and in a guide’s way it is one that leaves the hooks as they are', () => {
  const tidy = adopt({ main: `${MAIN}${INNER}${GUARDED}`, links: WITH_VMBR1, rules: [SPEC] })
  assert.equal(tidy.tasks.at(-1), ['masquerade', MASQUERADE])
  const hook = `	post-up iptables -t nat -A POSTROUTING ${SPEC}\n`
  const guide = adopt({ main: `${MAIN}${INNER}${hook}`, links: WITH_VMBR1, rules: [SPEC, SPEC] })
  assert.equal(guide.tasks.at(-1), ['masquerade', { ...MASQUERADE, hooks: 'as_written' }])
  assert.match(guide.left, 'one guarded hook for 10.10.10.0/24')
})

test('other hooks, live rules without a hook, and links of other kinds are named', () => {
  const main = `${MAIN}${INNER}	up ip route add 10.9.0.0/16 via 10.10.10.2\n\tup curl -H "Authorization: Bearer 0123456789"\n
auto wg0
iface wg0 inet static
	address 10.8.0.1/24
`
  const { left } = adopt({
    main,
    links: [...WITH_VMBR1, bridge('br9')],
    rules: ['-s 10.66.0.0/24 -o vmbr0 -j MASQUERADE'],
  })
  for (const expected of [
    'no task describes `up ip route add 10.9.0.0/16 via 10.10.10.2`',
    'wg0 (network card): no task describes `iface wg0 inet static` with address 10.8.0.1/24',
    'br9 (bridge): it is there live, and /etc/network/interfaces has no stanza of it',
    'iptables -t nat -A POSTROUTING -s 10.66.0.0/24 -o vmbr0 -j MASQUERADE: the rule is live',
  ])
    assert.ok(left.includes(expected), `${expected}\n${left}`)
  assert.not.match(left, '0123456789')
})

test('bonds and VLANs', () => {
  const main = `auto bond0
iface bond0 inet manual
	bond-slaves eno1 eno2
	bond-miimon 100
	bond-mode 1
	bond-primary eno1

${MAIN.replace('bridge-ports eno1', 'bridge-ports bond0').replace('iface eno1', 'auto eno1\niface eno1')}
auto eno2
iface eno2 inet manual

auto bond0.50
iface bond0.50 inet static
	address 10.50.0.1/24
#Storage
`
  const bond = { mode: 'active-backup', slaves: ['eno1', 'eno2'], primary: 'eno1', miimon: 100 }
  const links = [
    link('lo', { ip: ['127.0.0.1/8'] }),
    link('eno1', { master: 'bond0' }),
    link('eno2', { master: 'bond0' }),
    link('bond0', {
      kind: 'bond',
      master: 'vmbr0',
      bond: { mode: 'active-backup', miimon: 100, primary: 'eno1' },
    } as object),
    bridge('vmbr0', ['192.168.1.10/24']),
    link('bond0.50', {
      kind: 'vlan',
      lower: 'bond0',
      ip: ['10.50.0.1/24'],
      vlan: { id: 50, protocol: '802.1q' },
    } as object),
  ]
  const { tasks, suggested } = adopt({ main, links })
  const all = [...tasks, ...suggested]
  assert.equal(
    all.find(([type]) => type === 'bond'),
    ['bond', { name: 'bond0', ...bond }],
  )
  assert.equal(
    all.find(([type]) => type === 'vlan'),
    ['vlan', { name: 'bond0.50', address: '10.50.0.1/24', comment: 'Storage' }],
  )
})

test('of a bond whose cards are not started by themselves, the cards are left', () => {
  const main = `${MAIN}
auto bond0
iface bond0 inet manual
	bond-slaves eno2
	bond-mode 1
	bond-miimon 100
#Two
`
  const links = [
    ...UPLINK.map((each) => (each.name === 'eno2' ? { ...each, master: 'bond0' } : each)),
    link('bond0', { kind: 'bond', bond: { mode: 'active-backup', miimon: 100 } } as object),
  ]
  const { tasks, left } = adopt({ main, links })
  assert.equal(
    tasks.find(([type]) => type === 'bond'),
    ['bond', { name: 'bond0', mode: 'active-backup', miimon: 100, comment: 'Two' }],
  )
  assert.match(left, 'cards of bond0: pvectl would change it')
})

test('Open vSwitch', () => {
  const main = `auto vmbr2
iface vmbr2 inet manual
	ovs_type OVSBridge
	ovs_ports bond1 vlan50

auto bond1
iface bond1 inet manual
	ovs_bonds eno3 eno4
	ovs_type OVSBond
	ovs_bridge vmbr2
	ovs_options bond_mode=balance-tcp lacp=active trunks=5,7 other_config:lacp-time=fast

auto vlan50
iface vlan50 inet static
	address 10.50.0.1/24
	ovs_type OVSIntPort
	ovs_bridge vmbr2
	ovs_options tag=50
	ovs_extra set interface vlan50
`
  const { findings } = interfacesAdopter.adopt({ host: 'node1', model: modelOfNode({ main: main, links: UPLINK }) })
  const tasks = findings.flatMap(({ ways: [first] }) => first.tasks)
  for (const task of tasks) {
    const type = taskTypes.find(({ name }) => name === task.type)
    assert.ok(type?.params.safeParse(plainParams(task)).success, task.type)
  }
  assert.equal(
    tasks.map((task) => [task.type, plainParams(task)]),
    [
      ['ovs_bridge', { name: 'vmbr2' }],
      [
        'ovs_bond',
        {
          name: 'bond1',
          bridge: 'vmbr2',
          slaves: ['eno3', 'eno4'],
          mode: 'lacp-balance-tcp',
          lacp_rate: 'fast',
          trunks: [5, 7],
        },
      ],
      ['ovs_int_port', { name: 'vlan50', bridge: 'vmbr2', tag: 50, address: '10.50.0.1/24' }],
    ],
  )
  assert.equal(
    findings.at(-1)?.ways[0].leaves?.map(({ what }) => what),
    ['`ovs_extra set interface vlan50` of vlan50'],
  )
})

test('a node without the file', () => {
  const { tasks, left } = adopt({ main: '', links: UPLINK })
  assert.equal(tasks, [])
  assert.match(left, 'vmbr0 (bridge): it is there live')
})

test.run()
