import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { Problem } from '../../src/errors.ts'
import { encrypt, isAgeFile } from '../../src/secrets/age.ts'
import { editSecrets } from '../../src/secrets/edit.ts'
import { withPrivateFile } from '../../src/secrets/private-file.ts'
import { addRecipient, readRecipients } from '../../src/secrets/recipients.ts'
import { rewriteValues } from '../../src/secrets/yaml-text.ts'
import { draws } from '../helpers/draws.ts'
import { project } from '../helpers/project.ts'
import { type TestKey, testKey } from '../helpers/sealed.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('secrets: edit')

/** An editor that sees the text and leaves another; what it saw is kept. */
function editor(change: (text: string) => string, code = 0) {
  const seen: { text: string; mode: number; dir: string }[] = []
  const open = async (file: string) => {
    const text = readFileSync(file, 'utf8')
    seen.push({ text, mode: statSync(file).mode & 0o777, dir: path.dirname(file) })
    writeFileSync(`${file}~`, text)
    writeFileSync(file, change(text))
    return code
  }
  return { seen, open }
}

function edit(key: TestKey, file: string, open: (file: string) => Promise<number>, again: boolean[] = []) {
  const asked: (readonly Problem[])[] = []
  const editAgain = async (problems: readonly Problem[]) => {
    asked.push(problems)
    return again.shift() ?? false
  }
  const options = { file, shown: path.basename(file), recipients: [key.recipient], secrets: key.store() }
  return { asked, done: editSecrets({ ...options, openEditor: open, editAgain }) }
}

test('a value is changed, another one added, and the rest of the file stays byte for byte', async () => {
  const key = await testKey()
  const kept = await key.seal('kept-as-it-is')
  const file = path.join(
    project({ 'a.yml': `# comment\nold: ${await key.seal('hunter2')}\nkept: ${kept}\nplain:   "x"   # why\n` }),
    'a.yml',
  )
  const { open, seen } = editor((text) => `${text.replace('hunter2', 'swordfish')}new: !age brand-new\n`)
  assert.is(await edit(key, file, open).done, true)
  const content = readFileSync(file, 'utf8')
  assert.ok(content.startsWith('# comment\nold: !age |\n  -----BEGIN'))
  assert.ok(content.includes(`kept: ${kept}\n`), 'the same text for the same value')
  assert.ok(content.includes('plain:   "x"   # why\n'))
  assert.not.match(content, /swordfish|brand-new/)
  const { open: look, seen: after } = editor((text) => text)
  assert.is(await edit(key, file, look).done, false)
  assert.is(
    after[0]?.text,
    '# comment\nold: !age "swordfish"\nkept: !age "kept-as-it-is"\nplain:   "x"   # why\nnew: !age "brand-new"\n',
  )
  assert.is(readFileSync(file, 'utf8'), content, 'nothing changed, nothing written')
  assert.is(seen[0]?.mode, 0o600)
  assert.not.ok(existsSync(seen[0]?.dir ?? '/'), 'the copy is gone, and what the editor left beside it')
})

test('a file that is encrypted as a whole, from nothing', async () => {
  const key = await testKey()
  const file = path.join(project({}), 'b.yml.age')
  await edit(key, file, editor(() => 'password: hunter2\n').open).done
  assert.ok(isAgeFile(readFileSync(file)))
  const { open, seen } = editor((text) => text)
  await edit(key, file, open).done
  assert.is(seen[0]?.text, 'password: hunter2\n')
})

test('an editor that fails, or text that is no YAML, leaves the file as it was', async () => {
  const key = await testKey()
  const file = path.join(project({ 'a.yml': `old: ${await key.seal('hunter2')}\n` }), 'a.yml')
  const before = readFileSync(file, 'utf8')
  const failing = await failureOf(edit(key, file, editor(() => 'gone: 1\n', 3).open).done)
  assert.match(failing.message, 'the editor ended with 3')
  const { asked, done } = edit(key, file, editor(() => 'a: hunter2: x\n').open)
  const error = await failureOf(done)
  assert.is(error.code, 'SECRET_FAILED')
  assert.is(asked.length, 1)
  assert.not.match(JSON.stringify(error.problems), 'hunter2')
  assert.is(readFileSync(file, 'utf8'), before)
})

