import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { vlanTask } from '../../src/tasks/vlan.ts'
import { claimsOf, paramProblems } from '../helpers/param-problems.ts'

const test = suite('vlan: parameters')

const WRONG: readonly (readonly [unknown, RegExp])[] = [
  [{ name: 'eno-1.50' }, /^name: must be a name of letters/],
  [{ name: 'enx001122334455.50' }, /^name: must have at most 15/],
  [{ name: 'eno1.0' }, /^name: .*numbered 1 to 4094/],
  [{ name: 'eno1.4095' }, /^name: .*numbered 1 to 4094/],
  [{ name: 'eno1.050' }, /^name: .*begins with 0/],
  [{ name: 'vlan050', raw_device: 'eno1' }, /^name: .*begins with 0/],
  [{ name: 'bond7', raw_device: 'eno1', id: 5 }, /^name: bond7 is what PVE takes for a bond/],
  [{ name: 'storage', raw_device: 'eno1' }, /add|does not say which VLAN/],
  [{ name: 'storage', id: 50 }, /does not say which link/],
  [{ name: 'vlan50' }, /does not say which link/],
  [{ name: 'vlan50', raw_device: 'eno1', id: 51 }, /^id: is 51, and PVE reads 50/],
  [{ name: 'eno1.50', raw_device: 'eno2' }, /^raw_device: is eno2, and PVE reads eno1/],
  [{ name: 'storage', raw_device: 'storage', id: 5 }, /names storage itself/],
  [{ name: 'storage', raw_device: 'eno1', id: 4095 }, /^id: /],
  [{ name: 'eno1.50', address: '10.0.0.0/24' }, /^address: .*network or broadcast/],
  [{ name: 'eno1.50', protocol: '802.1p' }, /^protocol: /],
]
for (const [params, expected] of WRONG)
  test(`wrong: ${JSON.stringify(params)}`, () => assert.match(paramProblems(vlanTask, params).join('\n'), expected))

test('right: every form of the name, tags in tags', () => {
  for (const params of [
    { name: 'eno1.50' },
    { name: 'eno1.50', raw_device: 'eno1', id: 50 },
    { name: 'bond0.100.10' },
    { name: 'vlan50', raw_device: 'bond0' },
    { name: 'storage', raw_device: 'enp3s0f1', id: 4094 },
    { name: 'storage', state: 'absent' },
    parse(vlanTask.example).vlan,
  ])
    assert.equal(paramProblems(vlanTask, params), [], JSON.stringify(params))
})

test('one VLAN of a card belongs to one task, whatever it is called', () => {
  const [first, second] = [{ name: 'eno1.50' }, { name: 'storage', raw_device: 'eno1', id: 50 }].map((params) =>
    claimsOf(vlanTask, params),
  )
  assert.equal(
    first?.filter((claim) => second?.includes(claim)),
    ['vlan:50 on eno1'],
  )
})

test('every parameter is described', () => {
  const { shape } = vlanTask.params as unknown as { shape: Record<string, { description?: string }> }
  for (const [name, field] of Object.entries(shape)) assert.ok(field.description, name)
})

test.run()
