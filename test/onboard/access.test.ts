import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection } from '../../src/connection/connection.ts'
import { Secret } from '../../src/connection/secret.ts'
import type { Target } from '../../src/connection/target.ts'
import { PvectlError } from '../../src/errors.ts'
import { findAccess } from '../../src/onboard/access.ts'
import { GrowingInventory } from '../../src/onboard/candidate.ts'
import { pinLine } from '../../src/onboard/pin.ts'
import { SecretStore } from '../../src/secrets/store.ts'
import { project } from '../helpers/project.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('access to a new node')

const TARGET: Target = {
  name: 'pve4',
  address: '192.0.2.14',
  port: 22,
  user: 'root',
  keyFiles: [],
  knownHostsFiles: [],
  become: false,
  connectTimeoutMs: 1000,
}

const CONNECTION = { peer: '', run: async () => ({ code: 0 }), close: async () => undefined } as unknown as Connection

/** A node that lets in whoever `opens` says; the log of attempts. */
function node(opens: (user: string, password: string | undefined) => boolean) {
  const attempts: string[] = []
  const connect = async ({ user }: Target, password?: Secret) => {
    attempts.push(`${user} ${password === undefined ? 'key' : password.reveal()}`)
    if (opens(user, password?.reveal())) return CONNECTION
    throw new PvectlError('AUTH_FAILED', `${user} is not let in`)
  }
  return { attempts, connect }
}

test('a key that is known already needs no password', async () => {
  const { attempts, connect } = node((_, password) => password === undefined)
  const never = async () => Promise.reject(new Error('asked'))
  assert.is((await findAccess({ target: TARGET, connect, password: never })).password, undefined)
  assert.equal(attempts, ['root key'])
})

test('the password is asked for when no key is known, again when it is wrong, and three times at most', async () => {
  const { attempts, connect } = node((user, password) => user === 'root' && password === 'right')
  const words = ['wrong', 'right']
  const access = await findAccess({ target: TARGET, connect, password: async (n) => new Secret(words[n - 1] ?? '') })
  assert.is(access.password?.reveal(), 'right')
  assert.equal(attempts, ['root key', 'root wrong', 'root right'])
  const closed = node(() => false)
  const error = await failureOf(findAccess({ ...closed, target: TARGET, password: async () => new Secret('wrong') }))
  assert.is(error.code, 'AUTH_FAILED')
  assert.is(closed.attempts.length, 4)
})

test('an admin is tried before root, so that a second run finds its own work', async () => {
  const { attempts, connect } = node((user) => user === 'root')
  const target = { ...TARGET, user: 'ada', become: true }
  const access = await findAccess({ target, connect, password: async () => undefined })
  assert.equal(attempts, ['ada key', 'root key'])
  assert.equal([access.target.user, access.target.become], ['root', false])
})

test('a node that cannot be reached is no question of passwords', async () => {
  const connect = async () => Promise.reject(new PvectlError('HOST_UNREACHABLE', 'no route'))
  const password = async () => Promise.reject(new Error('asked'))
  assert.is((await failureOf(findAccess({ target: TARGET, connect, password }))).code, 'HOST_UNREACHABLE')
})

test('a key is pinned once, on a line of its own, in a file that only the admin may write', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-pin-'))
  const file = path.join(dir, 'deeper', 'known_hosts')
  await pinLine(file, 'a ssh-ed25519 AAAA')
  await pinLine(file, 'a ssh-ed25519 AAAA')
  assert.is(readFileSync(file, 'utf8'), 'a ssh-ed25519 AAAA\n')
  assert.is(statSync(file).mode & 0o077, 0)
  writeFileSync(file, 'b ssh-rsa BBBB')
  await pinLine(file, 'a ssh-ed25519 AAAA')
  assert.is(readFileSync(file, 'utf8'), 'b ssh-rsa BBBB\na ssh-ed25519 AAAA\n')
  rmSync(dir, { recursive: true })
})

const INVENTORY = `# mine
all:
  connection: { known_hosts: known_hosts, key: id }
  children:
    pve:
      hosts:
        pve1: { address: 192.0.2.11 }  # the first
`

async function growing(text: string, wishes: { group?: string; key?: string; adminUser?: string } = {}) {
  const cwd = project({ 'inventory/prod.yml': text })
  const all = { group: undefined, key: undefined, adminUser: undefined, ...wishes }
  return { cwd, inventory: await GrowingInventory.open('prod', { cwd, secrets: new SecretStore(), wishes: all }) }
}

test('a new host inherits from its group before it is in the file, and gets into it without a change elsewhere', async () => {
  const { cwd, inventory } = await growing(INVENTORY)
  const at = { address: '192.0.2.14', port: 2222 }
  const preview = await inventory.preview('pve4', at, {})
  assert.is(preview.target.port, 2222)
  assert.equal(preview.target.knownHostsFiles, [path.join(cwd, 'inventory/known_hosts')])
  assert.is(inventory.text, INVENTORY)
  await inventory.add('pve4', at, { internal_address: '10.10.2.1/24' })
  inventory.save()
  const text = readFileSync(path.join(cwd, 'inventory/prod.yml'), 'utf8')
  assert.ok(text.startsWith(INVENTORY), text)
  assert.match(text, 'pve4: { address: 192.0.2.14, port: 2222, vars: { internal_address: 10.10.2.1/24 } }')
  assert.is((await inventory.find(at))?.name, 'pve4')
})

test('the first host gets into the group pve that is there without hosts, and has what the group says', async () => {
  for (const hosts of ['{ hosts: {} }', '{ hosts: }', '', '{ vars: { a: 1 } }']) {
    const { inventory } = await growing(`all:\n  children:\n    pve: ${hosts}\n`)
    assert.is(await inventory.group(), 'pve', hosts)
    await inventory.add('pve1', { address: '192.0.2.11', port: undefined }, {})
    const [first] = (await inventory.load())?.hosts ?? []
    assert.equal(first?.groups, ['all', 'pve'], inventory.text)
  }
})

test('an inventory without hosts gets its first one', async () => {
  const { inventory } = await growing('all:\n  hosts:\n')
  assert.is(await inventory.load(), undefined)
  assert.is(await inventory.group(), 'all')
  await inventory.add('pve1', { address: '192.0.2.11', port: undefined }, {})
  assert.equal(
    (await inventory.load())?.hosts.map(({ name }) => name),
    ['pve1'],
  )
})

test('an admin user and a key are entered where they are not inherited', async () => {
  const { inventory } = await growing(INVENTORY, { adminUser: 'ada', key: 'inventory/id', group: 'edge' })
  await inventory.add('pve4', { address: '192.0.2.14', port: undefined }, {})
  assert.match(inventory.text, 'user: ada, become: true')
  assert.not.match(inventory.text.split('\n').at(-2) ?? '', 'key:')
  assert.match(inventory.text, 'edge:')
})

test('a name or address that is taken is refused', async () => {
  const { inventory } = await growing(INVENTORY)
  const error = await failureOf(inventory.add('pve1', { address: '192.0.2.14', port: undefined }, {}))
  assert.is(error.code, 'INVENTORY_INVALID')
  assert.match(error.problems[0]?.hint ?? '', '--name')
})

test.run()
