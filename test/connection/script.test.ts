import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { joinScripts, rawScript, type Script, sh } from '../../src/connection/script.ts'
import { MASK, Secret } from '../../src/connection/secret.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('script')

/** What /bin/sh makes of a script. */
function output(script: Script): Buffer {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-s'], { input: script.bytes(), timeout: 10_000 })
  assert.is(status, 0, stderr.toString())
  return stdout
}

const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => !value.includes('\0'))
const awkward = fc.array(
  fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '!', '*', '~', '-', '#', 'é', '\\n', "'\\''"),
)
const anyText = fc.oneof(
  text,
  awkward.map((parts) => parts.join('')),
)
const bytes = fc.uint8Array({ min: 1, max: 255, maxLength: 200 }).map((value) => Buffer.from(value))

test('any strings reach a command unchanged, each as one word', () => {
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 1, maxLength: 8 }), (words) => {
      const expected = Buffer.concat(words.flatMap((word) => [Buffer.from(word), Buffer.from('\0')]))
      assert.ok(output(sh`printf '%s\0' ${words}`).equals(expected))
    }),
    draws(150),
  )
})

test('any bytes reach a command unchanged', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      assert.ok(output(sh`printf %s ${value}`).equals(value))
    }),
    draws(150),
  )
  const all = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1))
  assert.ok(output(sh`printf %s ${all}`).equals(all))
})

test('secrets reach the command and stay out of the display', () => {
  fc.assert(
    fc.property(
      text.filter((value) => value.length > 3),
      (value) => {
        const script = sh`printf %s ${new Secret(value)}`
        assert.is(output(script).toString(), Buffer.from(value).toString())
        assert.is(script.display, `printf %s ${MASK}`)
      },
    ),
    draws(40),
  )
})

test('a secret stays masked through arrays, nesting and joining', () => {
  const inner = sh`echo ${['a b', new Secret('s3cret'), 3]}`
  const script = joinScripts([sh`if true; then ${inner}; fi`, rawScript('true')])
  assert.is(script.display, `if true; then echo 'a b' ${MASK} 3; fi\ntrue`)
  assert.is(String(script), script.display)
  assert.is(JSON.stringify({ script }).includes('s3cret'), false)
  assert.is(output(script).toString(), 'a b s3cret 3\n')
})

test('plain words stay bare, others are quoted', () => {
  assert.is(sh`ip link set ${'vmbr0'} mtu ${1500}`.display, 'ip link set vmbr0 mtu 1500')
  assert.is(sh`echo ${''} ${'a b'} ${"it's"}`.display, `echo '' 'a b' 'it'\\''s'`)
})

test('an array becomes several words, an empty one none', () => {
  assert.is(output(sh`set -- ${['a', 'b c', '']}; echo $#`).toString(), '3\n')
  assert.is(output(sh`set -- ${[]}; echo $#`).toString(), '0\n')
})

test('text of the template is taken as written, backslashes included', () => {
  assert.is(output(sh`printf 'a\tb\n'`).toString(), 'a\tb\n')
  assert.is(output(rawScript('printf "%s" "é€"')).toString(), 'é€')
})

test('a NUL byte is refused', () => {
  assert.throws(() => sh`echo ${'a\0b'}`, RangeError)
  assert.throws(() => sh`echo ${Buffer.from([0])}`, RangeError)
})

test('joins with newlines unless told otherwise', () => {
  const parts = [rawScript('a'), rawScript('b')]
  assert.is(joinScripts(parts).display, 'a\nb')
  assert.is(joinScripts(parts, ' && ').display, 'a && b')
  assert.is(joinScripts([]).isEmpty, true)
  assert.is(rawScript(' \n').isEmpty, true)
  assert.is(rawScript(':').isEmpty, false)
})

test.run()
