import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clockNotice, noticesOf } from '../../src/engine/notices.ts'
import { planTasks } from '../../src/engine/plan.ts'
import { stepHint } from '../../src/engine/step-hints.ts'
import { becomes } from '../../src/facts/fact.ts'
import { ifupdownOf, isPveBuild } from '../../src/facts/ifupdown.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { unfinishedRunsRef } from '../../src/facts/run-records.ts'
import { testTask } from '../helpers/job.ts'
import { modelOf } from '../helpers/model.ts'
import { modelOfNode, resourcesOf } from '../helpers/network-node.ts'

const test = suite('notices and hints')
const NOW = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000

const clocks: readonly [string, number, RegExp | undefined][] = [
  ['as here', 0, undefined],
  ['a little off', 4 * 60_000, undefined],
  ['ahead', 6 * 60_000, /6 min ahead of this machine's/],
  ['hours behind', -5 * HOUR, /5 h behind/],
  ['years behind', -4000 * 24 * HOUR, /4000 days behind/],
]
for (const [name, off, expected] of clocks)
  test(`clock ${name}`, () => {
    const notice = clockNotice({ observedAt: NOW + off }, { asked: NOW - 100, came: NOW + 100 })
    if (expected === undefined) assert.is(notice, undefined)
    else assert.match(notice ?? '', expected)
  })

test('a slow observation is no clock that is off', () => {
  assert.is(clockNotice({ observedAt: NOW }, { asked: NOW - HOUR, came: NOW + HOUR }), undefined)
})

/** A node with some builds, by the name of the package. */
function builds(versions: Readonly<Record<string, string>>) {
  const state = (version?: string) => (version === undefined ? { installed: false } : { installed: true, version })
  return ['ifupdown', 'ifupdown2'].map((name) => becomes(packageNamed(name), state(versions[name])))
}

test('which ifupdown a node has', () => {
  const of = (versions: Readonly<Record<string, string>>) => ifupdownOf(modelOf(...builds(versions)))
  assert.equal(of({ ifupdown2: '3.2.0-1+pmx8' }), { name: 'ifupdown2', installed: true, version: '3.2.0-1+pmx8' })
  assert.ok(isPveBuild(of({ ifupdown2: '3.2.0-1+pmx8', ifupdown: '0.8.41' })))
  assert.not.ok(isPveBuild(of({ ifupdown2: '3.0.0-1.1' })))
  assert.is(of({ ifupdown: '0.8.41' })?.name, 'ifupdown')
  assert.is(of({}), undefined)
})

function notices(version: string, task: Readonly<Record<string, unknown>>) {
  const model = modelOfNode({}).with([becomes(unfinishedRunsRef, []), ...builds({ ifupdown2: version })])
  const plan = planTasks([testTask('1', ...resourcesOf([task]))], model)
  return noticesOf(plan, { asked: model.observedAt, came: model.observedAt })
}

test('an ifupdown2 other than that of PVE is told of when interfaces change, and only then', () => {
  const edit = { interface_comment: { name: 'vmbr0', comment: 'x' } }
  assert.match(notices('3.0.0-1.1', edit)[0] ?? '', /ifupdown2 3\.0\.0-1\.1, not Proxmox VE's build.*never runs it/)
  assert.equal(notices('3.2.0-1+pmx8', edit), [])
  assert.equal(notices('3.0.0-1.1', { bridge: { name: 'vmbr0', ports: ['eno1'] } }), [])
})

const hints: readonly [string, RegExp | undefined][] = [
  ['cp: error writing: No space left on device', /full/],
  ["rm: cannot remove '/etc/x': Read-only file system", /read-only/],
  [
    "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.",
    /dpkg --configure -a/,
  ],
  ['the package manager is locked by pid 77 (apt-get), for more than a minute', /wait until that process/],
  ['E: Release file for http://x/InRelease is not valid yet (invalid for another 2h)', /clock/],
  ["Temporary failure resolving 'deb.debian.org'", /resolve/],
  ['E: Unable to locate package nosuch', /repository/],
  ['  401  Unauthorized [IP: 192.0.2.1 443]', /subscription/],
  ['something else', undefined],
]
for (const [line, expected] of hints)
  test(`hint for: ${line}`, () => {
    const hint = stepHint(['noise', line])
    if (expected === undefined) assert.is(hint, undefined)
    else assert.match(hint ?? '', expected)
  })

test.run()
