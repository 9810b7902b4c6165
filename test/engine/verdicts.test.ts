import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { HostPlan } from '../../src/engine/plan.ts'
import { blockedError } from '../../src/engine/verdicts.ts'
import type { Plan, Resource } from '../../src/resources/resource.ts'
import { testTask } from '../helpers/job.ts'

const test = suite('verdicts')

function part(title: string, plan: Plan) {
  const resource: Resource = { kind: 'test', key: title, title, reads: [], plan: () => plan }
  return { resource, plan }
}

function planOf(...parts: (readonly ReturnType<typeof part>[])[]): HostPlan {
  const tasks = parts.map((resources, i) => ({
    task: testTask(String(i + 1), ...resources.map(({ resource }) => resource)),
    resources,
  }))
  return { tasks } as unknown as HostPlan
}

const blocked = (reason: string): Plan => ({ kind: 'blocked', reason, hint: 'do something' })

test('one cause in several parts of a task is told once, in another task again', () => {
  const error = blockedError(
    planOf(
      [part('rules', blocked('guests')), part('link', blocked('guests')), part('stanza', blocked('pending'))],
      [part('other', blocked('guests'))],
    ),
  )
  assert.equal(
    error?.problems.map(({ message }) => message),
    ['task 1: rules: guests', 'task 1: stanza: pending', 'task 2: other: guests'],
  )
})

test('what has one cause is told once a node, with the number of tasks it stops', () => {
  const pending = (reason: string): Plan => ({ kind: 'blocked', reason, cause: 'pending' })
  const error = blockedError(
    planOf([part('a', pending('staged'))], [part('b', pending('staged, too'))], [part('c', blocked('other'))]),
  )
  assert.equal(
    error?.problems.map(({ message }) => message),
    ['task 1 (and 1 more task): a: staged', 'task 3: c: other'],
  )
})

test('nothing blocked, no error', () => {
  assert.is(blockedError(planOf([part('a', { kind: 'ok' })])), undefined)
})

test.run()
