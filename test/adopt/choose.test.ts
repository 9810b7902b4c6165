import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Finding, TaskDraft } from '../../src/adopt/adopter.ts'
import { type Choice, Chooser, expandFindings, factsOf } from '../../src/adopt/choose.ts'
import { factKey } from '../../src/facts/fact.ts'
import { fileAt } from '../../src/facts/file.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { fact, fileState, modelOf } from '../helpers/model.ts'

const test = suite('adopt: choose')

function file(path: string, content: string, more: Record<string, string> = {}): TaskDraft {
  return { name: `File ${path}`, type: 'file', params: { path, content, ...more } }
}

const MODEL = modelOf(fact(fileAt('/etc/a'), fileState('a')), fact(fileAt('/etc/b'), { type: 'absent' }))

function choose(...findings: readonly Finding[]): Choice {
  const template = () => ''
  return new Chooser(MODEL).choose(expandFindings(findings, { host: 'node1', registry: taskTypes, template }))
}

test('the first way that changes nothing is taken', () => {
  const fits = file('/etc/a', 'a')
  const { tasks, suggestions, leftOvers } = choose({
    what: '/etc/a',
    ways: [{ tasks: [file('/etc/a', 'other')] }, { tasks: [fits] }, { tasks: [file('/etc/a', 'third')] }],
  })
  assert.equal([tasks, suggestions, leftOvers], [[fits], [], []])
})

test('what no way fits is left over with what would change, and shown', () => {
  const { tasks, suggestions, leftOvers } = choose({ what: 'thing', ways: [{ tasks: [file('/etc/b', 'b')] }] })
  assert.equal(tasks, [])
  assert.equal(leftOvers, [{ what: 'thing', why: 'pvectl would change it: create /etc/b (0644 root:root)' }])
  assert.equal(
    suggestions.map(({ why }) => why),
    [['create /etc/b (0644 root:root)']],
  )
})

test('what another task describes already is passed over in silence', () => {
  const first: Finding = { what: 'one', ways: [{ tasks: [file('/etc/a', 'a')] }] }
  const { tasks, suggestions, leftOvers } = choose(first, { ...first, what: 'two' })
  assert.equal([tasks.length, suggestions, leftOvers], [1, [], []])
})

test('parameters that a type does not take are a reason, and secrets are not even shown', () => {
  const wrong = choose({ what: 'x', ways: [{ tasks: [file('relative', '')] }] })
  assert.match(wrong.leftOvers[0]?.why ?? '', 'path')
  const secret = choose({ what: 'x', ways: [{ tasks: [file('/etc/a', 'password=geheim')] }] })
  assert.equal([secret.tasks, secret.suggestions], [[], []])
  assert.not.match(JSON.stringify(secret), 'geheim')
  assert.match(secret.leftOvers[0]?.why ?? '', 'looks as if it held a secret')
})

test('a way that describes less says so, with what the fuller one would change', () => {
  const fuller = { tasks: [file('/etc/a', 'a', { mode: '0600' })] }
  const { tasks, leftOvers } = choose({
    what: 'x',
    ways: [fuller, { tasks: [file('/etc/a', 'a')], partial: { what: 'rights', fuller } }],
  })
  assert.is(tasks.length, 1)
  assert.equal(leftOvers, [{ what: 'rights', why: 'pvectl would change it: mode 0644 → 0600' }])
})

test('facts to read are those of all ways', () => {
  const finding: Finding = { what: 'x', ways: [{ tasks: [file('/etc/a', 'a')] }, { tasks: [file('/etc/b', 'b')] }] }
  const refs = factsOf(expandFindings([finding], { host: 'n', registry: taskTypes, template: () => '' }))
  assert.ok(['file:/etc/a', 'file:/etc/b'].every((key) => refs.some((ref) => factKey(ref) === key)))
})

test.run()
