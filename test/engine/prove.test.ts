import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent, ShownCheck } from '../../src/engine/events.ts'
import type { Prove } from '../../src/engine/prove.ts'
import { run } from '../../src/engine/run.ts'
import { PvectlError } from '../../src/errors.ts'
import type { Serial } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import { testHost, testTask } from '../helpers/job.ts'
import { localConnector } from '../helpers/local-connection.ts'

const test = suite('proof after each host')

const PASSED: ShownCheck = { title: 'it works', status: 'passed', saw: 'yes' }
const FAILED: ShownCheck = { title: 'it works', status: 'failed', saw: 'no', cause: 'a reason', hint: 'mend it' }

async function go(prove: Prove, { serial = [], fails = '' }: { serial?: Serial; fails?: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'pvectl-prove-'))
  const events: RunEvent[] = []
  const hosts = ['a', 'b', 'c'].map(testHost)
  const task = (name: string) => testTask('1', command({ run: name === fails ? 'false' : 'true', touches: [] }))
  const stage = { title: 'all', serial, hosts: hosts.map((host) => ({ host, tasks: [task(host.name)] })) }
  const report = await run({
    job: { playbook: 'p', inventory: 'i', stages: [stage], hosts },
    connector: {
      connect: async (target) => localConnector(join(root, target.name)).connect(target),
      close: async () => undefined,
    },
    mode: 'apply',
    guard: 'off',
    emit: (event) => events.push(event),
    prove,
  })
  return { report, events, statuses: Object.fromEntries(report.hosts) }
}

test('a failed check makes a failed host, with what was seen, the cause and the remedy', async () => {
  const { report, events, statuses } = await go(async ({ host }) => [host.name === 'b' ? FAILED : PASSED])
  assert.is(report.exitCode, 5)
  assert.equal(statuses, { a: 'changed', b: 'failed', c: 'changed' })
  const end = events.find((event) => event.event === 'host:finished' && event.host === 'b')
  assert.equal(end?.event === 'host:finished' && end.error, {
    code: 'CHECK_FAILED',
    problems: [{ message: 'check failed: it works: no; likely cause: a reason', hint: 'mend it' }],
  })
})

test('with batches, the next hosts do not go', async () => {
  const proven: string[] = []
  const { statuses } = await go(
    async ({ host }) => {
      proven.push(host.name)
      return [FAILED]
    },
    { serial: [1] },
  )
  assert.equal(proven, ['a'])
  assert.equal(statuses, { a: 'failed', b: 'skipped', c: 'skipped' })
})

test('a host that did not converge is not proven', async () => {
  const proven: string[] = []
  const { statuses } = await go(
    async ({ host }) => {
      proven.push(host.name)
      return []
    },
    { fails: 'a' },
  )
  assert.equal(proven.sort(), ['b', 'c'])
  assert.equal(statuses, { a: 'failed', b: 'changed', c: 'changed' })
})

test('a check that cannot be made is no pass', async () => {
  const { report, statuses } = await go(async () => {
    throw new PvectlError('OBSERVE_FAILED', 'the probes broke off')
  })
  assert.is(report.exitCode, 5)
  assert.equal(statuses, { a: 'failed', b: 'failed', c: 'failed' })
})

test('checks use the connection of the host and count as its exchange', async () => {
  const { events } = await go(async (_, connection) => {
    const { sh } = await import('../../src/connection/script.ts')
    const { stdout } = await connection.run(sh`echo here`)
    return [{ ...PASSED, saw: stdout.toString().trim() }]
  })
  const seen = events.flatMap((event) => (event.event === 'host:proven' ? event.checks.map(({ saw }) => saw) : []))
  assert.equal(seen, ['here', 'here', 'here'])
})

test.run()
