import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandHint } from '../../src/cli/command-not-found.ts'
import { describeError, isDebugging } from '../../src/cli/print-error.ts'
import { prose } from '../../src/cli/prose.ts'
import { PvectlError } from '../../src/errors.ts'
import { createPalette, wantsColor } from '../../src/reporters/palette.ts'
import { problemLines } from '../../src/reporters/problems.ts'

const test = suite('errors on screen')
const plain = createPalette(false)

test('message, place and hint; further lines are indented', () => {
  const location = { file: 'site.yml', line: 3, column: 7 }
  assert.equal(problemLines({ message: 'one\ntwo', hint: 'do this', location }, plain), [
    'error: one',
    '       two',
    '  --> site.yml:3:7',
    '  hint: do this',
  ])
})

test('output of a node in a message cannot drive the terminal', () => {
  assert.equal(problemLines({ message: 'said: \x1b[2Jx' }, plain), ['error: said: \\x1b[2Jx'])
})

test('each kind of error has its exit code', () => {
  assert.is(describeError(new PvectlError('HOST_UNREACHABLE', 'x')).exitCode, 4)
  assert.is(describeError(new PvectlError('STEP_FAILED', 'x')).exitCode, 5)
  assert.is(describeError(Object.assign(new Error('x'), { oclif: { exit: 2 } })).exitCode, 2)
  const bug = describeError(new TypeError('x is not a function'))
  assert.is(bug.exitCode, 1)
  assert.is(bug.code, 'INTERNAL')
  assert.ok(bug.stack)
  assert.is(describeError('thrown text').problems[0]?.message, 'internal error: thrown text')
})

test('messages of oclif lose their pointer and their own line breaks', () => {
  const error = Object.assign(new Error('Parsing --forks \n\tExpected 1\nSee more help with --help'), {
    oclif: { exit: 2 },
  })
  assert.is(describeError(error).problems[0]?.message, '--forks: Expected 1')
})

test('stack traces are for PVECTL_DEBUG and DEBUG=pvectl', () => {
  assert.is(isDebugging({}), false)
  assert.is(isDebugging({ PVECTL_DEBUG: '0' }), false)
  assert.is(isDebugging({ PVECTL_DEBUG: '1' }), true)
  assert.is(isDebugging({ DEBUG: 'express,pvectl:ssh' }), true)
  assert.is(isDebugging({ DEBUG: 'express' }), false)
})

test('colours: NO_COLOR, then FORCE_COLOR, then the terminal', () => {
  const tty = { isTTY: true }
  assert.is(wantsColor(tty, {}), true)
  assert.is(wantsColor(tty, { TERM: 'dumb' }), false)
  assert.is(wantsColor(tty, { NO_COLOR: '1', FORCE_COLOR: '1' }), false)
  assert.is(wantsColor(tty, { NO_COLOR: '' }), true)
  assert.is(wantsColor({}, { FORCE_COLOR: '1' }), true)
  assert.is(wantsColor(tty, { FORCE_COLOR: '0' }), false)
  assert.is(wantsColor({}, {}), false)
})

test('a working directory that was removed is no bug', () => {
  const { exitCode, problems } = describeError(
    Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'uv_cwd' }),
  )
  assert.is(exitCode, 2)
  assert.match(problems[0]?.message ?? '', 'working directory is not there')
})

test('the nearest command, whatever its arguments', () => {
  const known = ['apply', 'check', 'lab up', 'lab down']
  const hint = (...typed: string[]) => commandHint(typed, known, 'pvectl')
  assert.is(hint('aply', 'site'), 'did you mean `pvectl apply`?')
  assert.is(hint('lab', 'upp'), 'did you mean `pvectl lab up`?')
  assert.is(hint('lba', 'up'), 'did you mean `pvectl lab up`?')
  assert.is(hint('lab', 'foo'), '`pvectl lab` has: down, up')
  assert.is(hint('xyzzy'), '`pvectl help` lists the commands')
  assert.is(hint('-i'), 'flags come after the command: `pvectl COMMAND -i`')
})

test('prose joins lines and keeps paragraphs', () => {
  assert.is(prose`one\n  two\n\nthree`, 'one two\n\nthree')
})

test.run()
