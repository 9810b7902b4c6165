import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { guardOf } from '../../src/facts/guard.ts'
import { commandTask } from '../../src/tasks/command.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, modelOf, planChange } from '../helpers/model.ts'

const test = suite('command')

function expand(params: unknown) {
  const [resource] = commandTask.resources(commandTask.params.parse(params), hostContext())
  assert.ok(resource)
  return resource
}

test('a guard that holds leaves nothing to do; one that does not makes it run once', () => {
  const guard = { creates: '/done', unless: undefined }
  const resource = expand({ run: 'make it', creates: '/done', chdir: '/srv/a b' })
  assert.is(resource.plan(modelOf(fact(guardOf(guard), true))).kind, 'ok')
  const plan = planChange(resource, modelOf(fact(guardOf(guard), false)))
  assert.match(plan.script.display, "cd -- '/srv/a b'\nprintf '%s\\n' 'make it' | ")
  assert.is(plan.unverifiable, undefined)
  assert.is(plan.disturbs, 'anything')
})

test('without a guard it runs every time, and says so', () => {
  const plan = expand({ run: 'date' }).plan(modelOf())
  assert.is(plan.kind === 'change' && plan.unverifiable, true)
})

test('what it touches is all that becomes uncertain', () => {
  const plan = expand({ run: 'x', touches: ['/etc/x', 'x.service'] }).plan(modelOf())
  const disturbed = plan.kind === 'change' && plan.disturbs !== 'anything' ? (plan.disturbs ?? []) : []
  assert.equal(
    disturbed.map(({ kind, id }) => `${kind.name} ${id}`),
    ['file /etc/x', 'unit x.service'],
  )
})

test('mistakes', () => {
  const bad = (params: object) => !commandTask.params.safeParse(params).success
  assert.ok(bad({ run: '' }))
  assert.ok(bad({ run: 'x', creates: 'relative' }))
  assert.ok(bad({ run: 'x', chdir: '/a/../b' }))
  assert.ok(bad({ cmd: 'x' }))
})

test.run()
