import { readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { taskReferenceMarkdown } from '../../scripts/generate/task-reference.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { defineTask } from '../../src/tasks/task-type.ts'

const test = suite('task reference')
const file = path.join(import.meta.dirname, '../../docs/tasks.md')

test('docs/tasks.md is up to date', () => {
  assert.is(readFileSync(file, 'utf8'), taskReferenceMarkdown(taskTypes), 'run `npm run generate`')
})

const sample = defineTask({
  name: 'sample',
  summary: 'a thing of the *sample* kind',
  params: z.strictObject({
    name: z.string().describe('which one'),
    state: z.enum(['present', 'absent']).default('present').describe('`a|b` or <tag>'),
    list: z
      .array(z.strictObject({ port: z.int().describe('a number') }))
      .default([])
      .describe('entries'),
  }),
  shorthand: 'name',
  example: 'sample:\n  name: x\n',
  resources: () => [],
})
const page = taskReferenceMarkdown([sample])

test('a parameter has its type, default and meaning', () => {
  assert.match(page, '| `name` | text | **required** | which one |')
  assert.match(page, '| `list[].port` | whole number | **required** | a number |')
  assert.match(page, '| `list` | list of mappings |  | entries |')
})

test('what would break a table is escaped', () => {
  assert.match(page, '| `state` | present \\| absent | `"present"` | `a\\|b` or \\<tag> |')
  assert.match(page, '| [`sample`](#sample) | a thing of the \\*sample\\* kind |')
})

test('summary, shorthand and example stand in the section', () => {
  assert.match(page, '## sample\n\nA thing of the *sample* kind.\n\nA bare value stands for `name`: `sample: …`.')
  assert.match(page, '```yaml\nsample:\n  name: x\n```')
})

test('every parameter of every task type has a meaning', () => {
  const rows = taskReferenceMarkdown(taskTypes)
    .split('\n')
    .filter((line) => line.startsWith('| `') && line.split('|').length > 5)
  assert.ok(rows.length > 80, `${rows.length} rows`)
  assert.equal(
    rows.filter((line) => /\|\s*\|$/.test(line)),
    [],
  )
})

test.run()
