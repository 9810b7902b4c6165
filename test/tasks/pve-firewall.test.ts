import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { factKey } from '../../src/facts/fact.ts'
import { Model } from '../../src/facts/model.ts'
import type { Plan, PlanChange } from '../../src/resources/resource.ts'
import { pveFirewallClusterTask } from '../../src/tasks/pve-firewall-cluster.ts'
import { pveFirewallGuestTask } from '../../src/tasks/pve-firewall-guest.ts'
import { pveFirewallHostTask } from '../../src/tasks/pve-firewall-host.ts'
import { ParamProblem, type TaskType } from '../../src/tasks/task-type.ts'
import { hostContext } from '../helpers/host-context.ts'
import { NOW, planChange, summaries } from '../helpers/model.ts'
import { arrivalFrom, type FirewallNode, firewallNode } from '../helpers/pve-firewall-node.ts'

const test = suite('pve_firewall_cluster, _host, _guest')

const INVENTORY = {
  hosts: {
    pve1: { address: '10.0.0.1', vars: { corosync_address: '10.9.0.1' } },
    pve2: { address: '10.0.0.2', vars: { corosync_address: '10.9.0.2/24' } },
    web: { address: 'web.example.org', vars: {} },
  },
  groups: { pve: ['pve1', 'pve2'], web: ['web'] },
}

function resource(type: TaskType, params: unknown) {
  const host = { ...hostContext(), inventory: INVENTORY }
  const [one] = type.resources(type.params.parse(params), host)
  if (one === undefined) throw new Error('no resource')
  return one
}

function change(type: TaskType, params: unknown, node: FirewallNode = {}): PlanChange {
  return planChange(resource(type, params), firewallNode(node))
}

function text(plan: PlanChange): string {
  return plan.changes[0]?.diff?.after?.toString() ?? ''
}

function blocked(type: TaskType, params: unknown, node: FirewallNode = {}): Extract<Plan, { kind: 'blocked' }> {
  const plan = resource(type, params).plan(firewallNode(node))
  if (plan.kind !== 'blocked') throw new Error(`expected blocked, got ${JSON.stringify(plan)}`)
  return plan
}

function problem(type: TaskType, params: unknown): ParamProblem {
  try {
    resource(type, params)
  } catch (error) {
    if (error instanceof ParamProblem) return error
    throw error
  }
  throw new Error('expected a problem')
}

const trusted = { ipsets: { management: ['192.0.2.0/24'] } }

test('a cluster from nothing: the whole file in the order of PVE, on risk of the link', () => {
  const plan = change(pveFirewallClusterTask, {
    options: { enable: true, policy_in: 'DROP' },
    aliases: { office: '192.0.2.0/24' },
    ipsets: {
      management: ['office', '2001:db8::/64'],
      nodes: { from_inventory: { group: 'pve', addresses: ['address', 'corosync_address'] } },
    },
    groups: { web: [{ macro: 'Web' }] },
    rules: [{ macro: 'Ping' }, { source: '+nodes', proto: 'tcp', dport: [3366, '7000:7999'], comment: 'Linstor' }],
  })
  assert.is(
    text(plan),
    `[OPTIONS]

enable: 1
policy_in: DROP

[ALIASES]

office 192.0.2.0/24

[IPSET management]

office
2001:db8::/64

[IPSET nodes]

10.0.0.1 # pve1
10.9.0.1 # pve1
10.0.0.2 # pve2
10.9.0.2 # pve2

[RULES]

IN Ping(ACCEPT)
IN ACCEPT -source +nodes -p tcp -dport 3366,7000:7999 # Linstor

[group web]

IN Web(ACCEPT)

`,
  )
  assert.is(plan.risk, 'link')
  assert.match(plan.script.display, 'firewall-cluster')
})

