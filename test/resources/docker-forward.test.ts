import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ForwardFilterState, forwardFilterFact, forwardFilterOf } from '../../src/facts/forward-filter.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { ipForwardingTask } from '../../src/tasks/ip-forwarding.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { bridge, modelOfNode, type Node, play, SPEC, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('Docker and what a node forwards')

/** What iptables-save of Docker 26 and 28 prints, as far as it is read. */
const DOCKER_26 = `:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER-USER -j RETURN
`
const DOCKER_28 = `:FORWARD DROP [0:0]
:DOCKER-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j DOCKER-FORWARD
`

function filter(text: string): ForwardFilterState {
  const [state] = forwardFilterFact.parse(Buffer.from(`${text}m\n`), ['ip4'], 'm')
  assert.ok(state)
  return state
}

function node(text: string, more: Node = {}): Node {
  return { main: WITH_INNER, links: WITH_VMBR1, more: [fact(forwardFilterOf(4), filter(text))], ...more }
}

const NAT = { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } }
const reasons = (text: string) => play(node(text), NAT).reasons

test('NAT is no use where Docker drops what guests send', () => {
  for (const text of [DOCKER_26, DOCKER_28]) {
    const [reason = ''] = reasons(text)
    assert.match(reason, /^Docker makes the node drop .* no rule accepts what goes from vmbr1 to vmbr0$/)
    const blocked = play(node(text), NAT).plans.find(({ kind }) => kind === 'blocked')
    assert.match(JSON.stringify(blocked), /iptables -I DOCKER-USER -i vmbr1 -j ACCEPT.*ip-forward-no-drop/)
  }
})

test('the remedies are remedies', () => {
  assert.equal(reasons(`${DOCKER_28}-A DOCKER-USER -o vmbr1 -j ACCEPT\n-A DOCKER-USER -i vmbr1 -j ACCEPT\n`), [])
  assert.equal(reasons(DOCKER_28.replace('FORWARD DROP', 'FORWARD ACCEPT')), [])
  assert.equal(reasons(`${DOCKER_26}-A FORWARD -j my-own-chain\n`), [])
})

test('both ways must be open, for these guests', () => {
  assert.is(reasons(`${DOCKER_28}-A DOCKER-USER -i vmbr1 -j ACCEPT\n`).length, 1)
  assert.is(reasons(`${DOCKER_28}-A DOCKER-USER -i vmbr7 -j ACCEPT\n-A DOCKER-USER -o vmbr7 -j ACCEPT\n`).length, 1)
  assert.is(
    reasons(`${DOCKER_28}-A DOCKER-USER -s 10.66.0.0/24 -j ACCEPT\n-A DOCKER-USER -o vmbr1 -j ACCEPT\n`).length,
    1,
  )
  const answers = '-A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n'
  assert.is(reasons(`${DOCKER_28}${answers}`).length, 1)
  assert.equal(reasons(`${DOCKER_28}${answers}-A DOCKER-USER -s 10.10.10.0/24 -j ACCEPT\n`), [])
  assert.equal(reasons(`${DOCKER_28}-A FORWARD -j PVEFW-FORWARD\n-A DOCKER-USER -i vmbr1 -j ACCEPT\n`), [])
})

test('somebody else who drops is none of this, and NAT in place stays', () => {
  assert.equal(reasons(':FORWARD DROP [0:0]\n'), [])
  const hooks = `	post-up iptables -t nat -C POSTROUTING ${SPEC} 2>/dev/null || iptables -t nat -A POSTROUTING ${SPEC}
	post-down iptables -t nat -D POSTROUTING ${SPEC} || true
`
  const main = WITH_INNER.replace('bridge-fd 0\n\nsource', `bridge-fd 0\n${hooks}\nsource`)
  assert.equal(play(node(DOCKER_28, { main, rules: [SPEC] }), NAT).reasons, [])
})

test('a network of Docker is not for a bridge', () => {
  const { plans } = play(node('', { links: [...WITH_VMBR1, bridge('docker0', ['172.17.0.1/16'])] }), {
    bridge: { name: 'vmbr4', address: '172.17.5.1/24' },
  })
  assert.match(JSON.stringify(plans[0]), /overlaps 172\.17\.0\.1\/16 of docker0.*default-address-pools/)
})

test('ip_forwarding says it, and still does what it is for', () => {
  const resources = ipForwardingTask.resources(ipForwardingTask.params.parse({ ipv4: true }), hostContext())
  const said = (text: string) => {
    const model = modelOfNode(node(text)).with([fact(sysctlNamed('net.ipv4.ip_forward'), '1')])
    return resources.flatMap((resource) => resource.notices?.(model) ?? [])
  }
  assert.match(said(DOCKER_26)[0] ?? '', /^Docker makes the node drop the IPv4 packets that it forwards for others/)
  assert.equal(said(DOCKER_26.replace('FORWARD DROP', 'FORWARD ACCEPT')), [])
  assert.equal(said(`${DOCKER_26}-A DOCKER-USER -i vmbr1 -j ACCEPT\n`), [])
})

test.run()
