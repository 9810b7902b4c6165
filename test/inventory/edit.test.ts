import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { conflictText, type HostAddition, mergeHosts } from '../../src/inventory/edit.ts'

const test = suite('inventory: edit')

const FILE = 'inventory/prod.yml'

function merged(text: string, ...hosts: readonly HostAddition[]): string {
  const { text: result, conflicts } = mergeHosts(text, hosts, { file: FILE })
  assert.equal(conflicts, [])
  return result
}

/** Every line that was there is there still, in the same order. */
function assertLinesKept(before: string, after: string): void {
  const lines = after.split('\n')
  let from = 0
  for (const line of before.split('\n')) {
    const index = lines.indexOf(line, from)
    assert.not.equal(index, -1, `lost: ${JSON.stringify(line)} in\n${after}`)
    from = index + 1
  }
}

const BLOCK = `# The nodes of Example Ltd.
all:
    vars:   { domain: example.org }   # used everywhere

    children:
        pve:   # hypervisors
            hosts:
                node1:
                    address: 203.0.113.10   # rack 3
                    vars:
                        internal_address: 10.10.1.1/24

                    # never touch the storage link
                # node9 is gone
        storage:
            hosts:
                nas: {address: 203.0.113.50}
`

test('a new host goes to the end of its group, written as its neighbours, and every line stays', () => {
  const text = merged(BLOCK, { name: 'node2', group: 'pve', settings: { address: '203.0.113.11' }, vars: { a: 1 } })
  assertLinesKept(BLOCK, text)
  assert.ok(
    text.includes(
      `                # node9 is gone
                node2:
                    address: 203.0.113.11
                    vars:
                        a: 1
        storage:
`,
    ),
    text,
  )
})

test('into a group of one-line hosts goes a one-line host', () => {
  const text = merged(BLOCK, { name: 'nas2', group: 'storage', settings: { address: '2001:db8::7', port: 2222 } })
  assertLinesKept(BLOCK, text)
  assert.ok(
    text.endsWith('nas: {address: 203.0.113.50}\n                nas2: { address: 2001:db8::7, port: 2222 }\n'),
    text,
  )
})

test('what is said already changes nothing; what is missing is added to the host', () => {
  const same = { name: 'node1', group: 'pve', settings: { address: '203.0.113.10' } }
  assert.is(merged(BLOCK, same), BLOCK)
  const text = merged(BLOCK, { ...same, settings: { ...same.settings, user: 'admin' }, vars: { uplink: 'vmbr0' } })
  assertLinesKept(BLOCK, text)
  assert.ok(text.includes('internal_address: 10.10.1.1/24\n                        uplink: vmbr0\n'), text)
  assert.ok(
    text.includes('                    # never touch the storage link\n                    user: admin\n'),
    text,
  )
})

test('two differing values are a conflict with its place, and the text stays', () => {
  const host = { name: 'node1', settings: { address: '203.0.113.99' }, vars: { internal_address: '10.10.1.1/24' } }
  const { text, conflicts, added, extended } = mergeHosts(BLOCK, [host], { file: FILE })
  assert.is(text, BLOCK)
  assert.equal([added, extended], [[], []])
  assert.equal(conflicts.map(conflictText), [
    'inventory/prod.yml:9:30: address of node1 is "203.0.113.10" in the inventory, not "203.0.113.99"',
  ])
})

test('replaced on demand, with the comment behind it kept', () => {
  const host = { name: 'node1', settings: { address: '203.0.113.99' } }
  const { text, extended } = mergeHosts(BLOCK, [host], { file: FILE, replace: true })
  assert.is(text, BLOCK.replace('203.0.113.10   #', '203.0.113.99   #'))
  assert.equal(extended, ['node1'])
})

test('an address that another host has is a conflict, also when the name is the address', () => {
  const text = 'all:\n  hosts:\n    203.0.113.10:\n'
  const { text: same, conflicts } = mergeHosts(text, [{ name: 'n', settings: { address: '203.0.113.10' } }], {
    file: FILE,
  })
  assert.is(same, text)
  assert.match(conflicts[0]?.message ?? '', '203.0.113.10 is the address of 203.0.113.10 already')
  assert.is(merged(text, { name: '203.0.113.10', settings: { address: '203.0.113.10' } }), text)
})

test('a name that a group bears is a conflict', () => {
  const { text, conflicts } = mergeHosts(BLOCK, [{ name: 'pve', settings: { address: '203.0.113.1' } }], { file: FILE })
  assert.is(text, BLOCK)
  assert.match(conflicts[0]?.message ?? '', '`pve` is a group of this inventory')
  const host = mergeHosts(BLOCK, [{ name: 'x', group: 'node1' }], { file: FILE })
  assert.match(host.conflicts[0]?.message ?? '', '`node1` is a host')
})

