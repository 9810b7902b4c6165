import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Secret } from '../../src/connection/secret.ts'
import { formatLocation, type PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { encrypt } from '../../src/secrets/age.ts'
import { identityPath, readIdentities } from '../../src/secrets/identity.ts'
import { SecretStore } from '../../src/secrets/store.ts'
import { project } from '../helpers/project.ts'
import { testKey } from '../helpers/sealed.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('secrets: load')

const MAIN = 'all: {hosts: {node1: {address: 10.0.0.1}, node2: {address: 10.0.0.2}}}\n'

function told(error: PvectlError): string[] {
  return error.problems.map(({ location, message }) => `${location ? formatLocation(location) : ''} ${message}`)
}

function text(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value
}

test('values are opened wherever they stand, and shared ones once', async () => {
  const key = await testKey()
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/group_vars/all.yml': `password: ${await key.seal('hunter2')}\ndb:\n  users:\n    - name: app\n      password: ${await key.seal('swordfish', '        ')}\n`,
    'inventory/host_vars/node2.yml': `password: ${await key.seal('for node2')}\n`,
  })
  const { hosts } = await loadInventory('prod', { cwd, secrets: key.store() })
  assert.equal(
    hosts.map(({ vars }) => text(vars.password)),
    ['hunter2', 'for node2'],
  )
  const db = hosts[0]?.vars.db as { users: { name: string; password: unknown }[] }
  assert.is(db.users[0]?.name, 'app')
  assert.is(text(db.users[0]?.password), 'swordfish')
  assert.is(hosts[0]?.vars.db, hosts[1]?.vars.db, 'what hosts share stays shared')
  assert.is(JSON.stringify(hosts[0]?.vars.password), '"********"')
  assert.is(text(hosts[1]?.origins.get('password')?.value), 'for node2')
})

test('without a store values stay closed and encrypted files are left out', async () => {
  const key = await testKey()
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/group_vars/all.yml': `password: ${await key.seal('hunter2')}\n`,
    'inventory/group_vars/all.yml.age': await encrypt('other: hunter3\n', [key.recipient]),
  })
  const { hosts } = await loadInventory('prod', { cwd })
  assert.is(JSON.stringify(hosts[0]?.vars), '{"password":"********"}')
})

test('a file encrypted as a whole outranks the plain one beside it, and its texts are secrets', async () => {
  const key = await testKey()
  const secret = 'password: hunter2\nnested: {list: [swordfish, true]}\n'
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/group_vars/all.yml': 'password: plain\nport: 25\n',
    'inventory/group_vars/all.yml.age': await encrypt(secret, [key.recipient]),
  })
  const store = key.store()
  const { hosts } = await loadInventory('prod', { cwd, secrets: store })
  const vars = hosts[0]?.vars ?? {}
  assert.is(text(vars.password), 'hunter2')
  assert.is(vars.port, 25)
  assert.is(JSON.stringify(vars.nested), '{"list":["********",true]}')
  assert.is(store.mask('swordfish and hunter2'), '******** and ********')
  assert.is(hosts[0]?.origins.get('password')?.from, 'inventory/group_vars/all.yml.age:1')
})

test('an encrypted file that is no YAML is explained without an excerpt', async () => {
  const key = await testKey()
  for (const content of ['password: hunter2: x\n', 'hunter2 alone\n']) {
    const cwd = project({
      'inventory/prod.yml': MAIN,
      'inventory/group_vars/all.yml.age': await encrypt(content, [key.recipient]),
    })
    const error = await failureOf(loadInventory('prod', { cwd, secrets: key.store() }))
    assert.match(told(error)[0] ?? '', /^inventory\/group_vars\/all\.yml\.age:1/)
    assert.not.match(JSON.stringify([error.message, error.problems]), 'hunter2')
  }
})

test('no key: one problem at the first value, with what to do', async () => {
  const key = await testKey()
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/group_vars/all.yml': `a: 1\nx: ${await key.seal('hunter2')}\ny: ${await key.seal('hunter3')}\n`,
  })
  const secrets = new SecretStore({ env: { XDG_CONFIG_HOME: cwd } })
  const error = await failureOf(loadInventory('prod', { cwd, secrets }))
  assert.is(error.code, 'SECRET_FAILED')
  assert.is(error.exitCode, 3)
  assert.equal(told(error), [
    `inventory/group_vars/all.yml:2:9 no key to decrypt with: ${cwd}/pvectl/age.key is not there`,
  ])
  assert.match(error.problems[0]?.hint ?? '', 'pvectl secrets init')
})

