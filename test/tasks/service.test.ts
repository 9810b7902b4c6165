import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { type UnitState, unitNamed } from '../../src/facts/unit.ts'
import { serviceTask } from '../../src/tasks/service.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, NOW, summaries, unitState } from '../helpers/model.ts'
import { planAll } from '../helpers/plan-all.ts'

const test = suite('service')
const FILE = '/etc/x.conf'
const STALE = { activeSince: NOW - 7_200_000, changedAt: NOW - 7_200_000 }

const CASES: [string, object, Partial<UnitState>, string[]][] = [
  ['in its place', { state: 'started', enabled: true }, {}, []],
  [
    'started and enabled',
    { state: 'started', enabled: true },
    { active: 'failed', enabled: 'disabled' },
    ['enable x.service', 'start x.service (it has failed)'],
  ],
  ['stopped alone leaves it enabled', { state: 'stopped' }, {}, ['stop x.service']],
  ['disabled alone leaves it running', { enabled: false }, {}, ['disable x.service']],
  ['a newer file restarts', { restart_on: [FILE] }, STALE, [`restart x.service (${FILE} is newer)`]],
  ['a newer file reloads', { reload_on: [FILE] }, STALE, [`reload x.service (${FILE} is newer)`]],
  ['reloaded since', { reload_on: [FILE] }, { ...STALE, changedAt: NOW - 60_000 }, []],
  ['not running, not started', { restart_on: [FILE] }, { ...STALE, active: 'inactive' }, []],
]
for (const [name, params, state, expected] of CASES) {
  test(name, () => {
    const resources = serviceTask.resources(serviceTask.params.parse({ name: 'x', ...params }), hostContext())
    const model = modelOf(fact(unitNamed('x.service'), unitState(state)), fact(fileAt(FILE), fileState('')))
    assert.equal(planAll(resources, model).flatMap(summaries), expected)
  })
}

test('a suffix is kept, an instance is a service', () => {
  const keys = (name: string) =>
    serviceTask.resources(serviceTask.params.parse({ name, enabled: true }), hostContext()).map(({ key }) => key)
  assert.equal(keys('apt-daily.timer'), ['unit:apt-daily.timer'])
  assert.equal(keys('ceph-mon@pve1'), ['unit:ceph-mon@pve1.service'])
})

test('mistakes: nothing said, both at once, a verb as state', () => {
  const bad = (params: object) => !serviceTask.params.safeParse({ name: 'x', ...params }).success
  assert.ok(bad({}))
  assert.ok(bad({ restart_on: [FILE], reload_on: [FILE] }))
  assert.ok(bad({ state: 'restarted' }))
  assert.ok(bad({ name: 'x y' }))
})

test.run()
