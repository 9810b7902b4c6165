/** The tasks in the guides to forwards, IPv6 and addresses: each page's first example is a playbook that loads. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { project } from '../helpers/project.ts'

const test = suite('tasks of the guides')
const root = path.join(import.meta.dirname, '../..')

for (const [page, count] of [
  ['forwards.md', 5],
  ['ipv6.md', 5],
  ['addresses.md', 5],
] as const)
  test(page, async () => {
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'docs', page), 'utf8')) ?? []
    const tasks = example.replace(/^/gm, '    ')
    const cwd = project({
      'inventory/prod.yml': 'all: { hosts: { node1: { address: 192.0.2.10 } } }\n',
      'playbooks/site.yml': `- name: guide\n  hosts: all\n  tasks:\n${tasks}`,
    })
    const inventory = await loadInventory('prod', { cwd })
    const job = await loadJob({ playbook: 'site', inventory, cwd, registry: taskTypes })
    assert.is(job.stages[0]?.hosts[0]?.tasks.length, count)
  })

/** What the loader says of two tasks. */
async function conflict(first: string, second: string): Promise<string> {
  const cwd = project({
    'inventory/prod.yml': 'all: { hosts: { node1: { address: 192.0.2.10 } } }\n',
    'playbooks/site.yml': `- hosts: all\n  tasks:\n    - ${first}\n    - ${second}\n`,
  })
  const inventory = await loadInventory('prod', { cwd })
  return loadJob({ playbook: 'site', inventory, cwd, registry: taskTypes }).then(
    () => '',
    (error: Error) => error.message,
  )
}

const CONFLICTS: readonly (readonly [string, string, RegExp])[] = [
  [
    'port_forward: { port: 2222, to: 10.0.0.2 }',
    'port_forward: { port: 2220-2230, to: 10.0.0.3 }',
    /two tasks claim tcp port 2220-2230/,
  ],
  [
    'port_forward: { port: 80, to: 10.0.0.2 }',
    'nginx_vhost: { name: web, server_names: [web.example.org], upstream: { servers: ["10.0.0.3:80"] } }',
    /two tasks claim tcp port 80/,
  ],
  [
    'additional_ip: { address: 203.0.113.16/29, mode: routed, bridge: vmbr1 }',
    'additional_ip: { address: 203.0.113.20, mode: bridged, bridge: vmbr0, mac: "00:50:56:00:00:01" }',
    /two tasks claim additional address 203\.0\.113\.20\/32/,
  ],
  ['guest_nic: { guest: 101, tag: 5 }', 'guest_nic: { guest: 101, tag: 6 }', /two tasks claim net0 of guest 101/],
  [
    'guest_nic: { guest: 101, mac: "BC:24:11:00:00:01" }',
    'guest_nic: { guest: 102, mac: "bc:24:11:00:00:01" }',
    /hardware address BC:24:11:00:00:01/,
  ],
]

for (const [first, second, expected] of CONFLICTS)
  test(`${first} and ${second}`, async () => assert.match(await conflict(first, second), expected))

test('a forward that goes leaves its ports to another one in the same run', async () => {
  const gone = 'port_forward: { port: 2220-2230, to: 10.0.0.2, state: absent }'
  assert.is(await conflict(gone, 'port_forward: { port: 2225-2240, to: 10.0.0.3 }'), '')
  assert.match(await conflict(gone, 'port_forward: { port: 2220-2230, to: 10.0.0.3 }'), /two tasks claim/)
})

const TOGETHER: readonly (readonly [string, string])[] = [
  ['port_forward: { port: 53, to: 10.0.0.2 }', 'port_forward: { port: 53, to: 10.0.0.2, protocol: udp }'],
  ['port_forward: { port: 53, to: 10.0.0.2 }', 'port_forward: { port: 53, to: "fd00::2" }'],
  ['port_forward: { port: 443, to: 10.0.0.2 }', 'port_forward: { port: 443, to: 10.0.0.3, address: 203.0.113.9 }'],
  ['guest_nic: { guest: 101, tag: 5 }', 'guest_nic: { guest: 101, nic: 1, bridge: vmbr1 }'],
]

for (const [first, second] of TOGETHER)
  test(`${first} beside ${second}`, async () => assert.is(await conflict(first, second), ''))

test.run()
