import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { selectHosts } from '../../src/inventory/select.ts'
import { project } from '../helpers/project.ts'

const YAML = `all:
  hosts: { gate: }
  children:
    pve: { hosts: { node1:, node2:, node10: } }
    web: { hosts: { node2:, web1: } }
    empty:
`

const test = suite('inventory: select')
const inventory = await loadInventory('a', { cwd: project({ 'inventory/a.yml': YAML }) })

const picks: readonly (readonly [pattern: string, hosts: string])[] = [
  ['all', 'gate node1 node2 node10 web1'],
  ['*', 'gate node1 node2 node10 web1'],
  ['pve', 'node1 node2 node10'],
  ['web1,node1', 'node1 web1'],
  ['web1:node1', 'node1 web1'],
  ['node*', 'node1 node2 node10'],
  ['node?', 'node1 node2'],
  ['node[12]', 'node1 node2'],
  ['w*', 'node2 web1'],
  ['pve,!node2', 'node1 node10'],
  ['!pve', 'gate web1'],
  ['pve,&web', 'node2'],
  ['&web,pve,!node2', ''],
  ['!node1,all,&pve', 'node2 node10'],
  ['ungrouped', 'gate'],
  ['empty', ''],
  [' node1 , node2 ', 'node1 node2'],
]

for (const [pattern, hosts] of picks) {
  test(`${pattern} picks ${hosts || 'nothing'}`, () => {
    assert.is(
      selectHosts(inventory, pattern)
        .map(({ name }) => name)
        .join(' '),
      hosts,
    )
  })
}

const misses: readonly (readonly [pattern: string, message: string, hint: string])[] = [
  ['nod1', 'no host or group is called `nod1`', 'did you mean `node1`? Hosts and groups: gate, node1'],
  ['pve,!nodex', 'no host or group is called `nodex`', 'did you mean'],
  ['db*', 'no host or group matches `db*`', 'hosts: gate'],
  ['localhost', 'no host or group is called `localhost`', 'nodes of the inventory only'],
  ['', 'the host pattern is empty', '`all`'],
  ['~node[12]', '`~node[12]` is not understood: a regular expression', 'node[12]'],
  ['gate,pve[0:1]', '`pve[0:1]` is not understood: a part of a group by numbers', 'name hosts'],
  ['!pve[-1]', '`pve[-1]` is not understood: a host of a group by its number', 'name hosts'],
  ['@retry', '`@retry` is not understood: a file of hosts', 'name hosts'],
]

for (const [pattern, message, hint] of misses) {
  test(`"${pattern}" is a mistake of usage`, () => {
    try {
      selectHosts(inventory, pattern)
      assert.unreachable()
    } catch (error) {
      assert.instance(error, PvectlError)
      const { code, problems } = error as PvectlError
      assert.is(code, 'USAGE')
      assert.match(problems[0]?.message ?? '', message)
      assert.match(problems[0]?.hint ?? '', hint)
    }
  })
}

test('several unknown names are told at once', () => {
  assert.throws(
    () => selectHosts(inventory, 'x1,x2'),
    (error: PvectlError) => error.problems.length === 2,
  )
})

test.run()
