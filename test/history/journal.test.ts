import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { historyDirectory } from '../../src/history/directory.ts'
import { createJournal, KEEP_JOURNALS } from '../../src/history/journal.ts'
import { listRuns, readRun } from '../../src/history/runs.ts'
import { madeUpRun } from '../helpers/run-events.ts'
import { failureOf } from '../helpers/within.ts'

interface Context {
  directory: string
}

const test = suite<Context>('history of this machine')

test.before.each((context) => {
  context.directory = join(mkdtempSync(join(tmpdir(), 'pvectl-history-')), 'state/runs')
})
test.after.each(({ directory }) => rmSync(join(directory, '../..'), { recursive: true, force: true }))

function write(directory: string, events: readonly RunEvent[], id?: string): void {
  const journal = createJournal({ directory })
  for (const event of events) journal(event.event === 'run:started' && id !== undefined ? { ...event, id } : event)
}

test('an apply is kept, readable by its owner alone, without file content and output', ({ directory }) => {
  const events = madeUpRun({ mode: 'apply', hosts: ['node1', 'node2'], tasks: 5, failing: ['node2'] })
  const output: RunEvent = { event: 'task:output', host: 'node1', id: '1', line: 'password: s3cret' }
  write(directory, [...events.slice(0, -1), output, ...events.slice(-1)])
  const [name = '', ...others] = readdirSync(directory)
  assert.equal(others, [])
  assert.is(statSync(join(directory, name)).mode & 0o777, 0o600)
  assert.is(statSync(directory).mode & 0o777, 0o700)
  const text = readFileSync(join(directory, name), 'utf8')
  assert.not.match(text, 's3cret')
  assert.not.match(text, 'dhcp-range')
  assert.match(text, 'edit /etc/dnsmasq.d/vmbr1.conf')
  const [run] = listRuns(directory)
  assert.is(run?.id, '20260101T000000-abcdef')
  assert.is(run?.owner, 'ada@laptop')
  assert.is(run?.exitCode, 5)
  assert.equal(run?.hosts, { changed: 1, failed: 1 })
  const { nodes } = readRun('20260101', directory)
  assert.equal(
    nodes.map(({ name: host, status }) => [host, status]),
    [
      ['node1', 'changed'],
      ['node2', 'failed'],
    ],
  )
  assert.ok(nodes[0]?.tasks.some(({ status, changes }) => status === 'changed' && changes.length > 0))
  assert.not.ok(nodes[0]?.tasks.some(({ status }) => status === 'ok'))
})

test('a check leaves nothing', ({ directory }) => {
  write(directory, madeUpRun({ mode: 'check', hosts: ['node1'], tasks: 3 }))
  assert.equal(listRuns(directory), [])
})

test('a run without end is listed as such, and half a line does no harm', ({ directory }) => {
  const events = madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 3 })
  write(directory, events.slice(0, -1))
  writeFileSync(join(directory, '20260101T000000-abcdef.jsonl'), '{"event":"host:fin', { flag: 'a' })
  const [run] = listRuns(directory)
  assert.is(run?.exitCode, undefined)
  assert.equal(run?.hosts, { changed: 1 })
})

test('the newest runs are kept, newest first', ({ directory }) => {
  const events = madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 1 })
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'notes.txt'), 'mine')
  for (let i = 0; i < KEEP_JOURNALS + 3; i++) write(directory, events, `20260101T000${String(100 + i)}-abcdef`)
  const ids = listRuns(directory).map(({ id }) => id)
  assert.is(ids.length, KEEP_JOURNALS)
  assert.is(ids[0], `20260101T000${102 + KEEP_JOURNALS}-abcdef`)
  assert.is(readFileSync(join(directory, 'notes.txt'), 'utf8'), 'mine')
})

test('a place that cannot be written is told once and breaks nothing', ({ directory }) => {
  mkdirSync(join(directory, '..'), { recursive: true })
  writeFileSync(directory, 'a file')
  chmodSync(directory, 0o400)
  const problems: string[] = []
  const journal = createJournal({ directory, onProblem: (message) => problems.push(message) })
  for (const event of madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 3 })) journal(event)
  assert.is(problems.length, 1)
  assert.match(problems[0] ?? '', 'no record of this run is kept')
})

test('names of runs: unknown and ambiguous ones are usage errors', async ({ directory }) => {
  const events = madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 1 })
  write(directory, events, '20260101T000001-abcdef')
  write(directory, events, '20260101T000002-abcdef')
  const read = async (name: string) => readRun(name, directory)
  assert.is((await failureOf(read('2027'))).code, 'USAGE')
  assert.match((await failureOf(read('2026'))).message, 'several runs')
  assert.is(readRun('20260101T000002', directory).id, '20260101T000002-abcdef')
})

test('the folder follows XDG, whose relative values do not count', () => {
  assert.is(historyDirectory({ XDG_STATE_HOME: '/x' }), '/x/pvectl/runs')
  for (const env of [{}, { XDG_STATE_HOME: '' }, { XDG_STATE_HOME: 'x' }])
    assert.match(historyDirectory(env), /\/\.local\/state\/pvectl\/runs$/)
})

test.run()