test('after a mistake one can go on editing what one wrote', async () => {
  const key = await testKey()
  const file = path.join(project({ 'a.yml': `old: ${await key.seal('hunter2')}\n` }), 'a.yml')
  const versions = ['old: !age "abc"\n', 'old: !age longer-now\n']
  const { open, seen } = editor(() => versions.shift() ?? '')
  const { asked, done } = edit(key, file, open, [true])
  assert.is(await done, true)
  assert.match(asked[0]?.[0]?.message ?? '', 'fewer than 4 characters')
  assert.is(seen[1]?.text, 'old: !age "abc"\n')
})

test('mode and link of the file stay', async () => {
  const key = await testKey()
  const dir = project({ 'real.yml': `old: ${await key.seal('hunter2')}\n` })
  symlinkSync('real.yml', path.join(dir, 'a.yml'))
  writeFileSync(path.join(dir, 'real.yml'), readFileSync(path.join(dir, 'real.yml')), { mode: 0o640 })
  const mode = statSync(path.join(dir, 'real.yml')).mode
  await edit(key, path.join(dir, 'a.yml'), editor((text) => text.replace('hunter2', 'swordfish')).open).done
  assert.ok(lstatSync(path.join(dir, 'a.yml')).isSymbolicLink())
  assert.is(statSync(path.join(dir, 'real.yml')).mode, mode)
  assert.equal(readdirSync(dir).sort(), ['a.yml', 'real.yml'])
})

test('a copy goes away when the work on it fails', async () => {
  let dir = ''
  const work = withPrivateFile('x.yml', 'secret', async (file) => {
    dir = path.dirname(file)
    mkdirSync(path.join(dir, 'sub'))
    writeFileSync(path.join(dir, 'sub/swap'), 'secret')
    throw new Error('broken')
  })
  try {
    await within(5000, work)
    assert.unreachable()
  } catch (error) {
    assert.is((error as Error).message, 'broken')
  }
  assert.not.ok(existsSync(dir))
})

test('whatever stands behind the tag survives opening and closing, wherever it stands', async () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.string()).map((l) => l.join('\n')),
  )
  const shapes = [
    (value: string) => `a: ${value}\nb: 1\n`,
    (value: string) => `a:\n  - x\n  - ${value}\n  - y: ${value}\n    z: 2\nb: 1\n`,
    (value: string) => `a: {x: ${value}, y: [${value}]}\n`,
    (value: string) => `a: ${value} # comment\nb: ${value}`,
  ]
  await fc.assert(
    fc.asyncProperty(anyText, fc.constantFrom(...shapes), async (text, shape) => {
      const source = shape('!age "x"')
      const opened = await rewriteValues(source, async () => text, { tagged: true })
      assert.equal(parse(opened, { customTags: [age] }), parse(shape(JSON.stringify(text))), opened)
      const block = await rewriteValues(opened, async () => 'one\ntwo\n', { tagged: true })
      const again = await rewriteValues(block, async (value) => (value === 'one\ntwo\n' ? text : 'other'), {
        tagged: true,
      })
      assert.equal(parse(again, { customTags: [age] }), parse(shape(JSON.stringify(text))), again)
    }),
    draws(300),
  )
})

const age = { tag: '!age', resolve: (text: string) => text }

test('recipients: one a line with comments, others are told', async () => {
  const key = await testKey()
  const dir = project({ 'inventory/.age-recipients': `# who\n\n${key.recipient} # me\n` })
  const folder = path.join(dir, 'inventory/group_vars')
  mkdirSync(folder)
  assert.equal(await readRecipients(folder, dir), [key.recipient])
  const file = path.join(dir, 'inventory/.age-recipients')
  assert.is(addRecipient(file, key.recipient, 'again'), false)
  for (const wrong of [key.identity, 'ssh-ed25519 AAAA', 'age1nonsense']) {
    writeFileSync(file, `${wrong}\n`)
    const error = await failureOf(readRecipients(folder, dir))
    assert.is(error.problems[0]?.location?.line, 1)
    assert.not.match(error.message, key.identity)
  }
  const none = await failureOf(readRecipients(project({}), dir))
  assert.match(none.message, 'whom to encrypt for?')
  await encrypt('x', [key.recipient])
})

test.run()