test('examples of the reference hold, on a node that they are for', () => {
  const { parse } = { parse: (type: TaskType, params: unknown) => change(type, params, { cluster: '[group web]\n' }) }
  parse(pveFirewallHostTask, {
    options: { log_level_in: 'info', protection_synflood: true },
    rules: [{ iface: 'vmbr1', macro: 'DNS', comment: 'dnsmasq' }, 'IN ACCEPT -p tcp -dport 9100 # node exporter'],
  })
  const guest = parse(pveFirewallGuestTask, {
    vmid: 100,
    options: { enable: true, ipfilter: true },
    ipsets: { 'ipfilter-net0': ['10.10.10.20'] },
    rules: [
      { group: 'web', iface: 'net0' },
      { macro: 'SSH', source: '10.10.10.0/24' },
    ],
  })
  assert.match(text(guest), 'GROUP web -i net0\nIN SSH(ACCEPT) -source 10.10.10.0/24\n')
  assert.match(guest.script.display, 'firewall-vm-100')
  const open = change(
    pveFirewallGuestTask,
    { vmid: 100, options: { enable: true } },
    { nic: 'virtio=BC:24:11:00:00:01,bridge=vmbr0' },
  )
  assert.match(summaries(open).join('\n'), 'no effect on net0 of guest 100: guest_nic sets')
  assert.not.match(summaries(guest).join('\n'), 'net0')
})

test('a file that the firewall is switched off by says so', () => {
  assert.match(
    summaries(change(pveFirewallHostTask, { rules: ['IN SSH(ACCEPT)'] })).join('\n'),
    'no effect before the firewall of the cluster is on',
  )
  const plan = change(pveFirewallClusterTask, { ...trusted, options: { enable: true } })
  assert.not.match(summaries(plan).join('\n'), 'no effect')
})

test('lockout: enabling without a way in is refused, with who, why and what to do', () => {
  const plan = blocked(pveFirewallClusterTask, { options: { enable: true } })
  assert.match(plan.reason, 'pve1, pve2 would refuse new connections from 192.0.2.7 to port 22')
  assert.match(plan.reason, 'the input policy DROP')
  assert.match(plan.hint ?? '', '192.0.2.7')
  for (const params of [
    trusted,
    { rules: ['IN SSH(ACCEPT)'] },
    { rules: [{ source: '192.0.2.1-192.0.2.9', proto: 'tcp', dport: '20:23' }] },
    { options: { policy_in: 'ACCEPT' } },
    { groups: { admin: ['IN SSH(ACCEPT)'] }, rules: [{ group: 'admin' }] },
    { allow_lockout: true },
  ]) {
    const { options, ...rest } = params as { options?: object }
    change(pveFirewallClusterTask, { ...rest, options: { enable: true, ...options } })
  }
  change(pveFirewallClusterTask, { options: { enable: true } }, { arrival: arrivalFrom('10.0.0.77') })
})

test('lockout: ports other than 22 are not those of management; rules come before it', () => {
  const enable = { ...trusted, options: { enable: true } }
  blocked(pveFirewallClusterTask, enable, { arrival: arrivalFrom('192.0.2.7', 2222) })
  change(
    pveFirewallClusterTask,
    { ...enable, rules: [{ source: '192.0.2.7', proto: 'tcp', dport: 2222 }] },
    { arrival: arrivalFrom('192.0.2.7', 2222) },
  )
  const plan = blocked(pveFirewallClusterTask, { ...enable, rules: ['IN DROP -i wan -p tcp'] })
  assert.match(plan.reason, 'pve1 would refuse')
  assert.match(plan.reason, '`IN DROP -i wan -p tcp`')
  blocked(pveFirewallClusterTask, {
    ...enable,
    ipsets: { management: ['192.0.2.0/24', { address: '192.0.2.7', nomatch: true }] },
  })
})

test('lockout: the file of another node counts, and so does what host.fw lets in', () => {
  const enable = { ...trusted, options: { enable: true } }
  const hosts = new Map([['pve2', Buffer.from('[RULES]\nIN DROP -source 192.0.2.7\n')]])
  const plan = blocked(pveFirewallClusterTask, enable, { state: { hosts } })
  assert.match(plan.reason, /^pve2 would refuse/)
  const cluster = '[OPTIONS]\nenable: 1\n[IPSET management]\n192.0.2.7\n'
  blocked(pveFirewallHostTask, { rules: ['IN REJECT -p tcp -dport 22'] }, { cluster })
  change(pveFirewallHostTask, { rules: ['IN REJECT -p tcp -dport 22 -source 198.51.100.0/24'] }, { cluster })
  change(
    pveFirewallClusterTask,
    { options: { enable: true } },
    { host: '[RULES]\nIN SSH(ACCEPT)\n', state: { hosts: new Map([['pve2', Buffer.from('[OPTIONS]\nenable: 0\n')]]) } },
  )
})

test('lockout: what refuses already does not stop a change', () => {
  const cluster = '[OPTIONS]\nenable: 1\n'
  change(pveFirewallClusterTask, { aliases: { a1: '10.1.1.1' } }, { cluster })
})

