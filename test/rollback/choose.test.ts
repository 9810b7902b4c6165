import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import type { RunRecord } from '../../src/facts/run-records.ts'
import { findNodeRun } from '../../src/history/find-run.ts'
import { type NodeRun, nodeRuns } from '../../src/history/node-runs.ts'
import { laterRuns, newestRun, obstacles, undoneRuns } from '../../src/rollback/choose.ts'

const test = suite('which run is rolled back')

interface Shape {
  readonly paths?: readonly string[]
  readonly undoes?: string
  readonly result?: string | undefined
  readonly alive?: boolean
}

/** Runs by their letter; the first is the oldest. */
function history(shapes: Readonly<Record<string, Shape>>): readonly NodeRun[] {
  const records = Object.entries(shapes).map(([letter, shape]): RunRecord => {
    const { paths = ['/etc/x'], undoes, alive = false } = shape
    const result = 'result' in shape ? shape.result : 'ok'
    return {
      id: `${letter}-0`,
      owner: 'ada@laptop',
      playbook: 'site',
      started: '2026-01-01T00:00:00Z',
      alive,
      paths: paths.map((path) => ({ path, before: 'absent', after: 'sha' })),
      steps: [],
      ...(undoes === undefined ? {} : { undoes }),
      ...(result === undefined ? {} : { result }),
    }
  })
  return nodeRuns(records)
}

function run(runs: readonly NodeRun[], id: string): NodeRun {
  return findNodeRun(runs, id, 'node1')
}

function later(shapes: Readonly<Record<string, Shape>>, id: string): readonly string[] {
  const runs = history(shapes)
  return laterRuns(run(runs, id), runs).map(({ message }) => message)
}

test('the newest one that changed a file', () => {
  assert.is(newestRun(history({ a: {}, b: {}, c: { paths: [] } }), 'node1').id, 'b')
})

test('rollbacks and what they undid are passed over', () => {
  assert.is(newestRun(history({ a: {}, b: {}, r: { undoes: 'b' } }), 'node1').id, 'a')
  assert.throws(
    () => newestRun(history({ a: {}, r: { undoes: 'a' } }), 'node1'),
    (error: unknown) => error instanceof PvectlError && error.code === 'BLOCKED' && error.exitCode === 5,
  )
})

test('a rollback that failed undid nothing, and one that was undone neither', () => {
  assert.is(newestRun(history({ a: {}, r: { undoes: 'a', result: 'failed' } }), 'node1').id, 'a')
  const redone = history({ a: {}, r: { undoes: 'a' }, s: { undoes: 'r' } })
  assert.equal([...undoneRuns(redone)], ['r'])
  assert.is(newestRun(redone, 'node1').id, 'a')
})

test('later runs on the same paths are named, with the paths', () => {
  const messages = later({ a: { paths: ['/x', '/y'] }, b: { paths: ['/z'] }, c: { paths: ['/y'] } }, 'a')
  assert.is(messages.length, 1)
  assert.match(messages[0] ?? '', /run c .*: \/y$/)
  assert.equal(later({ a: {}, b: {} }, 'b'), [])
})

test('a later run that was undone is in nobody’s way, nor is its rollback', () => {
  assert.equal(later({ a: {}, b: {}, r: { undoes: 'b' } }, 'a'), [])
})

test('a failed attempt to roll back this very run is no obstacle; a failed one of another run is', () => {
  assert.equal(later({ a: {}, r: { undoes: 'a', result: 'failed' } }, 'a'), [])
  assert.is(later({ a: {}, b: {}, r: { undoes: 'b', result: 'failed' } }, 'a').length, 2)
})

test('what goes on, changed nothing, reverted itself or is undone already has nothing to roll back', () => {
  const messages = (shapes: Readonly<Record<string, Shape>>) =>
    obstacles(run(history(shapes), 'a'), history(shapes)).map(({ message }) => message)
  assert.match(messages({ a: { alive: true, result: undefined } })[0] ?? '', 'going on')
  assert.match(messages({ a: { paths: [] } })[0] ?? '', 'changed no file')
  assert.match(messages({ a: { result: 'reverted' } })[0] ?? '', 'rolled it back itself')
  assert.match(messages({ a: {}, r: { undoes: 'a' } })[0] ?? '', 'already, by run r')
  assert.equal(messages({ a: {} }), [])
})

test('executions of one run count as one: first content before, last state after', () => {
  const base = { owner: 'o', playbook: 'p', started: '', alive: false, steps: [] }
  const [only, ...others] = nodeRuns([
    { ...base, id: 'a-0', result: 'ok', paths: [{ path: '/x', before: 'file', after: '1' }] },
    { ...base, id: 'a-0.2', result: 'ok', paths: [{ path: '/x', before: 'file', after: '2' }] },
    { ...base, id: 'a-1', result: 'failed', paths: [{ path: '/y', before: 'absent', after: '3' }] },
  ])
  assert.equal(others, [])
  assert.is(only?.result, 'failed')
  assert.equal(only?.paths, [
    { path: '/x', before: 'file', after: '2', keptBy: 'a-0' },
    { path: '/y', before: 'absent', after: '3', keptBy: 'a-1' },
  ])
})

test.run()
