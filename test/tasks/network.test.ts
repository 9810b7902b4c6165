import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { bridgeTask } from '../../src/tasks/bridge.ts'
import { interfaceCommentTask } from '../../src/tasks/interface-comment.ts'
import { hostCidr } from '../../src/tasks/interface-fields.ts'
import { masqueradeTask } from '../../src/tasks/masquerade.ts'
import { ParamProblem, type TaskType } from '../../src/tasks/task-type.ts'
import { hostContext } from '../helpers/host-context.ts'

const test = suite('bridge, interface_comment, masquerade: parameters')

/** Problems of the schema, else of the expansion. */
function problems(type: TaskType, params: unknown): readonly string[] {
  const { data, error } = type.params.safeParse(params)
  if (error !== undefined) return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  try {
    type.resources(data, hostContext())
    return []
  } catch (problem) {
    if (!(problem instanceof ParamProblem)) throw problem
    return [`${problem.path.join('.')}: ${problem.message}`]
  }
}

const WRONG: readonly (readonly [TaskType, unknown, RegExp])[] = [
  [bridgeTask, { name: 'vmbr-1' }, /^name: /],
  [bridgeTask, { name: 'vmbr12345678' }, /^name: /],
  [bridgeTask, { name: '1vmbr' }, /^name: /],
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
  test(`${type.name}: ${JSON.stringify(params)}`, () => assert.match(problems(type, params).join('\n'), expected))

test('one mistake in an address is told once', () => {
  assert.is(hostCidr.safeParse('banana').error?.issues.length, 1)
})

test('what is right', () => {
  for (const address of ['10.0.0.1/24', '10.0.0.0/31', '203.0.113.7/32', 'none'])
    assert.equal(problems(bridgeTask, { name: 'lan', address }), [], address)
  assert.equal(problems(bridgeTask, { name: 'vmbr1', stp: true, fd: 2, ports: ['eno1.50'], comment: '' }), [])
})

test('the examples are right', () => {
  for (const type of [bridgeTask, interfaceCommentTask, masqueradeTask])
    assert.equal(problems(type, parse(type.example)[type.name]), [], type.name)
})

test('every parameter is described', () => {
  for (const type of [bridgeTask, interfaceCommentTask, masqueradeTask]) {
    const shape = (type.params as unknown as { shape: Record<string, { description?: string }> }).shape
    for (const [name, field] of Object.entries(shape)) assert.ok(field.description, `${type.name}.${name}`)
  }
})

test('what only one task of a host may have', () => {
  const owned = (type: TaskType, params: unknown) =>
    type.resources(type.params.parse(params), hostContext()).flatMap(({ key, claims = [] }) => [key, ...claims])
  assert.equal(owned(bridgeTask, { name: 'vmbr1', ports: ['eno2'], comment: 'x' }), [
    'interfaces:vmbr1',
    'port:eno2',
    'comment:vmbr1',
    'bridge:vmbr1',
  ])
  assert.equal(owned(interfaceCommentTask, { name: 'vmbr1', comment: 'x' }), [
    'interfaces-comment:vmbr1',
    'comment:vmbr1',
  ])
  assert.equal(owned(masqueradeTask, { source: '10.0.0.0/24', out: 'vmbr0' }), [
    'nat:10.0.0.0/24>vmbr0',
    'interfaces-hooks:10.0.0.0/24>vmbr0',
  ])
})

test.run()