test('DHCP and DNS of guests: shut out only when it is asked for, and the rules that are missing are named', () => {
  const dnsmasq =
    'interface=vmbr1\ndhcp-range=10.10.10.100,10.10.10.200,12h\ndhcp-range=::,constructor:vmbr1,ra-stateless,64\n'
  const enable = { ...trusted, options: { enable: true } }
  const plan = blocked(pveFirewallClusterTask, enable, { dnsmasq })
  assert.match(plan.reason, 'guests would lose DHCP on vmbr1, DHCPv6 on vmbr1, DNS on vmbr1')
  assert.match(
    plan.hint ?? '',
    '{ iface: vmbr1, proto: udp, dport: 67 }, { iface: vmbr1, proto: udp, dport: 547 }, { iface: vmbr1, macro: DNS }',
  )
  const host =
    '[RULES]\nIN DNS(ACCEPT) -i vmbr1\nIN ACCEPT -i vmbr1 -p udp -dport 67\nIN ACCEPT -i vmbr1 -p udp -dport 547\n'
  change(pveFirewallClusterTask, enable, { dnsmasq, host })
  change(pveFirewallClusterTask, enable, { dnsmasq, host: '[RULES]\nIN ACCEPT -i vmbr1\n' })
  assert.match(
    blocked(pveFirewallClusterTask, enable, { dnsmasq, host: '[RULES]\nIN DNS(ACCEPT) -i vmbr0\n' }).reason,
    'DNS on vmbr1',
  )
  const forced = change(pveFirewallClusterTask, { ...enable, allow_lockout: true }, { dnsmasq })
  assert.match(summaries(forced).join('\n'), 'guests on vmbr1 will get no DHCP')
  change(pveFirewallClusterTask, { aliases: { lan: '10.0.0.0/8' } }, { dnsmasq })
})

test('without quorum, pmxcfs or the guest there is no change, and the reason is told', () => {
  const state = {
    cluster: {
      state: 'member' as const,
      nodeName: 'pve1',
      cluster: 'lab',
      quorate: false,
      members: [{ name: 'pve2', online: false, ip: '10.0.0.2' }],
    },
  }
  const params = { aliases: { a1: '10.1.1.1' } }
  assert.match(blocked(pveFirewallClusterTask, params, { state }).reason, 'no quorum (pve2 is offline)')
  blocked(pveFirewallClusterTask, params, { state: { writable: false } })
  assert.is(
    resource(pveFirewallClusterTask, params).plan(firewallNode({ state, cluster: '[ALIASES]\n\na1 10.1.1.1\n' })).kind,
    'ok',
    'nothing to write needs no quorum',
  )
  const none = { ...state.cluster, state: 'none' as const }
  assert.match(blocked(pveFirewallClusterTask, params, { state: { cluster: none } }).reason, '/etc/pve/.members')
  assert.match(blocked(pveFirewallGuestTask, { vmid: 999, options: { enable: true } }).reason, 'no guest 999')
})

test('what PVE would read otherwise than it is meant is refused, and what is wrong already only told', () => {
  const late = '[RULES]\n\nIN ACCEPT -source +nodes\n\n[ALIASES]\n\n'
  const plan = blocked(
    pveFirewallClusterTask,
    { aliases: { lan: '10.0.0.0/24' }, rules: [{ source: 'lan', macro: 'SSH' }] },
    { cluster: late },
  )
  assert.match(plan.reason, 'no alias lan above the rule')
  const old = change(pveFirewallClusterTask, { aliases: { lan: '10.0.0.0/24' } }, { cluster: late })
  assert.match(summaries(old).join('\n'), 'already there, without effect: line 3: there is no set nodes above')
  const dos = blocked(pveFirewallClusterTask, { aliases: { lan: '10.0.0.0/24' } }, { cluster: '[RULES]\r\n' })
  assert.match(dos.reason, 'Windows line ends')
  const nft = change(
    pveFirewallHostTask,
    { rules: ['IN SSH(ACCEPT)'] },
    { host: '[OPTIONS]\nnftables: 1\nnftables: 1\n' },
  )
  assert.match(summaries(nft).join('\n'), 'refuses the whole file')
})

