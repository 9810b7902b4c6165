import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { project } from '../helpers/project.ts'

const test = suite('inventory: load')

const FULL = `all:
  connection: { user: root, key: ~/.ssh/id_ed25519, known_hosts: known_hosts, jump: bastion, connect_timeout: 5 }
  vars: { domain: example.org, level: all, list: [1, 2] }
  hosts:
    bastion: { address: 203.0.113.5 }
  children:
    pve:
      vars: { level: pve }
      connection: { port: 2222 }
      hosts:
        node2: { address: 203.0.113.12, user: admin, become: true, vars: { level: host } }
        node1:
      children:
        edge:
          vars: { level: edge }
          hosts:
            node1: { address: 2001:db8::1, jump: false, key: [a, /abs/b] }
    late:
      vars: { level: late, list: [3] }
      hosts: { node2:, node3: { jump: ops@gate.example.org:2200 } }
`

test('hosts come in the order of the file, each once', async () => {
  const cwd = project({ 'inventory/prod.yml': FULL })
  const { hosts, name, file } = await loadInventory('prod', { cwd })
  assert.equal(
    hosts.map((h) => h.name),
    ['bastion', 'node2', 'node1', 'node3'],
  )
  assert.is(name, 'prod')
  assert.is(file, 'inventory/prod.yml')
})

test('settings come from the host, then from the nearest group, then from defaults', async () => {
  const cwd = project({ 'inventory/prod.yml': FULL })
  const { hosts } = await loadInventory('prod', { cwd, home: '/home/me' })
  const target = Object.fromEntries(hosts.map((h) => [h.name, h.target]))
  assert.equal(target.bastion, {
    name: 'bastion',
    address: '203.0.113.5',
    port: 22,
    user: 'root',
    keyFiles: ['/home/me/.ssh/id_ed25519'],
    knownHostsFiles: [path.join(cwd, 'inventory/known_hosts')],
    connectTimeoutMs: 5000,
    become: false,
    open: ['port'],
  })
  assert.is(target.node2?.port, 2222)
  assert.is(target.node2?.user, 'admin')
  assert.is(target.node2?.become, true)
  assert.is(target.node2?.jump, target.bastion)
  assert.equal(target.node1?.keyFiles, [path.join(cwd, 'inventory/a'), '/abs/b'])
  assert.is(target.node1?.jump, undefined)
  assert.is(target.node1?.address, '2001:db8::1')
})

test('a jump host outside the inventory has its own user and port, and the keys of the host behind it', async () => {
  const cwd = project({ 'inventory/prod.yml': FULL })
  const { hosts } = await loadInventory('prod', { cwd, home: '/home/me' })
  const jump = hosts.find((h) => h.name === 'node3')?.target.jump
  assert.is(jump?.address, 'gate.example.org')
  assert.is(jump?.user, 'ops')
  assert.is(jump?.port, 2200)
  assert.equal(jump?.keyFiles, ['/home/me/.ssh/id_ed25519'])
  assert.is(jump?.jump, undefined)
})

test('a jump host of an IPv6 address, and one through another', async () => {
  const yaml = `all:
  connection: { jump: inner }
  hosts:
    outer: { jump: "[2001:db8::5]:2200" }
    inner: { jump: outer }
    node1:
`
  const { hosts } = await loadInventory('prod', { cwd: project({ 'inventory/prod.yml': yaml }) })
  const [outer, inner, node1] = hosts.map((h) => h.target)
  assert.is(outer?.jump?.address, '2001:db8::5')
  assert.is(outer?.jump?.port, 2200)
  assert.is(inner?.jump, outer)
  assert.is(node1?.jump, inner)
})

test('groups: members with nested ones, ungrouped hosts, order from general to near', async () => {
  const cwd = project({ 'inventory/prod.yml': FULL })
  const { groups, hosts } = await loadInventory('prod', { cwd })
  assert.equal(Object.fromEntries(groups), {
    all: ['bastion', 'node2', 'node1', 'node3'],
    pve: ['node2', 'node1'],
    late: ['node2', 'node3'],
    edge: ['node1'],
    ungrouped: ['bastion'],
  })
  const memberships = Object.fromEntries(hosts.map((h) => [h.name, h.groups]))
  assert.equal(memberships.node1, ['all', 'pve', 'edge'])
  assert.equal(memberships.node2, ['all', 'pve', 'late'])
  assert.equal(memberships.bastion, ['all', 'ungrouped'])
})

