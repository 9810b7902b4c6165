import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { natRule, rulesOf } from '../../src/facts/nat.ts'
import { conntrackZoneTask } from '../../src/tasks/conntrack-zone.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { bridge, MAIN, modelOfNode, play as playTasks, SPEC, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

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

const LAB = `auto vmbr2
iface vmbr2 inet static
	address 10.20.0.1/16
	bridge-ports none
	bridge-stp off
	bridge-fd 0
	post-up iptables -t nat -A POSTROUTING -s 10.20.0.0/16 -o vmbr0 -j MASQUERADE
`
const TIDY = `	post-up iptables -t raw -C PREROUTING ${ZONE} 2>/dev/null || iptables -t raw -I PREROUTING ${ZONE}
	post-down iptables -t raw -D PREROUTING ${ZONE} || true
`
const twoBridges = (first: string, second: string) => inVmbr1(first).replace('source', `${LAB}${second}\nsource`)

/** The bridge goes from a node that has the zone live. */
function without(main: string, sourced: Readonly<Record<string, string>> = {}, zone = ZONE) {
  const raw = fact(rulesOf(4, 'raw'), { available: true, rules: [natRule('PREROUTING', zone.split(' '))] } as const)
  const links = [...WITH_VMBR1, ...(main.includes('vmbr2') ? [bridge('vmbr2', ['10.20.0.1/16'])] : [])]
  const outcome = playTasks({ main, links, sourced, more: [raw] }, { bridge: { name: 'vmbr1', state: 'absent' } })
  const state = outcome.model.get(rulesOf(4, 'raw'))
  return { ...outcome, zones: state.available ? state.rules.map(({ args }) => args.join(' ')) : [] }
}

test('its bridge goes: the zone stays with another one whose guests are behind NAT', () => {
  const { main, zones, summaries } = without(twoBridges(NAT + GUIDE, ''))
  assert.is(main, MAIN.replace('source', `${LAB}${TIDY}\nsource`))
  assert.equal(zones, [ZONE])
  assert.match(summaries.join('\n'), /vmbr2 keeps -i fwbr\+ -j CT --zone 1/)
})

test('its bridge goes: the hook that another one has is the only one', () => {
  const { main, zones } = without(twoBridges(NAT + GUIDE, TIDY))
  assert.is(main, MAIN.replace('source', `${LAB}${TIDY}\nsource`))
  assert.equal(zones, [ZONE])
})

test('its bridge goes: no zone is left when nobody is behind NAT', () => {
  const { main, zones } = without(inVmbr1(NAT + GUIDE))
  assert.is(main, MAIN)
  assert.equal(zones, [])
})

test('its bridge goes: the rule of SDN stays', () => {
  const sdn = `auto net0\niface net0\n\tpost-up iptables -t raw -I PREROUTING ${ZONE}\n`
  const { main, zones } = without(inVmbr1(NAT + GUIDE), { '/etc/network/interfaces.d/sdn': sdn })
  assert.is(main, MAIN)
  assert.equal(zones, [ZONE])
})

test('NAT and forwards for the network of another bridge move to it', () => {
  const other = '-s 10.20.0.0/16 -o vmbr0 -j MASQUERADE'
  const hook = `	post-up iptables -t nat -A POSTROUTING ${other}\n	post-down iptables -t nat -D POSTROUTING ${other}\n`
  const bare = LAB.split('\tpost-up')[0] ?? ''
  const main = inVmbr1(NAT + hook).replace('source', `${bare}\nsource`)
  const links = [...WITH_VMBR1, bridge('vmbr2', ['10.20.0.1/16'])]
  const absent = { bridge: { name: 'vmbr1', state: 'absent' } }
  const outcome = playTasks({ main, links, rules: [SPEC, other] }, absent)
  assert.equal(outcome.nat, [other])
  assert.equal(outcome.main.match(/^(iface .*|\tpost-.*)$/gm)?.slice(3), [
    'iface vmbr2 inet static',
    `\tpost-up iptables -t nat -C POSTROUTING ${other} 2>/dev/null || iptables -t nat -A POSTROUTING ${other}`,
    `\tpost-down iptables -t nat -D POSTROUTING ${other} || true`,
  ])
})

test('a bridge that is named takes the hook from the one that had it', () => {
  const { main, rules } = play(twoBridges(NAT + GUIDE, ''), [ZONE], { bridge: 'vmbr2' })
  assert.is(main, twoBridges(NAT, TIDY))
  assert.equal(rules, [ZONE])
})

test.run()
