import { readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { project } from '../helpers/project.ts'

const root = path.join(import.meta.dirname, '../..')
const test = suite('examples of the guides')

/** The first YAML block of a page. */
function example(page: string): string {
  const text = readFileSync(path.join(root, 'docs', page), 'utf8')
  return /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
}

test('the inventory and the playbook of the guides go together', async () => {
  const cwd = project({
    'inventory/prod.yml': example('inventory.md'),
    'playbooks/site.yml': example('playbooks.md'),
    'playbooks/reverse-proxy.yml': '- { hosts: bastion, tasks: [{ package: { name: nginx } }] }\n',
  })
  const inventory = await loadInventory('prod', { cwd })
  const job = await loadJob({ playbook: 'site', inventory, cwd, registry: taskTypes })
  const [stage] = job.stages
  assert.equal(stage?.serial, [1, { share: 0.25 }])
  assert.equal(
    stage?.hosts.map(({ host, tasks }) => [
      host.name,
      ...tasks.map(({ title, skipped }) => (skipped ? 'skipped' : title)),
    ]),
    [
      ['node1', 'skipped', 'Tools [tcpdump]', 'Tools [dnsutils]'],
      ['node2', 'Bridge for guests', 'Tools [tcpdump]', 'Tools [dnsutils]'],
      ['node3.example.org', 'skipped', 'Tools [tcpdump]', 'Tools [dnsutils]'],
    ],
  )
})

for (const playbook of ['site', 'internal-network', 'reverse-proxy', 'jump-host']) {
  test(`the shipped playbook ${playbook} loads for the sample inventory`, async () => {
    const inventory = await loadInventory('prod', { cwd: root })
    const job = await loadJob({ playbook, inventory, cwd: root, registry: taskTypes })
    assert.ok(job.hosts.length > 0)
  })
}

test.run()