test('variables: deeper groups win, then later ones, then the host; each knows its place', async () => {
  const cwd = project({ 'inventory/prod.yml': FULL })
  const { hosts } = await loadInventory('prod', { cwd })
  const host = (name: string) => hosts.find((h) => h.name === name)
  assert.equal(host('node1')?.vars, { domain: 'example.org', level: 'edge', list: [1, 2] })
  assert.is(host('node2')?.vars.level, 'host')
  assert.is(host('node3')?.vars.level, 'late')
  assert.equal(host('node3')?.vars.list, [3])
  assert.is(host('node1')?.origins.get('level')?.from, 'inventory/prod.yml:15')
  assert.is(host('node1')?.origins.get('domain')?.from, 'inventory/prod.yml:3')
})

test('group_vars and host_vars outrank vars of the same group or host', async () => {
  const cwd = project({
    'inventory/prod/hosts.yml':
      'all:\n  vars: {a: 1, b: 1, c: 1, d: 1, e: 1}\n  children: {pve: {vars: {c: 2}, hosts: {n.example.org: {vars: {e: 2}}}}}\n',
    'inventory/prod/group_vars/all.yml': '# first\nb: file\nc: file\n',
    'inventory/prod/group_vars/pve/10-x.yml': 'd: ten\n',
    'inventory/prod/group_vars/pve/20-y.yaml': 'd: twenty\n',
    'inventory/prod/group_vars/pve/notes.txt': 'not yaml: [',
    'inventory/prod/host_vars/n.example.org': 'e: file\n',
  })
  const { hosts } = await loadInventory('prod', { cwd })
  assert.equal(hosts[0]?.vars, { a: 1, b: 'file', c: 2, d: 'twenty', e: 'file' })
  assert.is(hosts[0]?.origins.get('b')?.from, 'inventory/prod/group_vars/all.yml:2')
  assert.is(hosts[0]?.origins.get('d')?.from, 'inventory/prod/group_vars/pve/20-y.yaml:1')
})

test('the same is found by folder, by file and from elsewhere by absolute path', async () => {
  const cwd = project({ 'inventory/prod/hosts.yml': 'all: {hosts: {node1: }}\n', 'x/y.yml': 'web: {hosts: {w1: }}\n' })
  for (const name of ['prod', 'inventory/prod', './inventory/prod/hosts.yml', path.join(cwd, 'inventory/prod')]) {
    assert.is((await loadInventory(name, { cwd })).hosts[0]?.target.address, 'node1', name)
  }
  const other = await loadInventory('x/y.yml', { cwd })
  assert.equal(other.groups.get('web'), ['w1'])
  assert.equal(other.groups.get('all'), ['w1'])
})

test('files for groups of another inventory in the same folder are no mistake', async () => {
  const cwd = project({
    'inventory/a.yml': 'all: {hosts: {node1: }}\n',
    'inventory/group_vars/other.yml': 'x: 1\n',
    'inventory/group_vars/all.yml': 'y: 2\n',
  })
  const { hosts } = await loadInventory('a', { cwd })
  assert.equal(hosts[0]?.vars, { y: 2 })
})

test('values are data: templates in them stay as they are', async () => {
  const cwd = project({ 'inventory/a.yml': 'all: {hosts: {n: {vars: {x: "<%= 1 + 1 %>", __proto__: {y: 1}}}}}\n' })
  const { hosts } = await loadInventory('a', { cwd })
  assert.is(hosts[0]?.vars.x, '<%= 1 + 1 %>')
  assert.is(hosts[0]?.vars.y, undefined)
})

test('anchors and merge keys keep their values and places', async () => {
  const yaml = `all:
  hosts:
    a: &common { user: admin, vars: { x: 1 } }
    b:
      <<: *common
      address: 203.0.113.9
`
  const { hosts } = await loadInventory('a', { cwd: project({ 'inventory/a.yml': yaml }) })
  assert.is(hosts[1]?.target.user, 'admin')
  assert.is(hosts[1]?.origins.get('x')?.from, 'inventory/a.yml:3')
})

test('a host may be spread over groups; equal values do not clash', async () => {
  const yaml =
    'all:\n  children:\n    a: {hosts: {n: {address: 203.0.113.1}}}\n    b: {hosts: {n: {address: 203.0.113.1, port: 23}}}\n'
  const { hosts } = await loadInventory('a', { cwd: project({ 'inventory/a.yml': yaml }) })
  assert.is(hosts.length, 1)
  assert.is(hosts[0]?.target.port, 23)
})

test.run()
