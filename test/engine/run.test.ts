import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import { PvectlError } from '../../src/errors.ts'
import type { HostTask } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import { file } from '../../src/resources/file.ts'
import { testJob, testTask } from '../helpers/job.ts'
import { type LocalConnector, localConnector } from '../helpers/local-connection.ts'

interface Context {
  root: string
  connector: LocalConnector
  events: RunEvent[]
}

const test = suite<Context>('engine run')

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'pvectl-engine-'))
  context.connector = localConnector(context.root)
  context.events = []
})

const owner = `${userInfo().username}:${userInfo().username}`
const content = (text: string) => Buffer.from(text)

async function go({ connector, events }: Context, tasks: HostTask[], mode: 'apply' | 'check' = 'apply') {
  events.length = 0
  return run({ job: testJob(tasks), connector, mode, emit: (event) => events.push(event) })
}

function statuses(events: readonly RunEvent[]): string[] {
  return events.flatMap((e) => (e.event === 'task:finished' ? [`${e.id} ${e.status}`] : []))
}

function planned(events: readonly RunEvent[]): string[] {
  return events.flatMap((e) => (e.event === 'task:planned' ? [`${e.id} ${e.status}`] : []))
}

test('check changes nothing and shows the exact diff', async (context) => {
  const path = join(context.root, 'a.conf')
  writeFileSync(path, 'one\ntwo\n')
  const before = statSync(path).ctimeMs
  const report = await go(context, [testTask('1', file({ path, content: content('one\n2\n') }))], 'check')
  assert.is(report.exitCode, 0)
  assert.is(report.hosts.get('node1'), 'would change')
  assert.is(readFileSync(path, 'utf8'), 'one\ntwo\n')
  assert.is(statSync(path).ctimeMs, before)
  const event = context.events.find((e) => e.event === 'task:planned')
  assert.is(event?.resources[0]?.changes[0]?.diff, '@@ -1,2 +1,2 @@\n one\n-two\n+2\n')
  assert.is(context.connector.runs, 1, 'a dry run is one exchange')
})

test('apply changes, a second apply is all ok in one exchange', async (context) => {
  const path = join(context.root, "it's a file")
  const tasks = [testTask('1', file({ path, content: content("'quoted' $HOME `x`\n"), mode: '0640', owner }))]
  const first = await go(context, tasks)
  assert.is(first.exitCode, 0, JSON.stringify(context.events))
  assert.equal(statuses(context.events), ['1 changed'])
  assert.is(readFileSync(path, 'utf8'), "'quoted' $HOME `x`\n")
  assert.is(statSync(path).mode & 0o777, 0o640)
  assert.is(context.connector.runs, 3)
  const second = await go(context, tasks)
  assert.is(second.hosts.get('node1'), 'ok')
  assert.is(context.connector.runs, 4)
})

test('two tasks that edit one file compose, and the dry run shows both', async (context) => {
  const path = join(context.root, 'a.conf')
  const tasks = [
    testTask('1', file({ path, content: content('first\n'), owner })),
    testTask('2', file({ path, content: content('second\n'), owner })),
  ]
  await go(context, tasks, 'check')
  const diffs = context.events.flatMap((e) => (e.event === 'task:planned' ? [e.resources[0]?.changes[0]?.diff] : []))
  assert.equal(diffs, ['@@ -0,0 +1,1 @@\n+first\n', '@@ -1,1 +1,1 @@\n-first\n+second\n'])
})

test('the number of exchanges does not grow with the number of tasks', async (context) => {
  const tasks = Array.from({ length: 60 }, (_, i) =>
    testTask(String(i + 1), file({ path: join(context.root, `f${i}`), content: content(`${i}`), owner })),
  )
  await go(context, tasks)
  assert.is(context.connector.runs, 3)
  assert.is(context.connector.connects, 1)
})

