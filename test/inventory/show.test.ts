import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { listing, listText } from '../../src/inventory/list.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { selectHosts } from '../../src/inventory/select.ts'
import { describeHost, findHost, showText } from '../../src/inventory/show.ts'
import { project } from '../helpers/project.ts'

const YAML = `all:
  connection: { jump: bastion }
  vars: { domain: example.org, text: "a\\nb\\n", list: [1, {a: b}], none: }
  hosts:
    bastion: { address: 203.0.113.5 }
    node1:
  children:
    pve:
      hosts:
        node1: { address: 203.0.113.11, user: admin, become: true }
        node2: { address: 2001:db8::12, port: 2222, jump: false, vars: { domain: other.example } }
      children:
        edge: { hosts: { node2: } }
    none:
`

const test = suite('inventory: list and show')
const inventory = await loadInventory('a', { cwd: project({ 'inventory/a.yml': YAML }), home: '/home/me' })

test('hosts in the tree of their groups', () => {
  assert.is(
    listText(inventory, inventory.hosts),
    `inventory/a.yml: 3 hosts

all
├─ bastion      203.0.113.5
├─ pve
│  ├─ node1     admin@203.0.113.11 via bastion
│  ├─ node2     [2001:db8::12]:2222
│  └─ edge
│     └─ node2  [2001:db8::12]:2222
└─ none         (empty)`,
  )
})

test('a limit leaves the groups that have some of its hosts', () => {
  const hosts = selectHosts(inventory, 'node1')
  assert.is(
    listText(inventory, hosts),
    'inventory/a.yml: 1 of 3 hosts\n\nall\n└─ pve\n   └─ node1  admin@203.0.113.11 via bastion',
  )
  const data = listing(inventory, hosts)
  assert.equal(data.groups, { all: ['node1'], pve: ['node1'] })
  assert.equal(data.hosts, [
    { name: 'node1', address: '203.0.113.11', port: 22, user: 'admin', jump: 'bastion', groups: ['all', 'pve'] },
  ])
})

test('a host as YAML, each variable with its place', () => {
  const text = showText(findHost(inventory, 'node2'))
  assert.is(
    text,
    `name: node2
groups:
  - all
  - pve
  - edge
connection:
  address: 2001:db8::12
  port: 2222
  user: root
  become: false
  connect_timeout: 15
vars:
  domain: other.example  # inventory/a.yml:11
  text: |                # inventory/a.yml:3
    a
    b
  list:                  # inventory/a.yml:3
    - 1
    - a: b
  none: null             # inventory/a.yml:3`,
  )
  assert.equal(parse(text).vars, { domain: 'other.example', text: 'a\nb\n', list: [1, { a: 'b' }], none: null })
})

test('a host as data, with the chain of jump hosts', () => {
  const { connection, vars } = describeHost(findHost(inventory, 'node1'))
  assert.is(connection.jump?.name, 'bastion')
  assert.is(connection.jump?.address, '203.0.113.5')
  assert.equal(vars.domain, { value: 'example.org', from: 'inventory/a.yml:3' })
})

test('an unknown host', () => {
  assert.throws(() => findHost(inventory, 'node'), /no host is called `node`/)
})

test.run()
