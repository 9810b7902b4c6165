import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { decryptText, encryptFile } from '../../src/cli/secrets-encrypt.ts'
import { initSecrets } from '../../src/cli/secrets-init.ts'
import { project } from '../helpers/project.ts'
import { ROOT } from '../helpers/pvectl.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('secrets: commands')

/** Runs pvectl from its sources. */
function pvectl(cwd: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync('node', [path.join(ROOT, 'bin/dev.js'), ...args], {
    cwd,
    input,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NO_COLOR: '1', ...env },
  })
  return { status, stdout, stderr }
}

function folder() {
  const cwd = project({ 'inventory/prod.yml': 'all: {hosts: {node1: {address: 127.0.0.1}}}\n' })
  process.env.PVECTL_AGE_IDENTITY = path.join(cwd, 'keys/age.key')
  return cwd
}

test('init makes a key once, for its owner only, and lists the public one beside the inventory', async () => {
  const cwd = folder()
  const first = await initSecrets('prod', cwd)
  assert.equal([first.created, first.added, first.recipients], [true, true, 'inventory/.age-recipients'])
  assert.is(statSync(first.identity).mode & 0o777, 0o600)
  const key = readFileSync(first.identity, 'utf8')
  const second = await initSecrets('prod', cwd)
  assert.equal([second.created, second.added, second.recipient], [false, false, first.recipient])
  assert.is(readFileSync(first.identity, 'utf8'), key)
  const listed = readFileSync(path.join(cwd, 'inventory/.age-recipients'), 'utf8')
  assert.is(listed.split(first.recipient).length, 2)
  assert.not.match(listed, 'SECRET')
})

test('a piped value becomes YAML that decrypts to it, without the line break of echo', async () => {
  const cwd = folder()
  await initSecrets('prod', cwd)
  for (const [input, expected] of [
    ['hunter2\n', 'hunter2'],
    ['hunter2', 'hunter2'],
    ['one\ntwo\n', 'one\ntwo\n'],
  ] as const) {
    const { status, stdout, stderr } = pvectl(cwd, ['secrets', 'encrypt', '--name', 'pw'], input)
    assert.is(status, 0, stderr)
    assert.ok(stdout.startsWith('pw: !age |\n  -----BEGIN AGE'))
    writeFileSync(path.join(cwd, 'pasted.yml'), stdout)
    const plain = await decryptText('pasted.yml', cwd)
    assert.equal(parse(plain), { pw: expected })
  }
  const { stdout } = pvectl(cwd, ['secrets', 'decrypt', '-'], readFileSync(path.join(cwd, 'pasted.yml'), 'utf8'))
  assert.equal(parse(stdout), { pw: 'one\ntwo\n' })
  const short = pvectl(cwd, ['secrets', 'encrypt'], 'abc\n')
  assert.is(short.status, 3)
  assert.not.match(short.stdout + short.stderr, 'abc')
})

test('a file is encrypted beside the plain one, once', async () => {
  const cwd = folder()
  await initSecrets('prod', cwd)
  const vars = path.join(cwd, 'inventory/all.yml')
  writeFileSync(vars, 'password: hunter2\n')
  assert.match(await encryptFile('inventory/all.yml', cwd), 'wrote inventory/all.yml.age, encrypted for 1 key')
  assert.is(readFileSync(vars, 'utf8'), 'password: hunter2\n')
  assert.is(await decryptText('inventory/all.yml.age', cwd), 'password: hunter2\n')
  assert.match((await failureOf(encryptFile('inventory/all.yml', cwd))).message, 'is there already')
  assert.match((await failureOf(encryptFile('inventory/all.yml.age', cwd))).message, 'is encrypted already')
  assert.match((await failureOf(decryptText('inventory/prod.yml', cwd))).message, 'nothing is encrypted here')
})

test('a run without the key ends with 3 and the place of the value, before any node is contacted', async () => {
  const cwd = folder()
  await initSecrets('prod', cwd)
  const { stdout } = pvectl(cwd, ['secrets', 'encrypt', '-n', 'pw'], 'hunter2\n')
  mkdirSync(path.join(cwd, 'inventory/group_vars'))
  mkdirSync(path.join(cwd, 'playbooks'))
  writeFileSync(path.join(cwd, 'inventory/group_vars/all.yml'), stdout)
  writeFileSync(path.join(cwd, 'playbooks/site.yml'), '- hosts: all\n  tasks:\n    - command: "x <%= vars.pw %>"\n')
  const { status, stderr } = pvectl(cwd, ['check'], '', { PVECTL_AGE_IDENTITY: '/nonexistent/key' })
  assert.is(status, 3)
  assert.match(stderr, 'no key to decrypt with: /nonexistent/key is not there')
  assert.match(stderr, 'inventory/group_vars/all.yml:1:10')
  const shown = pvectl(cwd, ['inventory', 'show', 'node1'])
  assert.match(shown.stdout, 'pw: "********"')
})

test.run()
