import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ArrivalState, arrivalRef } from '../../src/facts/arrival.ts'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import type { Model } from '../../src/facts/model.ts'
import { natRef, natRule } from '../../src/facts/nat.ts'
import { type ListeningSocket, socketsRef } from '../../src/facts/sockets.ts'
import { sshdFor } from '../../src/facts/sshd.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import type { Plan } from '../../src/resources/resource.ts'
import { portForwardTask } from '../../src/tasks/port-forward.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { bridge, modelOfNode, type Node, UPLINK, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('forwards: plans')

const A = '-d 192.168.1.10/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.2:22'
const HAIRPIN = 'POSTROUTING -s 10.10.10.0/24 -d 10.10.10.0/24 -m conntrack --ctstate DNAT -j MASQUERADE'
const GUIDE = '-i vmbr0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.2:22'
const GUIDE_HOOKS = `	post-up iptables -t nat -A PREROUTING -i vmbr0 -p tcp --dport 2222 -j DNAT --to 10.10.10.2:22
	post-down iptables -t nat -D PREROUTING -i vmbr0 -p tcp --dport 2222 -j DNAT --to 10.10.10.2:22
`
const TASK = { port: 2222, to: '10.10.10.2:22' }

interface Given extends Omit<Node, 'rules'> {
  /** With their chain. */
  readonly rules?: readonly string[]
  readonly sockets?: readonly ListeningSocket[]
  readonly ssh?: string
  readonly arrival?: ArrivalState
}

function model({ rules = [], sockets = [], ssh = '22', arrival, ...node }: Given): Model {
  const live = rules.map((rule) => {
    const [chain = '', ...args] = rule.split(' ')
    return natRule(chain, args)
  })
  return modelOfNode({ main: WITH_INNER, links: WITH_VMBR1, ...node }).with([
    fact(natRef, { available: true, rules: live }),
    fact(socketsRef, sockets),
    fact(arrivalRef, arrival),
    fact(sshdFor('root'), { port: [ssh] }),
    fact(sysctlNamed('net.ipv4.ip_forward'), '1'),
    fact(sysctlNamed('net.ipv6.conf.all.forwarding'), '0'),
  ])
}

interface Played {
  readonly plan: Plan
  readonly rules: readonly string[]
  readonly main: string
  readonly summaries: readonly string[]
  readonly reason: string
}

function play(given: Given, params: object = TASK): Played {
  let now = model(given)
  const resources = portForwardTask.resources(portForwardTask.params.parse(params), hostContext())
  const plans = resources.map((resource) => {
    const plan = resource.plan(now)
    if (plan.kind === 'change') {
      now = now.with(plan.after)
      assert.is(resource.plan(now).kind, 'ok', `${resource.title} is ok on its own outcome`)
    }
    return plan
  })
  const nat = now.get(natRef)
  return {
    plan: plans[0] as Plan,
    rules: nat.available ? nat.rules.map(({ raw }) => raw.replace('-A ', '')) : [],
    main: now.get(interfacesRef).main?.toString() ?? '',
    summaries: plans.flatMap((plan) => (plan.kind === 'change' ? plan.changes.map(({ summary }) => summary) : [])),
    reason: plans.flatMap((plan) => (plan.kind === 'blocked' ? [plan.reason] : [])).join('\n'),
  }
}

test('on a fresh node: three rules, six hooks, no risk to the link', () => {
  const { plan, rules, main } = play({})
  assert.equal(rules, [`PREROUTING ${A}`, `OUTPUT ${A}`, HAIRPIN])
  assert.is(main.match(/^\tpost-(up|down) iptables/gm)?.length, 6)
  assert.is(plan.kind === 'change' ? plan.risk : 'x', undefined)
})

