import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { batches } from '../../src/engine/batches.ts'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import type { Serial } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { testHost, testTask } from '../helpers/job.ts'
import { localConnector } from '../helpers/local-connection.ts'

const test = suite('canary and batches')

/** A command that counts as one that can cut the link. */
function risky(text: string, creates?: string): Resource {
  const inner = command({ run: text, touches: [], creates })
  return {
    ...inner,
    plan(model) {
      const plan = inner.plan(model)
      return plan.kind === 'change' ? { ...plan, risk: 'link' } : plan
    },
  }
}

async function go(
  scripts: Record<string, string>,
  serial: Serial = [],
  signal?: AbortSignal,
  maxFailShare?: number,
  before: readonly Resource[] = [],
) {
  const root = mkdtempSync(join(tmpdir(), 'pvectl-canary-'))
  const log = join(root, 'log')
  const events: RunEvent[] = []
  const hosts = Object.keys(scripts).map(testHost)
  const stage = {
    title: 'all',
    serial,
    ...(maxFailShare === undefined ? {} : { maxFailShare }),
    hosts: hosts.map((host) => ({
      host,
      tasks: [
        ...before.map((resource, i) => testTask(String(i + 2), resource)),
        testTask(
          '1',
          risky(
            `echo ${host.name} start >> ${log}; ${scripts[host.name]}; echo ${host.name} end >> ${log}; touch ${root}/${host.name}.done`,
            `${root}/${host.name}.done`,
          ),
        ),
      ],
    })),
  }
  const connectors = new Map(hosts.map(({ name }) => [name, localConnector(join(root, name))]))
  const report = await run({
    job: { playbook: 'p', inventory: 'i', stages: [stage], hosts },
    connector: {
      connect: async (target) => (connectors.get(target.name) ?? localConnector(root)).connect(target),
      close: async () => undefined,
    },
    mode: 'apply',
    guard: 'off',
    emit: (event) => events.push(event),
    ...(signal === undefined ? {} : { signal }),
  })
  return { report, events, log: readFileSync(log, 'utf8').trim().split('\n') }
}

test('with risky plans one host ends before the others start', async () => {
  const { report, log } = await go({ a: 'sleep 0.2', b: 'true', c: 'true' })
  assert.is(report.exitCode, 0)
  const first = log[0]?.split(' ')[0]
  assert.is(log[1], `${first} end`)
  assert.is(log.length, 6)
})

test('when the first does not come through, no other is touched', async () => {
  const { report, log } = await go({ a: 'exit 1', b: 'exit 1', c: 'exit 1' })
  assert.is(report.exitCode, 5)
  assert.is(log.length, 1)
})

test('what is risky behind a command whose effect nobody knows waits likewise', async () => {
  const { report, log, events } = await go({ a: 'exit 1', b: 'exit 1' }, [], undefined, undefined, [
    command({ run: 'true' }),
  ])
  assert.is(report.exitCode, 5)
  assert.is(log.length, 1)
  const other = log[0] === 'a start' ? 'b' : 'a'
  const end = events.find((e) => e.event === 'host:finished' && e.host === other)
  assert.ok(end?.event === 'host:finished')
  assert.match(end.error?.problems[0]?.message ?? '', /^not gone on with, since . went first/)
  assert.equal(end.tasks, { changed: 1, skipped: 1 })
})

test('when a stop is asked for, those that wait are not touched and not blamed on the first', async () => {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 600)
  const { report, log, events } = await go({ a: 'sleep 1.5', b: 'sleep 1.5', c: 'sleep 1.5' }, [], abort.signal)
  assert.is(report.exitCode, 130)
  assert.is(log.length, 2)
  const first = log[0]?.split(' ')[0]
  for (const e of events) {
    if (e.event !== 'host:finished' || e.host === first) continue
    assert.is(e.status, 'skipped')
    assert.is(e.error?.code, 'INTERRUPTED')
  }
})

test('a failed batch stops the next ones', async () => {
  const { report, log, events } = await go({ a: 'true', b: 'exit 1', c: 'true' }, [1])
  assert.is(report.exitCode, 5)
  assert.equal(log, ['a start', 'a end', 'b start'])
  const last = events.find((e) => e.event === 'host:finished' && e.host === 'c')
  assert.is(last?.event === 'host:finished' && last.status, 'skipped')
})

test('some may fail where the play says so', async () => {
  const { log } = await go({ a: 'true', b: 'exit 1', c: 'true' }, [1], undefined, 0.5)
  assert.equal(log, ['a start', 'a end', 'b start', 'c start', 'c end'])
})

test('batch sizes: numbers, shares, the last one repeats', () => {
  const hosts = Array.from({ length: 20 }, (_, i) => i)
  const sizes = (serial: Serial) => batches(hosts, serial).map(({ length }) => length)
  assert.equal(sizes([]), [20])
  assert.equal(sizes([1, 5, { share: 0.25 }]), [1, 5, 5, 5, 4])
  assert.equal(sizes([{ share: 0.01 }]).length, 20)
})

test.run()
