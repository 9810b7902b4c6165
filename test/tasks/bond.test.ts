import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { bondTask } from '../../src/tasks/bond.ts'
import { claimsOf, paramProblems } from '../helpers/param-problems.ts'

const test = suite('bond: parameters')

const BOND = { name: 'bond0', slaves: ['eno1', 'eno2'] }
const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [{ name: 'uplink', slaves: ['eno1'] }, /^name: must be bond and a number/],
  [{ name: 'bond12345' }, /^name: /],
  [{ name: 'bond0', slaves: [] }, /^slaves: /],
  [{ name: 'bond0', slaves: ['eno1', 'eno1'] }, /^slaves: names a card twice/],
  [{ name: 'bond0', slaves: ['bond0'] }, /^slaves: names bond0 itself/],
  [{ name: 'bond0', slaves: ['eno1.5'] }, /^slaves: names the VLAN eno1\.5/],
  [{ ...BOND, mode: 'lacp' }, /^mode: /],
  [{ ...BOND, primary: 'eno1' }, /^primary: needs `mode: active-backup`/],
  [{ ...BOND, mode: 'active-backup', primary: 'eno3' }, /^primary: .*not among the slaves/],
  [{ ...BOND, hash_policy: 'layer2' }, /^hash_policy: needs/],
  [{ ...BOND, mode: '802.3ad', hash_policy: 'layer4' }, /^hash_policy: /],
  [{ ...BOND, mode: 'balance-xor', lacp_rate: 'fast' }, /^lacp_rate: needs `mode: 802\.3ad`/],
  [{ ...BOND, miimon: 0 }, /^miimon: /],
  [{ ...BOND, bridge: 'vmbr0', address: '10.0.0.1/24' }, /^address: would be lost as a port of vmbr0/],
  [{ ...BOND, bridge: 'vmbr0', address6: 'fd00::1/64' }, /^address6: would be lost/],
]
for (const [params, expected] of WRONG)
  test(`wrong: ${JSON.stringify(params)}`, () => assert.match(paramProblems(bondTask, params).join('\n'), expected))

test('right', () => {
  for (const params of [
    BOND,
    { ...BOND, mode: '802.3ad', hash_policy: 'layer3+4', lacp_rate: 'fast', mtu: 9000 },
    { ...BOND, mode: 'balance-xor', hash_policy: 'layer2' },
    { ...BOND, address: '10.0.0.1/24', address6: 'fd00::1/64' },
    { name: 'bond0', miimon: 50 },
    { name: 'bond0', state: 'absent' },
    parse(bondTask.example).bond,
  ])
    assert.equal(paramProblems(bondTask, params), [], JSON.stringify(params))
})

test('its slaves belong to no other task', () => {
  assert.equal(claimsOf(bondTask, BOND), ['interfaces:bond0', 'port:eno1', 'port:eno2', 'bond:bond0'])
})

test('every parameter is described', () => {
  const { shape } = bondTask.params as unknown as { shape: Record<string, { description?: string }> }
  for (const [name, field] of Object.entries(shape)) assert.ok(field.description, name)
})

test.run()