test('a failed step stops the host, keeps what was done and says what failed', async (context) => {
  const path = join(context.root, 'a.conf')
  const tasks = [
    testTask('1', file({ path, content: content('x'), owner })),
    testTask('2', command({ run: 'echo it broke; exit 3', touches: [] })),
    testTask('3', file({ path: `${path}3`, content: content('x'), owner })),
  ]
  const report = await go(context, tasks)
  assert.is(report.exitCode, 5)
  assert.equal(statuses(context.events), ['1 changed', '2 failed'])
  assert.ok(existsSync(path))
  assert.not(existsSync(`${path}3`))
  const finished = context.events.find((e) => e.event === 'host:finished')
  assert.match(finished?.error?.problems[0]?.message ?? '', 'it broke')
  assert.equal(finished?.tasks, { changed: 1, failed: 1, skipped: 1 })
})

test('a file that validation refuses is put back', async (context) => {
  const path = join(context.root, 'a.conf')
  writeFileSync(path, 'good\n')
  const validate = {
    what: 'the parser',
    command: (await import('../../src/connection/script.ts')).sh`grep -q good ${path}`,
  }
  const report = await go(context, [testTask('1', file({ path, content: content('bad\n'), validate }))])
  assert.is(report.exitCode, 5)
  assert.is(readFileSync(path, 'utf8'), 'good\n')
  const finished = context.events.find((e) => e.event === 'host:finished')
  assert.match(finished?.error?.problems[0]?.message ?? '', 'the parser rejects the new')
})

test('a file that somebody changes between plan and step is not overwritten', async (context) => {
  const path = join(context.root, 'a.conf')
  writeFileSync(path, 'old\n')
  context.connector.before = (n) => {
    if (n === 2) writeFileSync(path, 'by hand\n')
  }
  const report = await go(context, [testTask('1', file({ path, content: content('new\n') }))])
  assert.is(report.exitCode, 5)
  assert.is(readFileSync(path, 'utf8'), 'by hand\n')
})

test('after a command nobody can predict, later tasks are unknown in check and right in apply', async (context) => {
  const path = join(context.root, 'made')
  const tasks = [
    testTask('1', command({ run: `echo made > ${path}`, creates: path })),
    testTask('2', file({ path, content: content('made\n') })),
  ]
  await go(context, tasks, 'check')
  assert.equal(planned(context.events), ['1 would change', '2 unknown'])
  const report = await go(context, tasks)
  assert.is(report.exitCode, 0, JSON.stringify(context.events))
  assert.equal(statuses(context.events), ['1 changed', '2 ok'])
})

test('a bare command runs once a run and does not fail convergence', async (context) => {
  const path = join(context.root, 'count')
  const tasks = [testTask('1', command({ run: `echo x >> ${path}`, touches: [] }))]
  assert.is((await go(context, tasks)).exitCode, 0)
  assert.is((await go(context, tasks)).exitCode, 0)
  assert.is(readFileSync(path, 'utf8'), 'x\nx\n')
})

test('a step that does not converge is an error, not a green tick', async (context) => {
  const path = join(context.root, 'never')
  const report = await go(context, [testTask('1', command({ run: 'true', creates: path }))])
  assert.is(report.exitCode, 5)
  const finished = context.events.find((e) => e.event === 'host:finished')
  assert.is(finished?.error?.code, 'NOT_CONVERGED')
})

test('a connection that drops mid-run is taken up again and the outcome is true', async (context) => {
  const path = join(context.root, 'slow')
  const inner = context.connector.connect
  let drop = true
  context.connector.connect = async (target) => {
    const connection = await inner(target)
    return {
      ...connection,
      run: async (script, options) => {
        const result = connection.run(script, options)
        if (context.connector.runs !== 2 || !drop) return result
        drop = false
        await new Promise((resolve) => setTimeout(resolve, 200))
        throw new PvectlError('CONNECTION_LOST', 'the connection was lost')
      },
    }
  }
  const report = await go(context, [testTask('1', command({ run: `sleep 1; echo done > ${path}`, creates: path }))])
  assert.is(report.exitCode, 0, JSON.stringify(context.events))
  assert.is(readFileSync(path, 'utf8'), 'done\n')
})

