import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { maskDiff } from '../../src/engine/masking.ts'
import { unifiedDiff } from '../../src/engine/show.ts'
import { canMask, createMask } from '../../src/secrets/mask.ts'
import { valueText } from '../../src/yaml/words.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('secrets: mask')

const KEY = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3\nq8dkbb6rZ9o=\n-----END PRIVATE KEY-----\n'

test('a secret is hidden wherever it stands, the longest one first', () => {
  const mask = createMask(['hunter2', 'hunter2-longer', 'a.b*c'])
  assert.is(mask('x=hunter2;y=hunter2-longer'), 'x=********;y=********')
  assert.is(mask('a.b*c axbbc'), '******** axbbc')
  assert.is(mask('nothing here'), 'nothing here')
})

test('no secrets, no change', () => {
  assert.is(createMask([])('text…'), 'text…')
  assert.is(createMask(['abc'])('abc'), 'abc')
  assert.not.ok(canMask(' abc \n'))
})

test('a key of several lines is hidden line by line, its frame is not', () => {
  const mask = createMask([KEY])
  assert.is(mask(`a ${KEY.split('\n')[1]} b`), 'a ******** b')
  assert.is(mask('-----BEGIN PRIVATE KEY-----'), '-----BEGIN PRIVATE KEY-----')
  assert.is(mask(JSON.stringify({ key: KEY })), '{"key":"********\\n"}')
})

test('shell, JSON and URL spellings are found', () => {
  const secret = `it's "q" & more`
  const mask = createMask([secret])
  for (const text of [secret, `'it'\\''s "q" & more'`, JSON.stringify(secret), encodeURIComponent(secret)]) {
    assert.not.match(mask(text), 'more', text)
  }
})

test('base64 is found, alone, within longer text and as the command prints it', () => {
  const secret = 'correct horse battery staple, and then some more words to make it long enough for two lines'
  const mask = createMask([secret])
  const heart = (text: string) => /Y29ycmVjdCBo|aG9yc2U|YmF0dGVy|c3RhcGxl|bWFrZS|dHdv/.test(text)
  for (const before of ['', 'a', 'ab', 'user:']) {
    const encoded = Buffer.from(`${before}${secret}:after`).toString('base64')
    assert.ok(mask(encoded).includes('********'), before)
    assert.ok(mask(encoded).length < 30, mask(encoded))
  }
  const { stdout } = spawnSync('base64', { input: secret, encoding: 'utf8' })
  assert.ok(stdout.trim().includes('\n'))
  assert.not.ok(heart(mask(stdout)), mask(stdout))
})

test('a secret that was cut short is hidden too', () => {
  const mask = createMask(['a-very-secret-token-of-some-length'])
  assert.is(mask('command curl -H a-very-secret-tok…'), 'command curl -H ********…')
  assert.is(mask('half… a-ve… a-v…'), 'half… ********… a-v…')
  const long = `${'x'.repeat(30)}"a-very-secret-token-of-some-length"`
  assert.not.match(mask(valueText(long)), 'a-ver')
})

test('whatever the secret, no trace of it is left', () => {
  const secrets = fc.string({ minLength: 6, maxLength: 40 }).filter((text) => text.trim().length >= 6)
  fc.assert(
    fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
      // What stands before and after may by itself hold it or be part of the mask.
      const mask = createMask([secret])
      const masked = mask(`${before}\u0000${secret}\u0000${after}`)
      fc.pre(!`${before}${after}********`.includes(secret.trim()))
      assert.not.ok(masked.includes(secret.trim()))
    }),
    draws(300),
  )
})

test('a diff of a secret that was changed hides the old one too', async () => {
  const before = Buffer.from('user=app\npassword=OLDPASSWORD\nport=1\n')
  const after = Buffer.from('user=app\npassword=hunter2222\nport=1\n')
  const shown = maskDiff(await unifiedDiff(before, after), createMask(['hunter2222']))
  assert.is(shown, '@@ -1,3 +1,3 @@\n user=app\n-********\n+password=********\n port=1\n')
})

test('a diff without secrets stays as it is, one with a key hides it and what it replaces', async () => {
  const plain = await unifiedDiff(Buffer.from('a\n'), Buffer.from('b\n'))
  assert.is(maskDiff(plain, createMask(['hunter2'])), plain)
  const old = KEY.replaceAll('MC4CAQ', 'ZZZZZZ').replaceAll('q8dkbb', 'YYYYYY')
  const shown = maskDiff(await unifiedDiff(Buffer.from(old), Buffer.from(KEY)), createMask([KEY]))
  for (const part of ['ZZZZ', 'YYYY', 'MC4C', 'q8dk']) assert.not.match(shown, part)
})

test.run()