test("the guide's lines, in the stanza of the uplink and doubled live: adopted where they stand", () => {
  const { rules, main, summaries } = play({
    main: WITH_INNER.replace('\tbridge-ports eno1\n', `\tbridge-ports eno1\n${GUIDE_HOOKS}`),
    rules: Array.from({ length: 3 }, () => `PREROUTING ${GUIDE}`),
  })
  assert.equal(rules, [`PREROUTING ${A}`, `OUTPUT ${A}`, HAIRPIN])
  assert.ok(summaries.includes(`remove PREROUTING ${GUIDE} (replaced, 3 times)`), summaries.join('\n'))
  assert.not.match(main, '-i vmbr0 -p tcp')
  const uplink = main.slice(main.indexOf('iface vmbr0'), main.indexOf('auto vmbr1'))
  assert.is(uplink.match(/-A PREROUTING/g)?.length, 1)
  assert.is(uplink.match(/-A OUTPUT/g)?.length, 1)
  assert.is(main.match(/-A PREROUTING/g)?.length, 1)
})

test("the guide's lines may stay as they are, if they are wanted so", () => {
  const main = WITH_INNER.replace('\tbridge-ports eno1\n', `\tbridge-ports eno1\n${GUIDE_HOOKS}`)
  const written = { ...TASK, hooks: 'as_written' }
  assert.is(play({ main, rules: [`PREROUTING ${GUIDE}`, `PREROUTING ${GUIDE}`] }, written).plan.kind, 'ok')
  const missing = play({ main }, written)
  assert.equal(missing.rules, [`PREROUTING ${A}`, `OUTPUT ${A}`, HAIRPIN], 'not live: set in full')
  const other = play({ main, rules: [`PREROUTING ${GUIDE}`] }, { ...written, to: '10.10.10.9:22' })
  assert.match(other.reason, /led elsewhere already/)
})

test('other rules stay', () => {
  const others = [
    'PREROUTING -s 192.0.2.0/24 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.7:22',
    'PREROUTING -i vmbr0 -p tcp -m tcp --dport 33 -j DNAT --to-destination 10.10.10.9:22',
    'PREROUTING -d 192.168.1.11/32 -j DNAT --to-destination 10.10.10.9',
    'POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
  ]
  assert.equal(play({ rules: others }).rules, [...others, `PREROUTING ${A}`, `OUTPUT ${A}`, HAIRPIN])
})

test('to another guest than before: moved, live and in the hooks', () => {
  const before = play({})
  const { rules, main } = play({ main: before.main, rules: before.rules }, { port: 2222, to: '10.10.10.3:22' })
  const moved = A.replace('10.10.10.2', '10.10.10.3')
  assert.equal(rules, [HAIRPIN, `PREROUTING ${moved}`, `OUTPUT ${moved}`].sort().reverse().sort(byChain))
  assert.not.match(main, '10.10.10.2')
  assert.is(main.match(/^\tpost-(up|down) iptables/gm)?.length, 6)
})

function byChain(a: string, b: string): number {
  const rank = (rule: string) => (rule.startsWith('POSTROUTING') ? 0 : rule.startsWith('PREROUTING') ? 1 : 2)
  return rank(a) - rank(b)
}

test('a wider range to the same guest takes the place of a part of it', () => {
  const before = play({}, { port: '2222-2225', to: '10.10.10.2' })
  const { rules } = play({ main: before.main, rules: before.rules }, { port: '2220-2230', to: '10.10.10.2' })
  assert.equal(
    rules.filter((rule) => rule.includes('DNAT --to')),
    ['PREROUTING', 'OUTPUT'].map(
      (chain) => `${chain} -d 192.168.1.10/32 -p tcp -m tcp --dport 2220:2230 -j DNAT --to-destination 10.10.10.2`,
    ),
  )
})

test('taken away without a trace; the rule for hairpins goes with the last one', () => {
  const one = play({})
  const both = play({ main: one.main, rules: one.rules }, { port: 443, to: '10.10.10.9' })
  const left = play({ main: both.main, rules: both.rules }, { ...TASK, state: 'absent' })
  assert.is(left.rules.length, 3)
  assert.ok(left.rules.includes(HAIRPIN))
  const none = play({ main: left.main, rules: left.rules }, { port: 443, to: '10.10.10.9', state: 'absent' })
  assert.equal(none.rules, [])
  assert.is(none.main, WITH_INNER)
})

