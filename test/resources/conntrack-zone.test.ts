import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { natRule, rulesOf } from '../../src/facts/nat.ts'
import { conntrackZoneTask } from '../../src/tasks/conntrack-zone.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { modelOfNode, SPEC, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('connection tracking zones: plans')

const GUIDE = `	post-up   iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1
	post-down iptables -t raw -D PREROUTING -i fwbr+ -j CT --zone 1
`
const ZONE = '-i fwbr+ -j CT --zone 1'
const NAT = `	post-up iptables -t nat -A POSTROUTING ${SPEC}\n`
const inVmbr1 = (hooks: string) => WITH_INNER.replace('bridge-fd 0\n\nsource', `bridge-fd 0\n${hooks}\nsource`)
const OTHER = '-i eno2 -j CT --notrack'

function play(main: string, live: readonly string[], params: object = {}) {
  const raw = rulesOf(4, 'raw')
  const rules = live.map((rule) => natRule('PREROUTING', rule.split(' ')))
  let model = modelOfNode({ main, links: WITH_VMBR1 }).with([fact(raw, { available: true, rules })])
  const reasons: string[] = []
  for (const resource of conntrackZoneTask.resources(conntrackZoneTask.params.parse(params), hostContext())) {
    const plan = resource.plan(model)
    if (plan.kind === 'blocked') reasons.push(plan.reason)
    if (plan.kind !== 'change') continue
    model = model.with(plan.after)
    assert.is(resource.plan(model).kind, 'ok', `${resource.title} is ok on its own outcome`)
  }
  const state = model.get(raw)
  return {
    reasons,
    main: model.get(interfacesRef).main?.toString() ?? '',
    rules: state.available ? state.rules.map(({ args }) => args.join(' ')) : [],
  }
}

test("the guide's lines after some reloads: one rule, one guarded hook", () => {
  const { main, rules } = play(inVmbr1(NAT + GUIDE), [ZONE, ZONE, OTHER, ZONE])
  assert.equal(rules, [ZONE, OTHER])
  assert.is(
    main,
    inVmbr1(`${NAT}	post-up   iptables -t raw -C PREROUTING ${ZONE} 2>/dev/null || iptables -t raw -I PREROUTING ${ZONE}
	post-down iptables -t raw -D PREROUTING ${ZONE} || true
`),
  )
})

test('a new one goes where the masquerading is, before all other rules', () => {
  const { main, rules } = play(inVmbr1(NAT), [OTHER])
  assert.equal(rules, [ZONE, OTHER])
  assert.is(main.match(/-I PREROUTING/g)?.length, 1)
})

test('nowhere to put it', () => {
  assert.match(play(WITH_INNER, []).reasons.join(), /no interface .* has masquerading/)
  assert.match(play(WITH_INNER, [], { bridge: 'vmbr9' }).reasons.join(), /has no interface vmbr9/)
})

test('another zone, IPv6 too, and nothing at all', () => {
  const first = play(inVmbr1(NAT), [], { bridge: 'vmbr1', ipv6: true })
  assert.is(first.main.match(/ip6tables -t raw -I/g)?.length, 1)
  const second = play(first.main, first.rules, { zone: 2 })
  assert.equal(second.rules, ['-i fwbr+ -j CT --zone 2'])
  const none = play(second.main, second.rules, { ipv6: true, state: 'absent' })
  assert.equal(none.rules, [])
  assert.is(none.main, inVmbr1(NAT))
})

test.run()
