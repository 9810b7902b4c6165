import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { type UnitDesired, unit } from '../../src/resources/unit.ts'
import { fact, fileState, modelOf, NOW, planChange, summaries, unitState } from '../helpers/model.ts'

const test = suite('unit resource')
const CONF = '/etc/x.conf'
const desired: UnitDesired = {
  unit: 'x.service',
  running: true,
  enabled: true,
  watch: { paths: [CONF], verb: 'restart' },
}

function model(state = unitState(), ctime = NOW - 3_600_000) {
  return modelOf(fact(unitNamed('x.service'), state), fact(fileAt(CONF), fileState('', { ctime })))
}

test('running, enabled and newer than its files: ok', () => {
  assert.is(unit(desired).plan(model()).kind, 'ok')
})

const cases: [string, Parameters<typeof model>, string[]][] = [
  ['stopped by hand', [unitState({ active: 'inactive' })], ['start x.service']],
  ['failed', [unitState({ active: 'failed' })], ['start x.service (it has failed)']],
  ['disabled', [unitState({ enabled: 'disabled' })], ['enable x.service']],
  ['file changed since the start', [unitState(), NOW - 60_000], ['restart x.service (/etc/x.conf is newer)']],
  [
    'stopped and file changed: a start is enough',
    [unitState({ active: 'inactive' }), NOW - 60_000],
    ['start x.service'],
  ],
  ['unit file changed', [unitState({ needsDaemonReload: true })], ['daemon-reload x.service']],
  ['static units need no enabling', [unitState({ enabled: 'static', active: 'inactive' })], ['start x.service']],
]
for (const [name, args, expected] of cases) {
  test(name, () => {
    assert.equal(summaries(planChange(unit(desired), model(...args))), expected)
  })
}

const OWN = '/etc/systemd/system/x.service'
const UNIT = '[Service]\nExecStart=/bin/true\n'
const INSTALL = `${UNIT}[Install]\nWantedBy=multi-user.target\n`
const missing = unitState({ load: 'not-found', active: 'inactive', enabled: '' })

for (const [name, text, expected] of [
  ['written by an earlier step', INSTALL, ['daemon-reload x.service', 'enable x.service', 'start x.service']],
  ['that nothing wants', UNIT, ['daemon-reload x.service', 'start x.service']],
] as const) {
  test(`a unit ${name} is there`, () => {
    const before = model(missing)
    const written = before.with([fact(fileAt(OWN), fileState(text, { ctime: before.soon }))])
    assert.equal(summaries(planChange(unit(desired), written)), expected)
    assert.is(unit(desired).plan(before.with([fact(fileAt(OWN), { type: 'absent' })])).kind, 'blocked')
  })
}

test('a unit file that an earlier step changes is read again, once', () => {
  const before = model()
  const written = before.with([fact(fileAt(OWN), fileState(INSTALL, { ctime: before.soon }))])
  const change = planChange(unit(desired), written)
  assert.equal(summaries(change), ['daemon-reload x.service'])
  assert.is(unit(desired).plan(model().with([fact(fileAt(OWN), fileState(INSTALL))])).kind, 'ok', 'read long ago')
})

test('so is a drop-in of it, before the restart that is for it', () => {
  const dropIn = fileAt('/etc/systemd/system/x.service.d/memory.conf')
  const watching = unit({ unit: 'x.service', watch: { paths: [dropIn.id], verb: 'restart' } })
  const before = model().with([fact(dropIn, { type: 'absent' })])
  const written = before.with([fact(dropIn, fileState('[Service]\n', { ctime: before.soon }))])
  assert.equal(summaries(planChange(watching, written)), [
    'daemon-reload x.service',
    `restart x.service (${dropIn.id} is newer)`,
  ])
  assert.equal(summaries(planChange(unit(desired), written)), ['daemon-reload x.service'])
  const others = before.with([
    fact(fileAt('/etc/systemd/system/y.service.d/a.conf'), fileState('', { ctime: before.soon })),
  ])
  assert.is(unit(desired).plan(others).kind, 'ok')
})

test('an instance is that of its template', () => {
  const instance = unit({ unit: 'x@one.service', running: true })
  const before = modelOf(fact(unitNamed('x@one.service'), missing))
  const written = before.with([fact(fileAt('/etc/systemd/system/x@.service'), fileState(UNIT, { ctime: before.soon }))])
  assert.equal(summaries(planChange(instance, written)), ['daemon-reload x@one.service', 'start x@one.service'])
})

test('a change time in the future is a wrong clock, not a reason to restart for ever', () => {
  assert.is(unit(desired).plan(model(unitState(), NOW + 60_000)).kind, 'ok')
})

test('a reload counts as having read the files', () => {
  const reloading: UnitDesired = { ...desired, watch: { paths: [CONF], verb: 'reload' } }
  const reloaded = unitState({ changedAt: NOW - 1000 })
  assert.is(unit(reloading).plan(model(reloaded, NOW - 60_000)).kind, 'ok')
  assert.is(unit(desired).plan(model(reloaded, NOW - 60_000)).kind, 'change')
})

test('a second file change in the same run restarts again', () => {
  const start = model()
  const first = planChange(unit(desired), start.with([fact(fileAt(CONF), fileState('1', { ctime: start.soon }))]))
  const changed = start.with([fact(fileAt(CONF), fileState('1', { ctime: start.soon }))]).with(first.after)
  assert.is(unit(desired).plan(changed).kind, 'ok')
  const again = changed.with([fact(fileAt(CONF), fileState('2', { ctime: changed.soon }))])
  assert.is(unit(desired).plan(again).kind, 'change')
})

test('masked and missing units are named, not forced', () => {
  assert.match(JSON.stringify(unit(desired).plan(model(unitState({ load: 'masked' })))), 'masked')
  assert.match(JSON.stringify(unit(desired).plan(model(unitState({ load: 'not-found' })))), 'no unit x.service')
  const off: UnitDesired = { unit: 'x.service', running: false, enabled: false }
  assert.is(unit(off).plan(model(unitState({ load: 'not-found' }))).kind, 'ok')
})

test.run()