test('moved to a guest in another network: the rule for hairpins of the first one goes, live and in the hooks', () => {
  const main = WITH_INNER.replace('10.10.10.1/24', '10.10.10.1/24\n\taddress 10.20.0.1/16')
  const links = [...UPLINK, bridge('vmbr1', ['10.10.10.1/24', '10.20.0.1/16'])]
  const before = play({ main, links })
  const moved = play({ main: before.main, rules: before.rules, links }, { port: 2222, to: '10.20.0.2:22' })
  assert.is(moved.rules.filter((rule) => rule.includes('10.10.10')).join(), '')
  assert.not.match(moved.main, '10.10.10.0/24')
  assert.match(moved.main, '-s 10.20.0.0/16 -d 10.20.0.0/16')
})

test('a range of other ports takes the place of one that another task takes away, to the same guest or not', () => {
  const before = play({}, { port: '2220-2230', to: '10.10.10.2' })
  const gone = { port: '2220-2230', to: '10.10.10.2', state: 'absent' }
  for (const wanted of [
    { port: '2220-2225', to: '10.10.10.2' },
    { port: '2225-2240', to: '10.10.10.3' },
  ]) {
    const first = play({ main: before.main, rules: before.rules }, gone)
    const after = play({ main: first.main, rules: first.rules }, wanted)
    assert.is(after.rules.length, 3)
    assert.is(play({ main: after.main, rules: after.rules }, gone).plan.kind, 'ok', 'what was wanted stays')
    assert.is(play({ main: after.main, rules: after.rules }, wanted).plan.kind, 'ok')
  }
  const { plan } = play({ main: before.main, rules: before.rules }, { port: '2225-2240', to: '10.10.10.3' })
  const task = 'port_forward: { port: 2220-2230, to: "10.10.10.2", address: "192.168.1.10", state: absent }'
  assert.ok(plan.kind === 'blocked' && plan.hint?.includes(task), JSON.stringify(plan))
})

const socket = (port: number, more: Partial<ListeningSocket> = {}): ListeningSocket => ({
  protocol: 'tcp',
  address: '0.0.0.0',
  port,
  process: 'nginx',
  ...more,
})

const BLOCKED: readonly (readonly [string, Given, object, RegExp])[] = [
  ['a service of the node', { sockets: [socket(2222)] }, TASK, /nginx listens on tcp port 2222 of the node/],
  [
    'a service on that address alone',
    { sockets: [socket(2222, { address: '192.168.1.10' })] },
    TASK,
    /nginx listens on tcp port 2222/,
  ],
  [
    'a kernel socket in a range',
    { sockets: [socket(51820, { protocol: 'udp', process: 'the kernel' })] },
    { port: '51000-52000', to: '10.10.10.2', protocol: 'udp' },
    /the kernel listens on udp port 51820/,
  ],
  ['sshd on another port', { ssh: '2222' }, TASK, /port 2222 is ssh of the node/],
  [
    'the address and port by which pvectl came',
    {
      arrival: {
        client: { address: '198.51.100.1', port: 40000 },
        server: { address: '203.0.113.7', port: 2200 },
      },
    },
    { port: 2200, to: '10.10.10.2', address: '203.0.113.7' },
    /203\.0\.113\.7 port 2200 is ssh of the node/,
  ],
  [
    'the own address, named',
    {},
    { port: 8006, to: '10.10.10.2', address: '192.168.1.10' },
    /8006 is the web interface/,
  ],
  [
    'another forward, by hand',
    { rules: ['PREROUTING -i vmbr0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.9:22'] },
    TASK,
    /led elsewhere already, by a live rule: -i vmbr0/,
  ],
  [
    'another forward, in a hook',
    {
      main: WITH_INNER.replace(
        '\tbridge-ports eno1\n',
        `\tbridge-ports eno1\n${GUIDE_HOOKS.replaceAll('.2:22', '.9:22')}`,
      ),
    },
    TASK,
    /by \/etc\/network\/interfaces:\d+: -i vmbr0/,
  ],
  [
    'a hook in a sourced file',
    { sourced: { '/etc/network/interfaces.d/x': `iface x inet manual\n${GUIDE_HOOKS.replaceAll('.2:22', '.9:22')}` } },
    TASK,
    /by \/etc\/network\/interfaces.d\/x:2/,
  ],
  [
    'a guest of no network',
    {},
    { port: 2222, to: '10.9.9.9' },
    /10\.9\.9\.9 is in no network behind this node \(10\.10\.10\.0\/24\)/,
  ],
  ['a host beside the node', {}, { port: 2222, to: '192.168.1.50' }, /in the network of vmbr0 itself/],
  ['the node', {}, { port: 2222, to: '10.10.10.1' }, /an address of the node itself \(vmbr1\)/],
  ['IPv6 without a way', {}, { port: 2222, to: 'fd00::2' }, /no IPv6 default route/],
]

