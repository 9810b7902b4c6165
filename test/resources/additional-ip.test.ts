import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { linksRef } from '../../src/facts/links.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { additionalIpTask } from '../../src/tasks/additional-ip.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { bridge, modelOfNode, type Node, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('additional addresses: plans')

const ONE = { address: '203.0.113.9', mode: 'routed', bridge: 'vmbr1' }
const UP = '\tpost-up ip route replace 203.0.113.9/32 dev vmbr1\n'
const DOWN = '\tpost-down ip route del 203.0.113.9/32 dev vmbr1 || true\n'
const inVmbr1 = (hooks: string) => WITH_INNER.replace('bridge-fd 0\n\nsource', `bridge-fd 0\n${hooks}\nsource`)

function play(node: Node, params: object) {
  let model = modelOfNode({ main: WITH_INNER, links: WITH_VMBR1, ...node }).with([
    fact(sysctlNamed('net.ipv4.ip_forward'), '1'),
    fact(sysctlNamed('net.ipv6.conf.all.forwarding'), '1'),
  ])
  const reasons: string[] = []
  const notices: string[] = []
  for (const resource of additionalIpTask.resources(additionalIpTask.params.parse(params), hostContext())) {
    const plan = resource.plan(model)
    if (plan.kind === 'blocked') reasons.push(plan.reason)
    if (plan.kind === 'change') {
      model = model.with(plan.after)
      assert.is(resource.plan(model).kind, 'ok', `${resource.title} is ok on its own outcome`)
    }
    notices.push(...(resource.notices?.(model) ?? []))
  }
  const routes = model.get(linksRef).routes.filter(({ destination }) => destination !== 'default')
  return {
    reasons,
    notices,
    main: model.get(interfacesRef).main?.toString() ?? '',
    routes: routes.map(({ destination, devices }) => `${destination} ${devices.join()}`),
  }
}

test('routed: a route, its hooks, and what the guest needs', () => {
  const { main, routes, notices } = play({}, ONE)
  assert.equal(routes, ['203.0.113.9 vmbr1'])
  assert.is(main, inVmbr1(UP + DOWN))
  assert.equal(notices, [
    'a guest on vmbr1 uses 203.0.113.9/32, with gateway 10.10.10.1 (on-link: it is in no network of the guest)',
  ])
})

test("the guides' hooks are adopted, in the stanza of the bridge or out of another", () => {
  const guide = '\tup ip route add 203.0.113.9/32 dev vmbr1\n'
  assert.is(play({ main: inVmbr1(guide) }, ONE).main, inVmbr1(UP.replace('post-up', 'up') + DOWN))
  const other = '\tpost-up ip route add 203.0.113.9/32 dev vmbr0\n\tpost-up ip route add 203.0.113.10/32 dev vmbr0\n'
  const main = WITH_INNER.replace('\tbridge-ports eno1\n', `\tbridge-ports eno1\n${other}`)
  const routes = [{ family: 4 as const, destination: '203.0.113.9', devices: ['vmbr0'] }]
  const moved = play({ main, routes }, ONE)
  assert.equal(moved.routes, ['203.0.113.9 vmbr1'])
  assert.match(moved.main, '\tpost-up ip route add 203.0.113.10/32 dev vmbr0\n')
  assert.not.match(moved.main, '203.0.113.9/32 dev vmbr0')
})

test('a subnet: by route, or by an address of the bridge in it', () => {
  const subnet = { ...ONE, address: '203.0.113.16/29' }
  const routed = play({}, subnet)
  assert.equal(routed.routes, ['203.0.113.16/29 vmbr1'])
  assert.match(routed.notices.join(), 'uses an address of 203.0.113.16/29 as /32, with gateway 10.10.10.1')
  const links = [...WITH_VMBR1.slice(0, -1), bridge('vmbr1', ['203.0.113.17/29'])]
  const within = play({ links }, subnet)
  assert.is(within.main, WITH_INNER)
  assert.equal(within.notices, ['guests on vmbr1 use addresses of 203.0.113.16/29, with gateway 203.0.113.17'])
})

test('IPv6 has its own words', () => {
  const { main, routes } = play({}, { ...ONE, address: '2001:db8:1::/64' })
  assert.equal(routes, ['2001:db8:1::/64 vmbr1'])
  assert.match(main, '\tpost-up ip -6 route replace 2001:db8:1::/64 dev vmbr1\n')
})

test('taken away without a trace', () => {
  const before = play({}, ONE)
  const routes = [{ family: 4 as const, destination: '203.0.113.9', devices: ['vmbr1'] }]
  const { main, routes: left } = play({ main: before.main, routes }, { ...ONE, state: 'absent' })
  assert.is(main, WITH_INNER)
  assert.equal(left, [])
})

const BRIDGED = { address: '203.0.113.9', mode: 'bridged', bridge: 'vmbr0', mac: '00:50:56:00:12:34' }

test('bridged: nothing on the node, and what the guest needs', () => {
  const { main, notices } = play({}, BRIDGED)
  assert.is(main, WITH_INNER)
  assert.equal(notices, [
    'a guest on vmbr0 uses hardware address 00:50:56:00:12:34 and 203.0.113.9/32, with gateway 192.168.1.1 (on-link: it is in no network of the guest)',
  ])
  const ovs = [...WITH_VMBR1.slice(0, -1), { ...bridge('vmbr1'), kind: 'openvswitch' }]
  assert.equal(play({ links: ovs }, { ...BRIDGED, bridge: 'vmbr1' }).reasons, [])
  assert.match(play({}, { ...BRIDGED, gateway: '100.64.0.1' }).notices.join(), 'with gateway 100.64.0.1')
})

const REFUSED: readonly (readonly [string, object, RegExp])[] = [
  ['no such bridge', { ...ONE, bridge: 'vmbr9' }, /has no bridge vmbr9/],
  ["the node's own", { ...ONE, address: '192.168.1.10' }, /an address of the node itself \(vmbr0\)/],
  ['bridged inside', { ...BRIDGED, bridge: 'vmbr1' }, /vmbr1 has no port to the outside/],
  ["bridged, the node's own", { ...BRIDGED, address: '192.168.1.10' }, /an address of the node itself/],
]

for (const [what, params, expected] of REFUSED)
  test(`refused: ${what}`, () => assert.match(play({}, params).reasons.join(), expected))

test('wrong parameters', () => {
  const problems = (params: object) => {
    const { data, error } = additionalIpTask.params.safeParse(params)
    if (error !== undefined) return error.issues.map(({ message }) => message).join()
    try {
      additionalIpTask.resources(data, hostContext())
      return ''
    } catch (problem) {
      return String(problem)
    }
  }
  assert.match(problems({ ...ONE, address: '203.0.113.9/29' }), /an address within 203\.0\.113\.8\/29/)
  assert.match(problems({ ...ONE, address: 'web' }), /no address or subnet/)
  assert.match(problems({ ...ONE, mac: BRIDGED.mac }), /for `bridged` only/)
  assert.match(problems({ ...BRIDGED, mac: undefined }), /is needed/)
  assert.match(problems({ ...BRIDGED, mac: '01:50:56:00:12:34' }), /second digit is even/)
  assert.match(problems({ ...ONE, mode: undefined }), /routed/)
})

test.run()