test('a wrong key, damaged text and short secrets are told all at once, each at its place', async () => {
  const key = await testKey()
  const other = await testKey()
  const good = await key.seal('hunter2')
  const damaged = good.replace(/(.)\n(.*END)/, (_, last, end) => `${last === 'A' ? 'B' : 'A'}\n${end}`)
  assert.is.not(damaged, good)
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/group_vars/all.yml': `mine: ${good}\nother: ${await other.seal('secret')}\nbroken: ${damaged}\nno: !age hello\nshort: ${await key.seal('abc')}\n`,
  })
  const error = await failureOf(loadInventory('prod', { cwd, secrets: key.store() }))
  assert.is(error.code, 'SECRET_FAILED')
  const lines = told(error)
  assert.is(lines.length, 4, lines.join('\n'))
  assert.match(lines[0] ?? '', /all\.yml:\d+:13 encrypted for others: your key cannot open it$/)
  assert.match(lines[1] ?? '', /all\.yml:\d+:14 the encrypted text is damaged/)
  assert.match(lines[2] ?? '', /all\.yml:\d+:10 the encrypted text is damaged/)
  assert.match(lines[3] ?? '', /all\.yml:\d+:13 a secret of fewer than 4 characters cannot be masked/)
})

test('a number in an encrypted file is refused, as it could not be masked', async () => {
  const key = await testKey()
  const cwd = project({
    'inventory/prod.yml': MAIN,
    'inventory/host_vars/node1.yml.age': await encrypt('a: text\npin: 123456\n', [key.recipient]),
  })
  const error = await failureOf(loadInventory('prod', { cwd, secrets: key.store() }))
  assert.match(told(error)[0] ?? '', 'host_vars/node1.yml.age:2:1 a number in an encrypted file')
  assert.not.match(error.message, '123456')
})

test('a value that a stronger one replaces needs no key', async () => {
  const key = await testKey()
  const other = await testKey()
  const cwd = project({
    'inventory/prod.yml': MAIN.replace('node2: {address: 10.0.0.2}', ''),
    'inventory/group_vars/all.yml': `password: ${await other.seal('theirs')}\n`,
    'inventory/host_vars/node1.yml': `password: ${await key.seal('mine')}\n`,
  })
  const { hosts } = await loadInventory('prod', { cwd, secrets: key.store() })
  assert.is(text(hosts[0]?.vars.password), 'mine')
})

test('a key file that others may read is refused', async () => {
  const key = await testKey()
  chmodSync(key.file, 0o640)
  assert.throws(
    () => readIdentities(key.file),
    (error: PvectlError) =>
      error.code === 'SECRET_FAILED' &&
      error.message.includes('mode 0640') &&
      error.problems[0]?.hint === `chmod 600 ${key.file}`,
  )
  chmodSync(key.file, 0o600)
  writeFileSync(key.file, '# only a comment\n')
  assert.throws(() => readIdentities(key.file), /no age key file/)
})

test('where the key lies', () => {
  assert.is(identityPath({ env: {}, home: '/h' }), '/h/.config/pvectl/age.key')
  assert.is(identityPath({ env: { XDG_CONFIG_HOME: '/x' }, home: '/h' }), '/x/pvectl/age.key')
  assert.is(identityPath({ env: { PVECTL_AGE_IDENTITY: '~/k', XDG_CONFIG_HOME: '/x' }, home: '/h' }), '/h/k')
})

test('files go both ways between pvectl and age', async () => {
  const probe = spawnSync('age', ['--version'])
  if (probe.error !== undefined) {
    process.stdout.write('skipped: the command `age` is not installed\n')
    return
  }
  const key = await testKey()
  const dir = project({ 'plain.yml': 'password: from-age\n' })
  const decrypted = spawnSync('age', ['--decrypt', '-i', key.file], {
    input: await encrypt('hunter2\n', [key.recipient]),
  })
  assert.is(decrypted.stdout.toString(), 'hunter2\n', decrypted.stderr.toString())
  for (const armor of [['--armor'], []]) {
    const made = spawnSync('age', [...armor, '-r', key.recipient, '-o', 'all.yml.age', 'plain.yml'], { cwd: dir })
    assert.is(made.status, 0, made.stderr.toString())
    const file = path.join(dir, 'all.yml.age')
    const texts = await key.store().openFiles([file], (name) => name)
    assert.is(texts.get(file), 'password: from-age\n')
  }
  const generated = spawnSync('age-keygen', [], { encoding: 'utf8' })
  writeFileSync(path.join(dir, 'key'), generated.stdout, { mode: 0o600 })
  assert.match(readIdentities(path.join(dir, 'key'))[0] ?? '', /^AGE-SECRET-KEY-1/)
  assert.match(readFileSync(path.join(dir, 'key'), 'utf8'), '# public key: age1')
})

test.run()
