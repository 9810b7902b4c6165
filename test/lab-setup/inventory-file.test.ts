import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { removeInventory, writeInventory } from '../../src/lab/inventory-file.ts'
import type { LabState } from '../../src/lab/state.ts'

const test = suite('inventory of a lab')
let cwd = ''

test.before.each(() => {
  cwd = mkdtempSync(join(tmpdir(), 'pvectl-lab-inventory-'))
})
test.after.each(() => rmSync(cwd, { recursive: true, force: true }))

const PROD = `
all:
  connection: {user: admin, become: true, port: 2222}
  hosts:
    alone: {address: 192.0.2.9}
  children:
    pve:
      vars: {internal_bridge: vmbr5, level: outer}
      hosts:
        pve1: {address: 192.0.2.10, vars: {nested: {list: [1, two, null]}}}
      children:
        edge:
          vars: {level: inner}
          hosts: {pve2: {address: 192.0.2.11, jump: pve1}}
`

function stateWith(names: readonly string[]): LabState {
  const nodes = names.map((name, i) => ({ name, number: i + 1, address: `198.18.3.${11 + i}`, image: '/image' }))
  return {
    name: 'lab',
    kind: 'container' as const,
    pve: '8' as const,
    cables: 'pairs' as const,
    network: '198.18.3',
    rehearses: null,
    nodes,
    inventories: [],
  }
}

test('loads again, with the pinned host keys and variables of its own for each node', async () => {
  const folder = join(cwd, 'inventory/lab')
  const knownHosts = '198.18.3.11 ssh-ed25519 AAAA\n'
  await writeInventory(folder, { state: stateWith(['node1', 'node2']), knownHosts, jumpKey: 'ssh-ed25519 BBBB' })
  const { hosts, groups } = await loadInventory('lab', { cwd })
  assert.equal(groups.get('pve'), ['node1', 'node2'])
  const [first, second] = hosts
  assert.is(first?.target.address, '198.18.3.11')
  assert.is(first?.target.user, 'root')
  assert.equal(first?.target.knownHostsFiles, [join(folder, 'known_hosts')])
  assert.equal(first?.vars.jump_keys, ['ssh-ed25519 BBBB'])
  assert.is.not(first?.vars.public_domain, second?.vars.public_domain)
})

test('a rehearsal differs from its source in nothing but the connection', async () => {
  mkdirSync(join(cwd, 'inventory/prod'), { recursive: true })
  writeFileSync(join(cwd, 'inventory/prod/hosts.yml'), PROD)
  const source = await loadInventory('prod', { cwd })
  const state = stateWith(source.hosts.map((host) => host.name))
  await writeInventory(join(cwd, 'inventory/lab'), { state, knownHosts: '', jumpKey: 'ssh-ed25519 BBBB', source })
  const copy = await loadInventory('lab', { cwd })
  const comparable = (inventory: typeof copy) =>
    inventory.hosts.map(({ name, groups, vars }) => ({ name, groups, vars }))
  assert.equal(comparable(copy), comparable(source))
  assert.equal(copy.tree.children, source.tree.children)
  for (const { target } of copy.hosts) {
    assert.match(target.address, /^198\.18\.3\./)
    assert.equal([target.user, target.port, target.become, target.jump], ['root', 22, false, undefined])
  }
})

test("never touches someone's own inventory", async () => {
  const folder = join(cwd, 'inventory/lab')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'hosts.yml'), PROD)
  const written = writeInventory(folder, { state: stateWith(['node1']), knownHosts: '', jumpKey: '' })
  assert.match(await written.catch((error: Error) => error.message), /not written by/)
  await removeInventory(folder)
  assert.ok(existsSync(join(folder, 'hosts.yml')))
})

test('goes without a trace, but leaves what others put beside it', async () => {
  const folder = join(cwd, 'inventory/lab')
  const inventory = { state: stateWith(['node1']), knownHosts: '', jumpKey: '' }
  await writeInventory(folder, inventory)
  await removeInventory(folder)
  assert.not(existsSync(folder))
  await writeInventory(folder, inventory)
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  await removeInventory(folder)
  assert.ok(existsSync(join(folder, 'notes.txt')))
  assert.not(existsSync(join(folder, 'hosts.yml')))
})

test.run()
