import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  displayWidth,
  formatSeconds,
  padEnd,
  sanitizeLine,
  sanitizeText,
  spread,
  truncate,
  wrapLine,
} from '../../src/reporters/text.ts'

const test = suite('text on a terminal')
const RED = '\x1b[31m'
const OFF = '\x1b[39m'

test('width counts columns, not characters', () => {
  assert.is(displayWidth('abc'), 3)
  assert.is(displayWidth('日本'), 4)
  assert.is(displayWidth('e\u0301'), 1)
  assert.is(displayWidth(`${RED}abc${OFF}`), 3)
  assert.is(displayWidth('a → b ✔ ⠋ │'), 11)
})

test('truncate keeps what fits and marks the cut', () => {
  assert.is(truncate('abcdef', 6), 'abcdef')
  assert.is(truncate('abcdef', 5), 'abcd…')
  assert.is(truncate('日本語', 4), '日…')
  assert.is(displayWidth(truncate('日本語', 4)), 3)
  assert.is(truncate('abc', 0), '')
})

test('truncate never leaves a colour on', () => {
  const cut = truncate(`${RED}abcdef${OFF}`, 4)
  assert.is(cut, `${RED}abc…\x1b[0m`)
})

test('padEnd fills columns', () => {
  assert.is(padEnd('日', 4), '日  ')
  assert.is(padEnd('abcd', 2), 'abcd')
})

test('spread puts the right part at the edge, and gives it up where there is no room', () => {
  assert.is(spread('left', '1.0s', 20), 'left            1.0s')
  assert.is(spread('a very long left part', '1.0s', 20), 'a very long le… 1.0s')
  assert.is(spread('abcdefghij', '1.0s', 9), 'abcdefgh…')
})

test('wrapLine breaks between words and indents what follows', () => {
  assert.equal(wrapLine('one two three', 20), ['one two three'])
  assert.equal(wrapLine('one two three', 8), ['one two', '  three'])
  assert.equal(wrapLine('a verylongword b', 6), ['a', '  verylongword', '  b'])
  assert.equal(wrapLine(`  ${RED}one${OFF} two`, 6, 4), [`  ${RED}one${OFF}`, '    two'])
})

test('a line from a node cannot drive the terminal', () => {
  assert.is(sanitizeLine('\x1b[2J\x1b[31mred\x1b[0m'), 'red')
  assert.is(sanitizeLine('\x1b]0;title\x07after'), 'after')
  assert.is(sanitizeLine('bell \x07 nul \x00 csi \x9b'), 'bell \\x07 nul \\x00 csi \\x9b')
  assert.is(sanitizeLine('evil \u202egnp.exe'), 'evil \\u202egnp.exe')
})

test('of a progress bar, the last state counts', () => {
  assert.is(sanitizeLine('10%\r50%\r100%\r'), '100%')
})

test('text keeps its lines, and shows what else is in them', () => {
  assert.is(sanitizeText('a\r\nb\x1b[31mc'), 'a\\x0d\nb\\x1b[31mc')
})

test('seconds', () => {
  assert.is(formatSeconds(4.12), '4.1s')
  assert.is(formatSeconds(59.96), '1m 00s')
  assert.is(formatSeconds(125), '2m 05s')
})

test.run()
