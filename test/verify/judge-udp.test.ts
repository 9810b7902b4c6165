import { createSocket } from 'node:dgram'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ForwardCheck } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { sendDatagrams } from '../../src/verify/outside/datagrams.ts'
import type { Seen } from '../../src/verify/probe/plan.ts'
import type { Outside } from '../../src/verify/prover.ts'
import { evidence, hostView } from '../helpers/node-view.ts'
import { within } from '../helpers/within.ts'

const test = suite('UDP that is led to a guest')

const outside: ForwardCheck = {
  kind: 'forward',
  protocol: 'udp',
  port: 514,
  to: { address: '10.10.10.20', port: 5514 },
  from: 'outside',
}
const inside: ForwardCheck = { ...outside, from: { interface: 'vmbr1', network: '10.10.10.20/32' } }
const prover = proverOf(outside)
const rule = (port: number) =>
  `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 514 -j DNAT --to-destination 10.10.10.20:${port}\nCOMMIT\n`

interface Given {
  readonly seen?: Seen
  /** What the tap on the node saw. */
  readonly watched?: Seen
  readonly asked?: Seen
  readonly guest?: Seen
  readonly port?: number
  readonly filter?: string
}

function judge(check: ForwardCheck, { seen = {}, watched, asked = {}, guest = {}, port = 5514, filter = '' }: Given) {
  const wish = prover.facts?.(check, hostView()).find(({ kind }) => kind === 'udp')
  const facts = {
    'tcp 10.10.10.20:5514': guest,
    ...(wish === undefined || watched === undefined ? {} : { [wish.id]: watched }),
  }
  const node = { iptables: rule(port) + filter, facts }
  const { status, saw, cause = '' } = prover.judge(check, evidence({ seen, outside: asked, node }))
  return `${status}: ${saw}; ${cause}`
}

test('what leaves for the guest has passed, answered or not', () => {
  assert.match(
    judge(outside, { watched: { arrived: 'eno1', left: 'tap100i0' } }),
    /^passed: it leaves for 10\.10\.10\.20:5514 by tap100i0/,
  )
  const seen = { left: 'tap100i0', source: '10.10.10.1', from: '10.10.10.254', bridged_nat: 0 }
  assert.match(judge(inside, { seen }), /^passed/)
})

test('what leaves by a rule that is not that of the playbook has not', () => {
  const watched = { arrived: 'eno1', left: 'tap100i0' }
  assert.match(judge(outside, { watched, port: 5515 }), /^failed: .*wrong DNAT/)
})

test('a guest that would be answered by a stranger; a bridge that asks the firewall helps', () => {
  const seen = { left: 'tap100i0', source: '10.10.10.254', from: '10.10.10.254' }
  assert.match(judge(inside, { seen: { ...seen, bridged_nat: 0 } }), /^failed: .*rule for hairpin is missing/)
  assert.match(judge(inside, { seen: { ...seen, bridged_nat: 1 } }), /^passed/)
})

test('what arrives and does not leave has a cause, or a guest that is away', () => {
  const watched = { arrived: 'eno1' }
  const filter = '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n'
  assert.match(judge(outside, { watched, filter }), /^failed: it arrives on eno1, .*policy of FORWARD is drop/)
  assert.match(judge(outside, { watched, guest: { error: 'Connection refused' } }), /^failed: .*sends it nowhere/)
  assert.match(
    judge(outside, { watched, guest: { error: 'No route to host' } }),
    /^skipped: .*does not answer the node/,
  )
})

test('what never arrives, and what could not be sent', () => {
  assert.match(judge(outside, { watched: {} }), /^failed: nothing arrives; something between this machine and the node/)
  assert.match(
    judge(outside, { watched: {}, asked: { error: 'UDP does not go through bastion' } }),
    /^skipped: udp does/,
  )
})

test('IPv6 that never arrives may be for want of a way from here', () => {
  const six: ForwardCheck = { ...outside, address: '2001:db8::5', to: { address: 'fd00::20', port: 5514 } }
  const wish = prover.facts?.(six, hostView()).find(({ kind }) => kind === 'udp')
  const nat =
    '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -m udp --dport 514 -j DNAT --to-destination [fd00::20]:5514\nCOMMIT\n'
  const node = { ip6tables: nat, addresses6: { vmbr0: '2001:db8::5/64' }, facts: { [wish?.id ?? '']: {} } }
  const { status, saw } = prover.judge(six, evidence({ node }))
  assert.match(`${status}: ${saw}`, /^skipped: nothing arrives, .*a way out by IPv6/)
})

test('the datagram of the guest is told from that of the visitor', async () => {
  const probe = prover.probe?.(inside, hostView())
  assert.ok(probe?.kind === 'udp')
  const wish = prover.facts?.(outside, hostView()).find(({ kind }) => kind === 'udp')
  assert.not.equal(probe.text, wish?.args[0])
  assert.ok(probe.text.startsWith('pvec'), 'the kernel looks for it on the node')
  const sent: string[] = []
  const ask = { over: AbortSignal.abort(), datagrams: async (text: string) => void sent.push(text) }
  await prover.outside?.(outside, hostView(), ask as unknown as Outside)
  assert.equal(sent, [wish?.args[0]])
})

test('datagrams are sent until told to stop', async () => {
  const server = createSocket('udp4')
  const stop = new AbortController()
  let got = 0
  server.on('message', (text) => {
    assert.is(text.toString(), 'hello')
    got += 1
    if (got === 2) stop.abort()
  })
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  await within(5000, sendDatagrams('hello', server.address().port, '127.0.0.1', stop.signal))
  server.close()
  assert.is(got, 2)
})

test.run()
