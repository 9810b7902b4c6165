import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { linkNamed, linksRef } from '../../src/facts/links.ts'
import { parseLines } from '../../src/interfaces/lines.ts'
import { pendingInterfaces } from '../../src/resources/pending-interfaces.ts'
import { onlyInFile } from '../../src/resources/staged-rest.ts'
import { planChange, summaries } from '../helpers/model.ts'
import { bridge, INNER, MAIN, modelOfNode, resourcesOf, UPLINK, WITH_INNER } from '../helpers/network-node.ts'

const test = suite('pending change of the web interface')
const STAGED = MAIN.replace('iface eno1 inet manual', 'iface eno1 inet manual\n\tmtu 9000').replace(
  'source',
  `auto vmbr5\niface vmbr5 inet static\n\taddress 10.5.0.1/24\n\tbridge-ports eno2\n\tbridge-stp off\n\tbridge-fd 0\n\nsource`,
)

test('nothing pending, nothing to do', () => {
  for (const choice of ['adopt', 'discard'] as const)
    assert.is(pendingInterfaces(choice).plan(modelOfNode({})).kind, 'ok')
})

test('adopt: the staged content is the file that later edits start from, and its bridges come up', () => {
  const model = modelOfNode({ pending: STAGED })
  const plan = planChange(pendingInterfaces('adopt'), model)
  const after = model.with(plan.after)
  assert.is(after.get(interfacesRef).main?.toString(), STAGED)
  assert.is(after.get(interfacesRef).pending, undefined)
  assert.is(linkNamed(after.get(linksRef), 'eno2')?.master, 'vmbr5')
  assert.is(plan.risk, 'link')
  const said = summaries(plan)
  assert.match(said[0] ?? '', /take over .* and remove .*interfaces\.new/)
  assert.ok(said.includes('bring up vmbr5: 10.5.0.1/24, ports eno2'), said.join('\n'))
  assert.ok(
    said.some((line) => /only until a reload.*eno1 \(mtu\)/.test(line)),
    said.join('\n'),
  )
  assert.is(plan.changes[0]?.diff?.before?.toString(), MAIN)
  assert.is(plan.changes[0]?.diff?.after?.toString(), STAGED)
  for (const part of ['flock', 'pv_remove /etc/network/interfaces.new', '10.5.0.1/24', 'vmbr5/brif/eno2'])
    assert.ok(plan.script.display.includes(part), part)
})

test('adopt: what cannot be made live is named, not hidden', () => {
  const pending = WITH_INNER.replace('bridge-ports none', 'bridge-ports eno7')
  const said = summaries(planChange(pendingInterfaces('adopt'), modelOfNode({ pending })))
  assert.ok(
    said.some((line) => /^note: in the file only.*port eno7 of vmbr1, which the node does not have/.test(line)),
    said.join('\n'),
  )
  const gone = planChange(
    pendingInterfaces('adopt'),
    modelOfNode({ main: WITH_INNER, pending: MAIN, links: [...UPLINK, bridge('vmbr1', ['10.10.10.1/24'])] }),
  )
  assert.ok(summaries(gone).includes('take vmbr1 down and remove it'), summaries(gone).join('\n'))
})

test('discard: nothing but the pending file goes, and what was staged is shown', () => {
  const model = modelOfNode({ pending: STAGED })
  const plan = planChange(pendingInterfaces('discard'), model)
  assert.is(model.with(plan.after).get(interfacesRef).main?.toString(), MAIN)
  assert.is(plan.risk, undefined)
  assert.is(plan.changes[0]?.diff?.before?.toString(), STAGED)
  assert.not.match(plan.script.display, 'pv_write')
})

test('a pending file that equals the real one is only removed', () => {
  for (const choice of ['adopt', 'discard'] as const) {
    const plan = planChange(pendingInterfaces(choice), modelOfNode({ pending: MAIN }))
    assert.is(plan.risk, undefined)
    assert.equal(summaries(plan), ['remove /etc/network/interfaces.new, which equals the file'])
  }
})

test('a refused edit does not make the next ones look impossible, nor change what is said of the pending file', () => {
  const tasks = [
    { bridge: { name: 'vmbr1', address: '10.10.10.1/24' } },
    { interface_comment: { name: 'vmbr1', comment: 'x' } },
  ]
  let model = modelOfNode({ pending: `${MAIN}#x\n` })
  const plans = resourcesOf(tasks).map((resource) => {
    const plan = resource.plan(model)
    if (plan.kind === 'change' || plan.kind === 'blocked') model = model.with(plan.after ?? [])
    return plan
  })
  assert.equal(
    plans.map(({ kind }) => kind),
    ['blocked', 'change', 'blocked'],
  )
  assert.equal(new Set(plans.flatMap((plan) => (plan.kind === 'blocked' ? [plan.reason] : []))).size, 1)
})

const differences: readonly [string, string, string, readonly string[]][] = [
  ['order of blank lines', MAIN, `${MAIN}\n\n`, []],
  ['a comment', MAIN, MAIN.replace('bridge-fd 0', 'bridge-fd 0\n#hello'), []],
  ['the gateway of a bridge', MAIN, MAIN.replace('192.168.1.1\n', '192.168.1.2\n'), ['vmbr0 (gateway)']],
  ['the address of a bridge', MAIN, MAIN.replace('1.10/24', '1.11/24'), []],
  ['a second address', MAIN, MAIN.replace('\tgateway', '\taddress 10.9.9.9/24\n\tgateway'), ['vmbr0 (address)']],
  ['a NIC', MAIN, MAIN.replace('iface eno1 inet manual', 'iface eno1 inet dhcp'), ['eno1 (method)']],
  ['a VLAN', MAIN, MAIN.replace('source', 'iface vmbr0.5 inet manual\n\nsource'), ['vmbr0.5 (new)']],
  ['a bridge that goes', WITH_INNER, MAIN, []],
  ['a NIC that goes', MAIN, MAIN.replace('iface eno1 inet manual\n', ''), ['eno1 (gone from the file)']],
  ['a source line', MAIN, MAIN.replace('interfaces.d/*', 'other/*'), ['source lines']],
  ['nothing', INNER, INNER, []],
]
for (const [name, present, wanted, expected] of differences)
  test(`only in the file: ${name}`, () => {
    assert.equal(onlyInFile(parseLines(Buffer.from(present)), parseLines(Buffer.from(wanted))), expected)
  })

test.run()