test('a new group, a group without hosts, and an empty file', () => {
  const edge = { name: 'edge1', group: 'edge', settings: { address: '203.0.113.77' } }
  const grouped = merged(BLOCK, edge)
  assertLinesKept(BLOCK, grouped)
  assert.ok(
    grouped.endsWith('        edge:\n            hosts:\n                edge1: { address: 203.0.113.77 }\n'),
    grouped,
  )
  const empty = 'all:\n  children:\n    edge: # later\n    # to come\n  vars: {}\n'
  assert.is(
    merged(empty, edge),
    'all:\n  children:\n    edge: # later\n      hosts:\n        edge1: { address: 203.0.113.77 }\n    # to come\n  vars: {}\n',
  )
  assert.is(
    merged('# nothing yet', { name: 'n1', settings: { address: '203.0.113.1' } }),
    '# nothing yet\nall:\n  hosts:\n    n1: { address: 203.0.113.1 }\n',
  )
  assert.is(merged('', { name: 'n1' }), 'all:\n  hosts:\n    n1:\n')
})

test('within braces all stays within braces', () => {
  const text = 'all: { hosts: { node1: , node2: {}, node3 }, vars: { a: 1 } } # short\n'
  const host = (name: string): HostAddition => ({ name, settings: { address: `${name}.example.org` } })
  assert.is(
    merged(text, host('node1'), host('node2'), host('node4')),
    'all: { hosts: { node1: { address: node1.example.org } , node2: { address: node2.example.org }, node3, node4: { address: node4.example.org } }, vars: { a: 1 } } # short\n',
  )
  const lines = 'all:\n  hosts: {\n    node1: {address: 203.0.113.1}, # first\n    # last\n  }\n'
  const text2 = merged(lines, host('node2'))
  assert.ok(
    text2.includes('node1: {address: 203.0.113.1}, node2: { address: node2.example.org }, # first\n    # last\n'),
    text2,
  )
})

test('a host that is there is listed in a further group, once', () => {
  const text = merged(BLOCK, { name: 'node1', group: 'storage' })
  assertLinesKept(BLOCK, text)
  assert.ok(text.endsWith('                node1:\n'), text)
  assert.is(merged(text, { name: 'node1', group: 'storage' }), text)
  assert.is(merged(text, { name: 'node1' }), text)
})

test('CRLF, no final newline, block scalars and quoted keys', () => {
  const crlf = 'all:\r\n  hosts:\r\n    node1: # one\r\n      address: 203.0.113.1'
  assert.is(
    merged(crlf, { name: '12', settings: { address: '203.0.113.2' } }),
    `${crlf}\r\n    "12":\r\n      address: 203.0.113.2\r\n`,
  )
  const block = 'all:\n  hosts:\n    node1:\n      vars:\n        note: |\n          one\n\n          two\n  vars: {}\n'
  const text = merged(block, { name: 'node1', vars: { b: [1, { c: 2 }] } })
  assertLinesKept(block, text)
  assert.ok(text.includes('          two\n        b:\n          - 1\n          - c: 2\n  vars: {}\n'), text)
})

test('encrypted values and document marks stay', () => {
  const text =
    '---\nall:\n  hosts:\n    node1:\n      vars:\n        key: !age |\n          -----BEGIN AGE ENCRYPTED FILE-----\n          eA==\n          -----END AGE ENCRYPTED FILE-----\n...\n'
  const result = merged(text, { name: 'node2', settings: { address: '203.0.113.2' } })
  assertLinesKept(text, result)
  assert.ok(result.endsWith('    node2:\n      address: 203.0.113.2\n...\n'), result)
})

test('what others refer to is not changed under them', () => {
  const text = 'all:\n  hosts:\n    node1: &one\n      user: admin\n    node2: *one\n'
  for (const name of ['node1', 'node2']) {
    try {
      mergeHosts(text, [{ name, settings: { port: 2222 } }], { file: FILE })
      assert.unreachable()
    } catch (error) {
      assert.instance(error, PvectlError)
      assert.match((error as PvectlError).message, /nothing can be added here for node\d: .*(anchor|alias)/)
    }
  }
  const merge =
    'x: &x {user: admin}\n'.replace('x: &x {user: admin}\n', '') +
    'all:\n  hosts:\n    node1: &one\n      user: admin\n    node2:\n      <<: *one\n'
  assert.is(merged(merge, { name: 'node2', settings: { user: 'admin', port: 22 } }), `${merge}      port: 22\n`)
})

test('a text that is no YAML is refused with its place', () => {
  assert.throws(
    () => mergeHosts('all: [\n', [{ name: 'a' }], { file: FILE }),
    (error: unknown) => error instanceof PvectlError && error.code === 'INVENTORY_INVALID',
  )
})

test('names and settings that an inventory does not take are refused', () => {
  for (const host of [
    { name: 'a b' },
    { name: 'a', group: '9x' },
    { name: 'a', settings: { address: '1.2.3.4/24' } },
  ]) {
    assert.throws(() => mergeHosts(BLOCK, [host], { file: FILE }), /the new entry would not be valid/)
  }
})

test.run()
