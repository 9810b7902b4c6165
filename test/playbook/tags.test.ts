import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isWanted } from '../../src/playbook/tags.ts'

const test = suite('playbook: tags')

/** Tags of the tasks in question, by letter. */
const tasks: Readonly<Record<string, readonly string[]>> = {
  a: ['x'],
  b: ['y', 'x'],
  c: [],
  d: ['always'],
  e: ['never'],
  f: ['never', 'y'],
  g: ['always', 'x'],
}

const cases: readonly (readonly [only: string, skip: string, wanted: string])[] = [
  ['', '', 'abcdg'],
  ['all', '', 'abcdg'],
  ['x', '', 'abdg'],
  ['y', '', 'bdfg'],
  ['x,y', '', 'abdfg'],
  ['tagged', '', 'abdg'],
  ['untagged', '', 'cdg'],
  ['never', '', 'defg'],
  ['', 'x', 'cd'],
  ['', 'y', 'acdg'],
  ['', 'always', 'abc'],
  ['', 'tagged', 'c'],
  ['', 'untagged', 'abdg'],
  ['', 'all', 'dg'],
  ['x', 'y', 'adg'],
  ['y', 'always', 'bf'],
]

for (const [only, skip, wanted] of cases) {
  test(`--tags ${only || 'none'} --skip-tags ${skip || 'none'} leaves ${wanted}`, () => {
    const filter = { only: only.split(',').filter(Boolean), skip: skip.split(',').filter(Boolean) }
    const left = Object.keys(tasks).filter((name) => isWanted(tasks[name] ?? [], filter))
    assert.is(left.join(''), wanted)
  })
}

test.run()
