import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { bridgeTask } from '../../src/tasks/bridge.ts'
import { interfaceCommentTask } from '../../src/tasks/interface-comment.ts'
import { hostCidr } from '../../src/tasks/interface-fields.ts'
import { masqueradeTask } from '../../src/tasks/masquerade.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'
import { claimsOf, paramProblems } from '../helpers/param-problems.ts'

const test = suite('bridge, interface_comment, masquerade: parameters')

const WRONG: readonly (readonly [TaskType, unknown, RegExp])[] = [
  [bridgeTask, { name: 'vmbr-1' }, /^name: /],
  [bridgeTask, { name: 'vmbr12345678' }, /^name: /],
  [bridgeTask, { name: '1vmbr' }, /^name: /],
  [bridgeTask, { name: 'b' }, /^name: .*2 to 10/],
  [bridgeTask, { name: 'lo' }, /^name: .*gives to links of its own/],
  [bridgeTask, { name: 'tap100i0' }, /^name: .*gives to links of its own/],
  [bridgeTask, { name: 'vmbr1', address6: 'fd00::1' }, /^address6: .*IPv6 address with prefix/],
  [bridgeTask, { name: 'vmbr1', address6: 'ff02::1/64' }, /^address6: .*not an address that a host can have/],
  [bridgeTask, { name: 'vmbr1', address6: '10.0.0.1/24' }, /^address6: /],
  [bridgeTask, { name: 'vmbr1', vids: [10] }, /^vids: needs `vlan_aware: true`/],
  [bridgeTask, { name: 'vmbr1', vlan_aware: true, vids: [1] }, /^vids: .*no VLAN from 2 to 4094/],
  [bridgeTask, { name: 'vmbr1', vlan_aware: true, vids: '20-10' }, /^vids: /],
  [bridgeTask, { name: 'vmbr1', vlan_aware: true, vids: [] }, /^vids: /],
  [bridgeTask, { name: 'vmbr1', vlan_aware: true, vids: 4095 }, /^vids: /],
  [bridgeTask, { name: 'vmbr1', mtu: 1000 }, /^mtu: /],
  [bridgeTask, { name: 'vmbr1', address: '10.0.0.1' }, /^address: /],
  [
    bridgeTask,
    { name: 'vmbr1', address: '10.0.0.0/24' },
    /^address: .*10\.0\.0\.0\/24 is the network or broadcast address/,
  ],
  [bridgeTask, { name: 'vmbr1', address: '10.0.0.255/24' }, /network or broadcast/],
  [bridgeTask, { name: 'vmbr1', address: '10.0.0.1/33' }, /^address: /],
  [bridgeTask, { name: 'vmbr1', address: '10.0.0.256/24' }, /^address: /],
  [bridgeTask, { name: 'vmbr1', address: 'fe80::1/64' }, /^address: /],
  [bridgeTask, { name: 'vmbr1', ports: ['enxaabbccddeeff00'] }, /^ports\.0: /],
  [bridgeTask, { name: 'vmbr1', ports: ['eno1', 'eno1'] }, /^ports: names a port twice/],
  [bridgeTask, { name: 'vmbr1', ports: ['vmbr1'] }, /^ports: names vmbr1 itself/],
  [bridgeTask, { name: 'vmbr1', stp: true, fd: 1 }, /^fd: must be 2 to 30/],
  [bridgeTask, { name: 'vmbr1', fd: 31 }, /^fd: /],
  [bridgeTask, { name: 'vmbr1', comment: 'a\nb' }, /^comment: /],
  [bridgeTask, { name: 'vmbr1', comment: 'a \\ b' }, /^comment: .*backslash/],
  [bridgeTask, { name: 'vmbr1', comment: '#a' }, /^comment: /],
  [bridgeTask, { name: 'vmbr1', comment: `\${a}` }, /^comment: .*template/],
  [bridgeTask, { name: 'vmbr1', adress: '10.0.0.1/24' }, /adress/],
  [interfaceCommentTask, { name: 'vmbr0' }, /^comment: /],
  [
    masqueradeTask,
    { source: '10.10.10.1/24', out: 'vmbr0' },
    /^source: 10\.10\.10\.1\/24 is an address within 10\.10\.10\.0\/24/,
  ],
  [masqueradeTask, { source: '10.10.10.0', out: 'vmbr0' }, /^source: /],
  [masqueradeTask, { source: '0.0.0.0/0', out: 'vmbr0' }, /^source: /],
  [
    masqueradeTask,
    { source: '10.10.10.0/24', out: 'vmbr0', snat: { to: '10.0.0' } },
    /^snat\.to: must be an IP address/,
  ],
  [masqueradeTask, { source: '10.10.10.0/24' }, /^out: /],
]

for (const [type, params, expected] of WRONG)
  test(`${type.name}: ${JSON.stringify(params)}`, () => assert.match(paramProblems(type, params).join('\n'), expected))

test('one mistake in an address is told once', () => {
  assert.is(hostCidr.safeParse('banana').error?.issues.length, 1)
})

test('what is right', () => {
  for (const address of ['10.0.0.1/24', '10.0.0.0/31', '203.0.113.7/32', 'none'])
    assert.equal(paramProblems(bridgeTask, { name: 'lan', address }), [], address)
  assert.equal(paramProblems(bridgeTask, { name: 'vmbr1', stp: true, fd: 2, ports: ['eno1.50'], comment: '' }), [])
})

test('the examples are right', () => {
  for (const type of [bridgeTask, interfaceCommentTask, masqueradeTask])
    assert.equal(paramProblems(type, parse(type.example)[type.name]), [], type.name)
})

test('every parameter is described', () => {
  for (const type of [bridgeTask, interfaceCommentTask, masqueradeTask]) {
    const shape = (type.params as unknown as { shape: Record<string, { description?: string }> }).shape
    for (const [name, field] of Object.entries(shape)) assert.ok(field.description, `${type.name}.${name}`)
  }
})

test('what only one task of a host may have', () => {
  assert.equal(claimsOf(bridgeTask, { name: 'vmbr1', ports: ['eno2'], comment: 'x' }), [
    'interfaces:vmbr1',
    'port:eno2',
    'comment:vmbr1',
    'bridge:vmbr1',
  ])
  assert.equal(claimsOf(interfaceCommentTask, { name: 'vmbr1', comment: 'x' }), [
    'interfaces-comment:vmbr1',
    'comment:vmbr1',
  ])
  assert.equal(claimsOf(masqueradeTask, { source: '10.0.0.0/24', out: 'vmbr0' }), [
    'nat:10.0.0.0/24>vmbr0',
    'interfaces-hooks:10.0.0.0/24>vmbr0',
  ])
})

test.run()
