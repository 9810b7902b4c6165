import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { draws } from '../helpers/draws.ts'
import { type Files, project } from '../helpers/project.ts'
import { testTaskTypes } from '../helpers/task-types.ts'

const INVENTORY = `all:
  connection: {user: root, jump: b, key: x, port: 22}
  vars: {list: [a, b], n: 1}
  hosts: {b: {address: 203.0.113.1, vars: {x: 1}}, c: }
  children: {g: {hosts: {c: }, vars: {n: 2}, children: {h: }}}
`
const PLAYBOOK = `- name: a
  hosts: g
  serial: [1, 25%]
  tags: [t]
  vars: {v: "<%= vars.n %>", w: {x: ["a <%= vars.v %>"]}}
  tasks:
    - name: x <%= vars.n %>
      bridge: {name: vmbr1, mtu: "<%= 1500 %>", ports: [a], ranges: [{start: 10.0.0.1, end: 10.0.0.2}]}
      when: [vars.n > 0]
    - {package: "<%= item %>", loop: "<%= vars.list %>", tags: x, when: "item !== 'a'"}
- import_playbook: other.yml
`

const test = suite('mutated input')

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    '<%',
    '<%= x %>',
    '{{ x }}',
    '%>',
    '<%= (() => { throw 1 })() %>',
    '<%= vars %>',
    '..',
    '[',
    '',
    null,
    NaN,
  ),
)

/** A key out of anything; `String` would throw for an object with a `toString` of its own. */
function keyText(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value))
}

/** The data with one of its nodes, chosen by number, replaced. */
function mutate(data: unknown, at: number, replacement: unknown): unknown {
  let left = at
  const visit = (node: unknown): unknown => {
    if (left-- === 0) return replacement
    if (Array.isArray(node)) return node.map(visit)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [left-- === 0 ? keyText(replacement) : key, visit(value)]),
    )
  }
  return visit(data)
}

async function loadAll(files: Files): Promise<void> {
  const cwd = project({ 'other.yml': '- {hosts: b, tasks: [{echo: x}]}\n', ...files })
  const inventory = await loadInventory('prod', { cwd })
  await loadJob({ playbook: 'site.yml', inventory, cwd, registry: testTaskTypes })
}

async function isExplained(files: Files): Promise<void> {
  try {
    await loadAll(files)
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    assert.is.not(error.code, 'INTERNAL')
    for (const { message, location } of error.problems) {
      assert.ok(message.length > 3 && !message.includes('undefined variable: undefined'), message)
      const text = location === undefined ? '' : Object.entries(files).find(([name]) => name === location.file)?.[1]
      if (location?.line !== undefined && text !== undefined)
        assert.ok(location.line <= String(text).split('\n').length, message)
    }
  }
}

test('the unchanged input loads', () => loadAll({ 'inventory/prod.yml': INVENTORY, 'site.yml': PLAYBOOK }))

test('whatever is put into a playbook, it loads or the mistake is explained', async () => {
  const data: unknown = parse(PLAYBOOK)
  await fc.assert(
    fc.asyncProperty(fc.nat(80), junk, (at, value) =>
      isExplained({ 'inventory/prod.yml': INVENTORY, 'site.yml': stringify(mutate(data, at, value)) }),
    ),
    draws(150),
  )
})

test('whatever is put into an inventory, it loads or the mistake is explained', async () => {
  const data: unknown = parse(INVENTORY)
  await fc.assert(
    fc.asyncProperty(fc.nat(40), junk, (at, value) =>
      isExplained({ 'inventory/prod.yml': stringify(mutate(data, at, value)), 'site.yml': PLAYBOOK }),
    ),
    draws(150),
  )
})

test('cut off anywhere, a playbook loads or the mistake is explained', async () => {
  for (let end = 0; end < PLAYBOOK.length; end += 5) {
    await isExplained({ 'inventory/prod.yml': INVENTORY, 'site.yml': PLAYBOOK.slice(0, end) })
  }
})

test.run()
