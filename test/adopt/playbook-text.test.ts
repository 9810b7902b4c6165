import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { type TaskDraft, Variable } from '../../src/adopt/adopter.ts'
import { playbookText, type Section, variablesText } from '../../src/adopt/playbook-text.ts'
import { hostVariables } from '../../src/adopt/variables.ts'

const test = suite('adopt: playbook')

const BRIDGE: TaskDraft = {
  name: 'Bridge vmbr1',
  type: 'bridge',
  params: {
    name: new Variable('internal_bridge', 'vmbr1'),
    address: new Variable('internal_address', '10.0.0.1/24'),
    ports: [],
  },
}

function write(section: Partial<Section>, known: Readonly<Record<string, unknown>> = {}, ownVars = false): string {
  const sections = [{ title: 'Network', tasks: [], suggestions: [], leftOvers: [], ...section }]
  const variables = hostVariables(
    sections.flatMap(({ tasks }) => tasks),
    known,
  )
  const values = { ...known, ...Object.fromEntries(variables.fresh) }
  return playbookText({ host: 'node1', day: '2026-11-21', sections, variables, values, ownVars })
}

test('values that the inventory has are used, others are written, differing ones stand in the task', () => {
  const known = { internal_address: '10.0.0.1/24', internal_bridge: 'vmbr7' }
  const [play] = parse(write({ tasks: [BRIDGE] }, known))
  assert.equal(play.tasks[0].bridge, { name: 'vmbr1', address: '<%= vars.internal_address %>', ports: [] })
  const variables = hostVariables([BRIDGE], known)
  assert.is(variablesText(variables, 'node1'), undefined)
  const fresh = hostVariables([BRIDGE], {})
  assert.equal(parse(variablesText(fresh, 'node1') ?? ''), {
    internal_bridge: 'vmbr1',
    internal_address: '10.0.0.1/24',
  })
})

test('of two values for one name the second stands in its task', () => {
  const other = { ...BRIDGE, params: { name: new Variable('internal_bridge', 'vmbr2') } }
  const [play] = parse(write({ tasks: [BRIDGE, other] }, {}, true))
  assert.equal(play.vars, { internal_bridge: 'vmbr1', internal_address: '10.0.0.1/24' })
  assert.equal(
    play.tasks.map((task: { bridge: { name: string } }) => task.bridge.name),
    ['<%= vars.internal_bridge %>', 'vmbr2'],
  )
})

test('text that looks like a template stays text', () => {
  const text = write({ tasks: [{ name: 'a <% b', type: 'file', params: { path: '/a', content: 'x <%= 1 %>' } }] })
  const [play] = parse(text)
  assert.equal(play.tasks[0], { name: 'a <%% b', file: { path: '/a', content: 'x <%%= 1 %>' } })
})

test('suggestions can be uncommented, and what is left over is named', () => {
  const text = write({
    tasks: [],
    suggestions: [{ tasks: [BRIDGE], why: ['one\ntwo', 'three'] }],
    leftOvers: [{ what: 'bond0', why: 'no task\nfor it' }],
  })
  assert.equal(parse(text)[0].tasks, [])
  const [play] = parse(text.replace('tasks: []', 'tasks:').replace(/^ {4}# (?!---)/gm, '    '))
  assert.equal(play.tasks[0].bridge, { name: 'vmbr1', address: '10.0.0.1/24', ports: [] })
  assert.match(text, '# - bond0: no task; for it\n')
  assert.match(text, '# Not looked at: guests')
})

test.run()
