import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { natRule, rulesOf } from '../../src/facts/nat.ts'
import { parseLines } from '../../src/interfaces/lines.ts'
import { rulesAfterUp } from '../../src/nat/simulate-hooks.ts'
import { bridgeTask } from '../../src/tasks/bridge.ts'
import { masqueradeTask } from '../../src/tasks/masquerade.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { bridge, modelOfNode, UPLINK, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('NAT66, and rules that go with a bridge')

const SPEC = '-s fd00:10::/64 -o vmbr0 -j MASQUERADE'
const MAIN = WITH_INNER.replace(
  'bridge-fd 0\n\nsource',
  'bridge-fd 0\n\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n\nsource',
)
const six = [{ cidr: 'fd00:10::1/64', family: 6 as const, scope: 'global' }]
const LINKS = [...UPLINK, { ...bridge('vmbr1', ['10.10.10.1/24']), addresses: six }]

function play(main: string, live: readonly string[]) {
  const table = rulesOf(6, 'nat')
  const rules = live.map((rule) => natRule('POSTROUTING', rule.split(' ')))
  let model = modelOfNode({ main, links: LINKS }).with([fact(table, { available: true, rules })])
  const params = { source: 'fd00:10::/64', out: 'vmbr0' }
  for (const resource of masqueradeTask.resources(masqueradeTask.params.parse(params), hostContext())) {
    const plan = resource.plan(model)
    assert.is.not(plan.kind, 'blocked', JSON.stringify(plan))
    if (plan.kind !== 'change') continue
    model = model.with(plan.after)
    assert.is(resource.plan(model).kind, 'ok')
  }
  const state = model.get(table)
  return {
    main: model.get(interfacesRef).main?.toString() ?? '',
    rules: state.available ? state.rules.map(({ args }) => args.join(' ')) : [],
  }
}

test('a rule of ip6tables, and its hooks', () => {
  const { main, rules } = play(MAIN, [])
  assert.equal(rules, [SPEC])
  assert.match(
    main,
    `\tpost-up ip6tables -t nat -C POSTROUTING ${SPEC} 2>/dev/null || ip6tables -t nat -A POSTROUTING ${SPEC}\n`,
  )
})

test('spellings of others are adopted; leftovers of an earlier prefix go', () => {
  const guide = '\tup ip6tables -t nat -A POSTROUTING -s fd00:0010:0::/64 -o vmbr0 -j MASQUERADE\n'
  const { main, rules } = play(MAIN.replace('\taddress fd00:10::1/64\n', `\taddress fd00:10::1/64\n${guide}`), [
    SPEC,
    SPEC,
    '-s fd00:99::/64 -o vmbr0 -j MASQUERADE',
  ])
  assert.equal(rules, [SPEC])
  assert.is(main.match(/-A POSTROUTING/g)?.length, 1)
})

test('wrong parameters', () => {
  const wrong = (params: object) => {
    try {
      masqueradeTask.resources(masqueradeTask.params.parse({ out: 'vmbr0', ...params }), hostContext())
      return ''
    } catch (error) {
      return String(error)
    }
  }
  assert.match(wrong({ source: 'fd00:10::1/64' }), /an address within fd00:10::\/64/)
  assert.match(wrong({ source: 'fd00:10::/64', snat: { to: '192.0.2.1' } }), /another version of IP/)
  assert.match(wrong({ source: '::/0' }), /is no network/)
})

test('what hooks do to each table when a bridge comes up', () => {
  const file = parseLines(
    Buffer.from(`iface vmbr1 inet static
	post-up iptables -t nat -A PREROUTING -i vmbr0 -p tcp --dport 22 -j DNAT --to 10.0.0.2
	post-up ip6tables -t nat -A POSTROUTING ${SPEC}
	post-up iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1
`),
  )
  const after = (family: 4 | 6, table: 'nat' | 'raw') => {
    const state = rulesAfterUp({ family, table }, { available: true, rules: [] }, file, 'vmbr1')
    return state?.available === true ? state.rules.map(({ raw }) => raw) : undefined
  }
  assert.equal(after(4, 'nat'), [
    '-A PREROUTING -i vmbr0 -p tcp -m tcp --dport 22 -j DNAT --to-destination 10.0.0.2:22',
  ])
  assert.equal(after(6, 'nat'), [`-A POSTROUTING ${SPEC}`])
  assert.equal(after(4, 'raw'), ['-A PREROUTING -i fwbr+ -j CT --zone 1'])
  assert.equal(after(6, 'raw'), [])
})

test('forwards, hairpins and NAT66 go with their bridge; those of others stay', () => {
  const rules = [
    natRule(
      'PREROUTING',
      '-d 192.168.1.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.10.10.2:80'.split(' '),
    ),
    natRule('POSTROUTING', '-s 10.10.10.0/24 -d 10.10.10.0/24 -m conntrack --ctstate DNAT -j MASQUERADE'.split(' ')),
    natRule(
      'PREROUTING',
      '-d 192.168.1.10/32 -p tcp -m tcp --dport 81 -j DNAT --to-destination 10.30.0.2:80'.split(' '),
    ),
  ]
  const absent = bridgeTask.params.parse({ name: 'vmbr1', state: 'absent' })
  const [rulesGone] = bridgeTask.resources(absent, hostContext())
  const links = [...WITH_VMBR1, bridge('vmbr2', ['10.30.0.1/24'])]
  const model = modelOfNode({ main: WITH_INNER, links }).with([fact(rulesOf(4, 'nat'), { available: true, rules })])
  const plan = rulesGone?.plan(model)
  assert.is(plan?.kind, 'change')
  const left = plan?.kind === 'change' ? model.with(plan.after).get(rulesOf(4, 'nat')) : undefined
  assert.equal(left?.available === true && left.rules.map(({ args }) => args.at(-1)), ['10.30.0.2:80'])
})

test.run()