test('mistakes in parameters are told at their place before any node is touched', () => {
  const cases: [TaskType, unknown, readonly (string | number)[], string][] = [
    [pveFirewallClusterTask, { rules: [{ macro: 'ssh' }] }, ['rules', 0, 'macro'], 'no macro ssh'],
    [pveFirewallClusterTask, { rules: [{ dport: 22 }] }, ['rules', 0, 'dport'], 'ports need a protocol'],
    [pveFirewallClusterTask, { rules: [{ source: '10.0.0.1/24' }] }, ['rules', 0, 'source'], 'bits below its prefix'],
    [pveFirewallClusterTask, { rules: ['IN ACCEPT', 'in ACCEPT # b'] }, ['rules', 1], 'number 1 already'],
    [pveFirewallClusterTask, { rules: ['ALLOW ssh'] }, ['rules', 0], 'no rule of PVE'],
    [pveFirewallClusterTask, { rules: [{ proto: 'tcp', dport: 'ssh' }] }, ['rules', 0, 'dport'], 'no port or range'],
    [pveFirewallClusterTask, { rules: [{ source: '10.0.0.1', dest: 'fd00::1' }] }, ['rules', 0, 'source'], 'mixes'],
    [pveFirewallClusterTask, { groups: { web: [{ iface: 'vmbr0' }] } }, ['groups', 'web', 0, 'iface'], 'no interface'],
    [pveFirewallClusterTask, { ipsets: { all: ['0.0.0.0/0'] } }, ['ipsets', 'all', 0], 'cannot hold all'],
    [
      pveFirewallClusterTask,
      { ipsets: { web: { from_inventory: { group: 'web' } } } },
      ['ipsets', 'web', 'from_inventory'],
      'address of web is no IP address',
    ],
    [
      pveFirewallClusterTask,
      { ipsets: { web: { entries: ['10.0.0.1/32', { address: '10.0.0.1', nomatch: true }] } } },
      ['ipsets', 'web', 'entries', 1],
      'taken out of it again',
    ],
    [
      pveFirewallGuestTask,
      { vmid: 100, ipsets: { 'ipfilter-net0': ['office'] } },
      ['ipsets', 'ipfilter-net0', 0],
      'alias',
    ],
    [pveFirewallClusterTask, { aliases: { ab: '10.0.0.1', AB: '10.0.0.2' } }, ['aliases', 'AB'], 'twice'],
    [
      pveFirewallGuestTask,
      { vmid: 100, rules: [{ iface: 'vmbr0' }] },
      ['rules', 0, 'iface'],
      'no interface of a guest',
    ],
    [pveFirewallHostTask, { rules: [{ direction: 'forward', action: 'REJECT' }] }, ['rules', 0, 'action'], 'rejected'],
    [pveFirewallHostTask, { rules: [{ group: 'web', source: '10.0.0.1' }] }, ['rules', 0, 'source'], 'nothing else'],
  ]
  for (const [type, params, path, message] of cases) {
    const found = problem(type, params)
    assert.equal(found.path, path, JSON.stringify(params))
    assert.match(found.message, message)
  }
})

test('names that PVE reads in lower case are asked for so', () => {
  for (const params of [
    { ipsets: { Nodes: [] } },
    { groups: { Web: [] } },
    { groups: { 'a-name-that-is-too-long': [] } },
  ])
    assert.not.ok(pveFirewallClusterTask.params.safeParse(params).success)
  assert.not.ok(pveFirewallHostTask.params.safeParse({ aliases: {} }).success)
})

test('a resource reads no fact that it does not ask for', () => {
  const plans: [TaskType, unknown][] = [
    [pveFirewallClusterTask, { ...trusted, options: { enable: true } }],
    [pveFirewallHostTask, { rules: ['IN SSH(ACCEPT)'] }],
    [pveFirewallGuestTask, { vmid: 100, options: { enable: true } }],
  ]
  for (const [type, params] of plans) {
    const one = resource(type, params)
    const all = firewallNode()
    const states = one.reads.map((ref): [string, unknown] => [factKey(ref), all.get(ref)])
    assert.is(one.plan(new Model(new Map(states), NOW)).kind, 'change')
  }
})

test('exclusive parts are one task’s alone; others may share the file', () => {
  const shared = resource(pveFirewallClusterTask, { rules: [] })
  assert.is(shared.shared, true)
  assert.equal(shared.claims, [])
  const alone = resource(pveFirewallClusterTask, { rules: [], exclusive: true })
  assert.equal(alone.claims, ['all rules of:/etc/pve/firewall/cluster.fw'])
})

test.run()
