import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { installation } from '../../src/facts/installation.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { unit } from '../../src/resources/unit.ts'
import { packageTask } from '../../src/tasks/package.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, modelOf, planChange, summaries, unitState } from '../helpers/model.ts'

const test = suite('package')
const NONE = unitState({ load: 'not-found', active: 'inactive', enabled: '', activeSince: 0, changedAt: 0 })
const nginx = unit({ unit: 'nginx.service', running: true })

function fresh() {
  return modelOf(fact(packageNamed('nginx-light'), { installed: false }), fact(unitNamed('nginx.service'), NONE))
}

function expand(params: unknown) {
  return packageTask.resources(packageTask.params.parse(params), hostContext())
}

test('a list, each once; in its place already', () => {
  assert.equal(
    expand({ name: ['a2', 'b2', 'a2'] }).map(({ key }) => key),
    ['package:a2', 'package:b2'],
  )
  const [resource] = expand({ name: 'vim' })
  assert.is(resource?.plan(modelOf(fact(packageNamed('vim'), { installed: true }))).kind, 'ok')
})

test('a unit that a new package may bring is unknown, not missing', () => {
  const [resource] = expand({ name: 'nginx-light' })
  assert.ok(resource)
  const plan = planChange(resource, fresh())
  assert.ok(plan.disturbs !== 'anything' && plan.disturbs?.includes(installation))
  const after = fresh()
    .disturbed(plan.disturbs as [])
    .with(plan.after)
  assert.is(nginx.plan(fresh()).kind, 'blocked')
  assert.is(nginx.plan(after).kind, 'unknown')
})

test('named units are held back and known', () => {
  const [resource] = expand({ name: 'nginx-light', units: ['nginx.service'] })
  assert.ok(resource)
  const plan = planChange(resource, fresh())
  assert.match(plan.script.display, 'mask -q --runtime')
  assert.equal(summaries(planChange(nginx, fresh().with(plan.after))), ['start nginx.service'])
})

test('mistakes', () => {
  assert.not(packageTask.params.safeParse({ name: 'Nginx' }).success)
  assert.not(packageTask.params.safeParse({ name: [] }).success)
  assert.not(packageTask.params.safeParse({ name: 'nginx', version: '1' }).success)
  assert.not(packageTask.params.safeParse({ name: ['vim', 'openssh-server'], state: 'absent' }).success)
  assert.ok(packageTask.params.safeParse({ name: ['vim', 'openssh-server'] }).success)
})

test.run()
