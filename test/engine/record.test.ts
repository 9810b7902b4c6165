import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { KEEP_RUNS } from '../../src/engine/record.ts'
import { run } from '../../src/engine/run.ts'
import type { FactRef } from '../../src/facts/fact.ts'
import { type RunRecord, runRecordsRef } from '../../src/facts/run-records.ts'
import type { HostTask } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import { file, fileAbsent } from '../../src/resources/file.ts'
import { sha256 } from '../../src/resources/sha256.ts'
import { symlink } from '../../src/resources/symlink.ts'
import { testJob, testTask } from '../helpers/job.ts'
import { localConnector, observeHere } from '../helpers/local-connection.ts'

interface Context {
  root: string
}

const test = suite<Context>('records on the node')
const me = userInfo().username
const owner = `${me}:${me}`
const text = (content: string) => Buffer.from(content)

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'pvectl-record-'))
})
test.after.each(({ root }) => rmSync(root, { recursive: true, force: true }))

async function go(root: string, tasks: HostTask[], mode: 'apply' | 'check' = 'apply') {
  const events: RunEvent[] = []
  const job = { ...testJob(tasks), digest: 'd16e57' }
  const report = await run({ job, connector: localConnector(root), mode, emit: (event) => events.push(event) })
  return { report, events }
}

async function records(root: string): Promise<readonly RunRecord[]> {
  return (await observeHere(root, [runRecordsRef as FactRef<unknown>])).get(runRecordsRef)
}

test('says who, when, what, and what became of each path', async ({ root }) => {
  const path = (name: string) => join(root, name)
  writeFileSync(path('edited'), 'before\n')
  writeFileSync(path('removed'), 'x')
  symlinkSync('/nowhere', path('link'))
  const { report, events } = await go(root, [
    testTask('1', file({ path: path('edited'), content: text('after\n'), owner })),
    testTask('2', file({ path: path('with blank'), content: text('new'), owner })),
    testTask('3', fileAbsent(path('removed')), symlink(path('link'), '/elsewhere')),
    testTask('4', command({ run: 'echo s3cret >/dev/null', touches: [] })),
  ])
  assert.is(report.exitCode, 0, JSON.stringify(events))
  const [record, ...others] = await records(root)
  assert.equal(others, [])
  const started = events.find((event) => event.event === 'run:started')
  assert.is(record?.id, `${started?.id}-0`)
  assert.is(record?.owner, started?.owner)
  assert.match(record?.owner ?? '', `${me}@`)
  assert.is(record?.playbook, 'site.yml')
  assert.is(record?.digest, 'd16e57')
  assert.is(record?.result, 'ok')
  assert.is(record?.alive, false)
  assert.match(record?.started ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.match(record?.ended ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.equal(record?.paths, [
    { path: path('edited'), before: 'file', after: sha256(text('after\n')) },
    { path: path('with blank'), before: 'absent', after: sha256(text('new')) },
    { path: path('removed'), before: 'file', after: 'absent' },
    { path: path('link'), before: 'link', after: `link:${sha256(text('/elsewhere'))}` },
  ])
  assert.equal(
    record?.steps.map(({ kind }) => kind),
    ['file', 'file', 'file', 'symlink', 'command'],
  )
  assert.equal(record?.steps[0]?.changes, [`edit ${path('edited')}`])
  assert.equal(record?.steps[4], { kind: 'command', title: 'task 4', changes: [] })
  const kept = readdirSync(join(root, 'lib/runs', record?.id ?? ''))
  for (const name of kept.filter((entry) => entry !== 'files')) {
    assert.not.match(readFileSync(join(root, 'lib/runs', record?.id ?? '', name), 'utf8'), 's3cret', name)
  }
})

test('a failed run has its record too, with what it did', async ({ root }) => {
  const path = join(root, 'a')
  await go(root, [
    testTask('1', file({ path, content: text('x'), owner })),
    testTask('2', command({ run: 'exit 3', touches: [] })),
  ])
  const [record] = await records(root)
  assert.is(record?.result, 'failed')
  assert.equal(record?.paths, [{ path, before: 'absent', after: sha256(text('x')) }])
})

test('a run that broke off is told once a change has been made, and by every check until then', async ({ root }) => {
  const broken = join(root, 'lib/runs/20260101T000000-aaaaaa-0')
  mkdirSync(broken, { recursive: true })
  const gone = 'id=x\nowner=ada@laptop\nplaybook=site.yml\nstarted=2026-01-01T00:00:00Z\npid=999999999\n'
  writeFileSync(join(broken, 'run'), gone)
  const tasks = [testTask('1', file({ path: join(root, 'a'), content: text('x'), owner }))]
  const notices = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.event === 'host:notice' ? [event.message] : []))
  for (const mode of ['check', 'check', 'apply'] as const) {
    const { events } = await go(root, tasks, mode)
    assert.is(notices(events).length, 1, mode)
    assert.match(notices(events)[0] ?? '', /20260101T000000-aaaaaa-0 of ada@laptop .* broke off/)
  }
  assert.equal(notices((await go(root, tasks)).events), [])
  assert.is((await records(root))[0]?.result, 'interrupted')
})

test('a run that goes on is no broken run', async ({ root }) => {
  const path = join(root, 'a')
  const slow = go(root, [testTask('1', command({ run: `touch ${path}; sleep 3`, touches: [] }))])
  const deadline = Date.now() + 5000
  let now: readonly RunRecord[] = []
  while (now.length === 0 && Date.now() < deadline) now = await records(root)
  assert.is(now[0]?.alive, true)
  const { events } = await go(root, [testTask('1', file({ path, content: text('y'), owner }))], 'check')
  assert.is(events.filter((event) => event.event === 'host:notice').length, 0)
  await slow
  assert.is((await records(root))[0]?.alive, false)
})

test('the records of the last runs are kept, all executions of a run together', async ({ root }) => {
  for (let day = 1; day <= KEEP_RUNS + 4; day++) {
    for (const part of ['0', '0.2', '1']) {
      const dir = join(root, `lib/runs/202501${String(day).padStart(2, '0')}T000000-123456-${part}`)
      mkdirSync(dir, { recursive: true })
      writeFileSync(join(dir, 'run'), 'owner=x\n')
      writeFileSync(join(dir, 'result'), 'ok\n')
    }
  }
  await go(root, [testTask('1', file({ path: join(root, 'a'), content: text('x'), owner }))])
  const left = readdirSync(join(root, 'lib/runs'))
  assert.is(left.length, (KEEP_RUNS - 1) * 3 + 1)
  assert.not.ok(left.some((name) => name < '20250106'))
})

test.run()
