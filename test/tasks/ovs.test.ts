import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { ovsBondTask } from '../../src/tasks/ovs-bond.ts'
import { ovsBridgeTask } from '../../src/tasks/ovs-bridge.ts'
import { ovsIntPortTask } from '../../src/tasks/ovs-int-port.ts'
import { ovsPortTask } from '../../src/tasks/ovs-port.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'
import { claimsOf, paramProblems } from '../helpers/param-problems.ts'

const test = suite('ovs_bridge, ovs_port, ovs_bond, ovs_int_port: parameters')

const BOND = { name: 'bond1', bridge: 'vmbr2', slaves: ['eno2', 'eno3'] }
const PORT = { name: 'eno2', bridge: 'vmbr2' }
const INNER = { name: 'vlan50', bridge: 'vmbr2' }
const WRONG: readonly (readonly [TaskType, unknown, RegExp])[] = [
  [ovsBridgeTask, { name: 'ovs-br' }, /^name: /],
  [ovsBridgeTask, { name: 'vmbr2', ports: ['eno2', 'eno2'] }, /^ports: names a port twice/],
  [ovsBridgeTask, { name: 'vmbr2', ports: ['vmbr2'] }, /^ports: names vmbr2 itself/],
  [ovsPortTask, { name: 'eno2' }, /^bridge: /],
  [ovsPortTask, { ...PORT, name: 'eno2.5' }, /^name: is a VLAN/],
  [ovsPortTask, { ...PORT, tag: 0 }, /^tag: /],
  [ovsPortTask, { ...PORT, trunks: [1] }, /^trunks: /],
  [ovsPortTask, { ...PORT, tag: 5, trunks: [6], vlan_mode: 'access' }, /^trunks: 6 do not go with vlan_mode access/],
  [ovsPortTask, { ...PORT, tag: 5, vlan_mode: 'trunk' }, /^tag: does not go/],
  [ovsPortTask, { ...PORT, vlan_mode: 'native-tagged' }, /^vlan_mode: native-tagged needs a `tag`/],
  [ovsIntPortTask, { ...INNER, name: 'eno5' }, /^name: eno5 is what PVE takes for a card/],
  [ovsIntPortTask, { ...INNER, name: 'bond1' }, /^name: bond1 is what PVE takes/],
  [ovsIntPortTask, { ...INNER, name: 'vmbr2.5' }, /^name: vmbr2\.5 is what PVE takes/],
  [ovsIntPortTask, { ...INNER, name: 'vmbr2' }, /^name: .*the bridge itself/],
  [ovsBondTask, { ...BOND, name: 'uplink' }, /^name: must be bond and a number/],
  [ovsBondTask, { ...BOND, slaves: ['eno2'] }, /^slaves: .*at least two/],
  [ovsBondTask, { ...BOND, slaves: ['eno2', 'eno2'] }, /^slaves: names a card twice/],
  [ovsBondTask, { ...BOND, slaves: ['eno2', 'eno3.4'] }, /^slaves: names the VLAN eno3\.4/],
  [ovsBondTask, { ...BOND, mode: 'balance-tcp' }, /^mode: /],
  [ovsBondTask, { ...BOND, mode: 'balance-slb', lacp_rate: 'fast' }, /^lacp_rate: needs/],
]
for (const [type, params, expected] of WRONG)
  test(`${type.name}: ${JSON.stringify(params)}`, () => assert.match(paramProblems(type, params).join('\n'), expected))

const TYPES = [ovsBridgeTask, ovsPortTask, ovsIntPortTask, ovsBondTask]

test('the examples are right, and every parameter is described', () => {
  for (const type of TYPES) {
    assert.equal(paramProblems(type, parse(type.example)[type.name]), [], type.name)
    const { shape } = type.params as unknown as { shape: Record<string, { description?: string }> }
    for (const [name, field] of Object.entries(shape)) assert.ok(field.description, `${type.name}.${name}`)
  }
})

test('a card belongs to one task, whether it is named as port, slave or in a list', () => {
  const holders = [
    claimsOf(ovsBridgeTask, { name: 'vmbr2', ports: ['eno2'] }),
    claimsOf(ovsPortTask, PORT),
    claimsOf(ovsBondTask, BOND),
  ]
  for (const claims of holders) assert.ok(claims.includes('port:eno2'), claims.join(' '))
})

test('several tasks may need the package and its daemon', () => {
  for (const resource of ovsIntPortTask.resources(ovsIntPortTask.params.parse(INNER), {} as never).slice(0, 2))
    assert.is(resource.shared, true, resource.key)
})

test.run()
