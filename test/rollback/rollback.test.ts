import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import type { Job } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import { file, fileAbsent } from '../../src/resources/file.ts'
import { symlink } from '../../src/resources/symlink.ts'
import { prepareRollback, type Rollback } from '../../src/rollback/prepare.ts'
import { testHost, testJob, testTask } from '../helpers/job.ts'
import { localConnector } from '../helpers/local-connection.ts'
import { failureOf } from '../helpers/within.ts'

interface Context {
  root: string
  path: (name: string) => string
}

const test = suite<Context>('rollback on this machine')
const me = userInfo().username
const owner = `${me}:${me}`

test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'pvectl-rollback-'))
  context.path = (name) => join(context.root, name)
})
test.after.each(({ root }) => rmSync(root, { recursive: true, force: true }))

async function go(root: string, job: Job, mode: 'apply' | 'check' = 'apply') {
  const events: RunEvent[] = []
  const { exitCode } = await run({ job, connector: localConnector(root), mode, emit: (event) => events.push(event) })
  return { exitCode, events, text: JSON.stringify(events) }
}

function write(path: string, content: string) {
  return file({ path, content: Buffer.from(content), owner })
}

function prepare(root: string, wish: { run?: string; force?: boolean } = {}): Promise<Rollback> {
  const { run: name, force = false } = wish
  return prepareRollback({ host: testHost('node1'), inventory: 'test', run: name, force }, localConnector(root))
}

test('files, modes, links and absence come back; a rollback of the rollback takes that back', async ({
  root,
  path,
}) => {
  writeFileSync(path('edited'), 'before\n')
  chmodSync(path('edited'), 0o640)
  writeFileSync(path('removed'), 'was here')
  symlinkSync('/nowhere', path('link'))
  const job = testJob([
    testTask('1', file({ path: path('edited'), content: Buffer.from('after\n'), mode: '0600', owner })),
    testTask('2', write(path('new'), 'x'), fileAbsent(path('removed'))),
    testTask('3', symlink(path('link'), '/elsewhere'), symlink(path('added'), '/x')),
  ])
  assert.is((await go(root, job)).exitCode, 0)
  const rollback = await prepare(root)
  const checked = await go(root, rollback.job, 'check')
  assert.is(checked.exitCode, 0)
  assert.is(readFileSync(path('edited'), 'utf8'), 'after\n', 'a check changes nothing')
  const { exitCode, text } = await go(root, rollback.job)
  assert.is(exitCode, 0, text)
  assert.is(readFileSync(path('edited'), 'utf8'), 'before\n')
  assert.is(statSync(path('edited')).mode & 0o777, 0o640)
  assert.is(readFileSync(path('removed'), 'utf8'), 'was here')
  assert.not(existsSync(path('new')))
  assert.is(readlinkSync(path('link')), '/nowhere')
  assert.not(existsSync(path('added')))
  assert.is((await failureOf(prepare(root))).code, 'BLOCKED')
  const again = await prepare(root, { run: await idOfNewest(root) })
  assert.is((await go(root, again.job)).exitCode, 0)
  assert.is(readFileSync(path('edited'), 'utf8'), 'after\n')
  assert.is(readlinkSync(path('link')), '/elsewhere')
  assert.is((await prepare(root)).run.id, rollback.run.id, 'the run stands again')
})

test('content that not everybody may read is never shown', async ({ root, path }) => {
  writeFileSync(path('key'), 'old s3cret')
  chmodSync(path('key'), 0o600)
  const content = Buffer.from('new s3cret')
  await go(root, testJob([testTask('1', file({ path: path('key'), content, owner, sensitive: true }))]))
  const { text } = await go(root, (await prepare(root)).job, 'check')
  assert.match(text, 'content not shown')
  assert.not.match(text, 's3cret')
})

test('what others changed since is refused with all paths, unless forced', async ({ root, path }) => {
  const names = ['a', 'b', 'c']
  await go(root, testJob([testTask('1', ...names.map((name) => write(path(name), 'x')))]))
  writeFileSync(path('a'), 'mine')
  rmSync(path('c'))
  const error = await failureOf(prepare(root))
  assert.is(error.exitCode, 5)
  assert.equal(
    error.problems.map(({ message }) => message),
    [`${path('a')} was changed since that run`],
    'what is as before the run already is no obstacle',
  )
  assert.match(error.problems[0]?.hint ?? '', '--force')
  const { job } = await prepare(root, { force: true })
  assert.is((await go(root, job)).exitCode, 0)
  for (const name of names) assert.not(existsSync(path(name)), name)
})

test('an older run waits for later ones on the same path', async ({ root, path }) => {
  await go(root, testJob([testTask('1', write(path('a'), 'one'))]))
  const first = await idOfNewest(root)
  await go(root, testJob([testTask('1', write(path('a'), 'two'))]))
  const second = await idOfNewest(root)
  const error = await failureOf(prepare(root, { run: first }))
  assert.is(error.code, 'BLOCKED')
  assert.match(error.message, second)
  assert.is((await go(root, (await prepare(root)).job)).exitCode, 0)
  assert.is(readFileSync(path('a'), 'utf8'), 'one')
  assert.is((await go(root, (await prepare(root)).job)).exitCode, 0)
  assert.not(existsSync(path('a')))
})

test('a run that failed half-way is rolled back as far as it came', async ({ root, path }) => {
  const job = testJob([
    testTask('1', write(path('a'), 'x')),
    testTask('2', command({ run: 'exit 1', touches: [] })),
    testTask('3', write(path('b'), 'x')),
  ])
  assert.is((await go(root, job)).exitCode, 5)
  const rollback = await prepare(root)
  assert.equal(
    rollback.restores.map((restore) => restore.path),
    [path('a')],
  )
  assert.is((await go(root, rollback.job)).exitCode, 0)
  assert.not(existsSync(path('a')))
})

async function idOfNewest(root: string): Promise<string> {
  const { readdir } = await import('node:fs/promises')
  const names = (await readdir(join(root, 'lib/runs'))).sort()
  return (names.at(-1) ?? '').replace(/-\d+$/, '')
}

test.run()