test('a connection that never comes back: what was to run is unknown, not skipped', async (context) => {
  const path = join(context.root, 'a')
  context.connector.before = (n) => {
    if (n > 1) throw new PvectlError('AUTH_FAILED', 'no')
  }
  const report = await go(context, [
    testTask('1', file({ path, content: content('x'), owner })),
    testTask('2', file({ path: `${path}.ok`, content: content('x'), owner })),
  ])
  assert.is(report.exitCode, 5)
  const finished = context.events.find((e) => e.event === 'host:finished')
  assert.is(finished?.error?.code, 'CONNECTION_LOST')
  assert.equal(finished?.tasks, { unknown: 2 })
})

test('a held lock fails the host and names the owner', async (context) => {
  const path = join(context.root, 'a')
  const slow = go(context, [testTask('1', command({ run: 'sleep 1', touches: [] }))])
  await new Promise((resolve) => setTimeout(resolve, 400))
  const events: RunEvent[] = []
  const job = testJob([testTask('1', file({ path, content: content('x'), owner }))])
  const second = await run({ job, connector: context.connector, mode: 'apply', emit: (e) => events.push(e) })
  await slow
  assert.is(second.exitCode, 5)
  const finished = events.find((e) => e.event === 'host:finished')
  assert.is(finished?.error?.code, 'LOCKED')
  assert.match(finished?.error?.problems[0]?.message ?? '', /@.* since \d{4}-/)
})

test('with time to wait, a held lock is waited for', async (context) => {
  const path = join(context.root, 'a')
  const slow = go(context, [testTask('1', command({ run: 'sleep 1', touches: [] }))])
  await new Promise((resolve) => setTimeout(resolve, 400))
  const job = testJob([testTask('1', file({ path, content: content('x'), owner }))])
  const { connector } = context
  const second = await run({ job, connector, mode: 'apply', lockTimeoutMs: 20_000, emit: () => undefined })
  await slow
  assert.is(second.exitCode, 0)
  assert.is(readFileSync(path, 'utf8'), 'x')
})

test('a worker that is killed ends the run at once, with the step it was in', async (context) => {
  const started = performance.now()
  const kill = `kill -KILL $(cat ${context.root}/run/*/pid)`
  const report = await go(context, [testTask('1', command({ run: kill, touches: [] }))])
  assert.is(report.exitCode, 5)
  assert.ok(performance.now() - started < 5000)
  const finished = context.events.find((e) => e.event === 'host:finished')
  assert.match(finished?.error?.problems[0]?.message ?? '', 'killed on the node, in task 1')
})

test('a stop request lets the running step end and starts no other', async (context) => {
  const path = join(context.root, 'a')
  const abort = new AbortController()
  const tasks = [
    testTask('1', command({ run: `sleep 0.6; : > ${path}1`, touches: [] })),
    testTask('2', command({ run: `: > ${path}2`, touches: [] })),
  ]
  setTimeout(() => abort.abort(), 300)
  const report = await run({
    job: testJob(tasks),
    connector: context.connector,
    mode: 'apply',
    emit: () => undefined,
    signal: abort.signal,
  })
  assert.is(report.exitCode, 130)
  assert.ok(existsSync(`${path}1`))
  assert.not(existsSync(`${path}2`))
})

test('a blocked task stops the host before anything is touched', async (context) => {
  const path = join(context.root, 'a')
  const tasks = [
    testTask('1', file({ path, content: content('x'), owner })),
    testTask('2', file({ path: context.root, content: content('x') })),
  ]
  const report = await go(context, tasks)
  assert.is(report.exitCode, 5)
  assert.not(existsSync(path))
})

test('previous content is kept for rollback', async (context) => {
  const path = join(context.root, 'a.conf')
  writeFileSync(path, 'before\n')
  chmodSync(path, 0o600)
  await go(context, [testTask('1', file({ path, content: content('after\n') }))])
  const { execFileSync } = await import('node:child_process')
  const kept = execFileSync('find', [join(context.root, 'lib'), '-name', 'a.conf'])
    .toString()
    .trim()
  assert.is(readFileSync(kept, 'utf8'), 'before\n')
  assert.is(statSync(kept).mode & 0o777, 0o600)
})

test.run()
