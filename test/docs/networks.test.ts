import { readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { project } from '../helpers/project.ts'

const test = suite('examples of docs/networks.md')

const text = readFileSync(path.join(import.meta.dirname, '../../docs/networks.md'), 'utf8')
const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => block)

test('there are examples', () => assert.ok(blocks.length > 10))

blocks.forEach((block, i) => {
  test(`example ${i + 1} is a list of tasks that loads: ${block.split('\n')[0]}`, async () => {
    const indented = block.replace(/^(?=.)/gm, '    ')
    const cwd = project({
      'inventory/lab.yml': 'all:\n  hosts:\n    node1: {}\n',
      'playbooks/example.yml': `- name: Example\n  hosts: all\n  tasks:\n${indented}`,
    })
    const inventory = await loadInventory('lab', { cwd })
    const job = await loadJob({ playbook: 'example', inventory, cwd, registry: taskTypes })
    assert.ok(job.stages[0]?.hosts[0]?.tasks.every(({ resources }) => resources.length > 0))
  })
})

test.run()
