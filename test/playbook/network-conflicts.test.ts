import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { project } from '../helpers/project.ts'

const test = suite('tasks that contradict each other')

const INVENTORY = `all:
  hosts:
    pve1: { address: 192.0.2.11 }
    pve2: { address: 10.50.3.4 }
`

/** What is wrong with these tasks on pve1. */
async function conflicts(...tasks: readonly object[]): Promise<readonly string[]> {
  const cwd = project({
    'inventory/prod.yml': INVENTORY,
    'site.yml': JSON.stringify([{ hosts: 'pve1', tasks }]),
  })
  const inventory = await loadInventory('prod', { cwd })
  return loadJob({ playbook: 'site.yml', inventory, cwd, registry: taskTypes }).then(
    () => [],
    (error: unknown) => (error instanceof PvectlError ? error.problems.map(({ message }) => message) : [String(error)]),
  )
}

const cases: readonly [name: string, tasks: readonly object[], expected: readonly string[]][] = [
  [
    'one network on two links',
    [{ bridge: { name: 'vmbr1', address: '10.1.0.1/16' } }, { vlan: { name: 'eno2.5', address: '10.1.7.1/24' } }],
    ['two tasks claim network 10.1.7.0/24: `bridge vmbr1` and `vlan eno2.5` (on pve1)'],
  ],
  [
    'one IPv6 network on two links',
    [{ bridge: { name: 'vmbr1', address6: 'fd00:1::1/64' } }, { bridge: { name: 'vmbr2', address6: 'fd00:1::2/64' } }],
    ['two tasks claim network fd00:1::/64: `bridge vmbr1` and `bridge vmbr2` (on pve1)'],
  ],
  [
    'a single address on two links, as routed set-ups have it',
    [{ bridge: { name: 'vmbr0', address: '192.0.2.11/32' } }, { bridge: { name: 'vmbr1', address: '192.0.2.11/32' } }],
    [],
  ],
  [
    'a network that hides another node',
    [{ bridge: { name: 'vmbr1', address: '10.50.0.1/16' } }],
    ['network 10.50.0.0/16 of `bridge vmbr1` contains 10.50.3.4, by which the inventory reaches pve2 (on pve1)'],
  ],
  ['the network in which all nodes are', [{ bridge: { name: 'vmbr0', address: '192.0.2.11/24' } }], []],
  [
    'a network of a partition and a bridge beside it',
    [
      { bridge: { name: 'vmbr1', address: '10.20.0.1/16' } },
      { partition: { networks: [{ name: 'web', address: '10.20.1.1/24' }] } },
    ],
    ['two tasks claim network 10.20.1.0/24: `bridge vmbr1` and `partition: bridge web` (on pve1)'],
  ],
]
for (const [name, tasks, expected] of cases)
  test(name, async () => {
    assert.equal(await conflicts(...tasks), expected)
  })

test.run()