for (const [what, given, params, expected] of BLOCKED)
  test(`refused: ${what}`, () => assert.match(play(given, params).reason, expected))

const FREE: readonly (readonly [string, Given, object])[] = [
  ['the address of another link', { sockets: [socket(2222, { address: '10.10.10.1' })] }, TASK],
  ['the other protocol', { sockets: [socket(2222, { protocol: 'udp' })] }, TASK],
  ['an interface inside', { sockets: [socket(2222, { device: 'vmbr1' })] }, TASK],
  [
    'a socket for answers in a range',
    { sockets: [socket(51820, { protocol: 'udp', process: 'dnsmasq' })] },
    { port: '51000-52000', to: '10.10.10.2', protocol: 'udp' },
  ],
  ['ssh of an additional address', { sockets: [socket(22)] }, { port: 22, to: '10.10.10.2', address: '203.0.113.7' }],
]

for (const [what, given, params] of FREE)
  test(`not in the way: ${what}`, () => {
    const { reason, rules } = play(given, params)
    assert.is(reason, '')
    assert.is(rules.length, 3)
  })

test('without forwarding the plan says so', () => {
  const now = model({}).with([fact(sysctlNamed('net.ipv4.ip_forward'), '0')])
  const [resource] = portForwardTask.resources(portForwardTask.params.parse(TASK), hostContext())
  const plan = resource?.plan(now)
  assert.match(JSON.stringify(plan), /ip_forward is 0, so nothing is forwarded/)
})

const WRONG: readonly (readonly [object, RegExp])[] = [
  [{ port: 22, to: '10.0.0.2' }, /port 22 is ssh of the node/],
  [{ port: '8000-8010', to: '10.0.0.2' }, /port 8006 is the web interface/],
  [{ port: '5950', to: '10.0.0.2' }, /port 5900-5999 is consoles/],
  [{ port: 60050, to: '10.0.0.2' }, /live migration/],
  [{ port: 3128, to: '10.0.0.2' }, /SPICE/],
  [{ port: [80], to: '10.0.0.2' }, /must be a port, or a range/],
  [{ port: '90-80', to: '10.0.0.2' }, /ends before it begins/],
  [{ port: '0', to: '10.0.0.2' }, /not between 1 and 65535/],
  [{ port: 80, to: 'web' }, /no IP address/],
  [{ port: 80, to: '10.0.0.2:0' }, /not between 1 and 65535/],
  [{ port: '9000-9010', to: '10.0.0.2:65530' }, /end at port 65540/],
  [{ port: 80, to: 'fd00::2', address: '203.0.113.5' }, /another version of IP/],
  [{ port: 80, to: '10.0.0.2', protocol: 'icmp' }, /tcp/],
]

for (const [params, expected] of WRONG)
  test(`wrong: ${JSON.stringify(params)}`, () => {
    const { data, error } = portForwardTask.params.safeParse(params)
    let text = error === undefined ? '' : error.issues.map(({ message }) => message).join()
    if (error === undefined)
      try {
        portForwardTask.resources(data, hostContext())
      } catch (problem) {
        text = String(problem)
      }
    assert.match(text, expected)
  })

test.run()
