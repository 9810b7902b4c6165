import { spawnSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ignoreBrokenPipes, listenForInterrupts } from '../../src/cli/signals.ts'
import { PvectlError } from '../../src/errors.ts'

const test = suite('signals')
const root = path.resolve(import.meta.dirname, '../..')

test('the first signal asks to stop, the second ends the process', () => {
  const said: string[] = []
  const exits: number[] = []
  const interrupts = listenForInterrupts({ notice: (text) => said.push(text), exit: (code) => exits.push(code) })
  try {
    process.emit('SIGINT', 'SIGINT')
    assert.is(interrupts.signal.aborted, true)
    assert.ok(interrupts.signal.reason instanceof PvectlError)
    assert.is(interrupts.signal.reason.code, 'INTERRUPTED')
    assert.equal(exits, [])
    process.emit('SIGTERM', 'SIGTERM')
    assert.equal(exits, [130])
    assert.is(said.length, 2)
    assert.match(said[0] ?? '', 'press Ctrl-C again')
  } finally {
    interrupts.dispose()
  }
})

test('dispose gives the signals back', () => {
  const before = process.listenerCount('SIGINT')
  const interrupts = listenForInterrupts({ notice: () => {}, exit: () => {} })
  assert.is(process.listenerCount('SIGINT'), before + 1)
  interrupts.dispose()
  assert.is(process.listenerCount('SIGINT'), before)
})

test('a reader that went away is no error, anything else is', () => {
  const stream = new EventEmitter() as unknown as NodeJS.WriteStream
  ignoreBrokenPipes([stream])
  stream.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }))
  assert.throws(() => stream.emit('error', new Error('a bug')), /a bug/)
})

test('a full disk under the output is told in one line, without a crash', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'bin/dev.js'), 'tasks'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  })
  closeSync(full)
  assert.is(stderr, 'error: what is printed is lost: the disk is full\n')
  assert.is(status, 1)
})

test.run()
