import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { loadInventory } from '../../src/inventory/load.ts'
import { labVariables } from '../../src/lab/example-vars.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { playbookNames } from '../../src/playbook/locate.ts'
import { taskTypes } from '../../src/tasks/index.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q test'
const test = suite<{ dir: string }>('shipped playbooks')

test.before.each((context) => {
  context.dir = mkdtempSync(path.join(tmpdir(), 'pvectl-shipped-'))
})

test.after.each(({ dir }) => rmSync(dir, { recursive: true }))

/** Titles of the tasks of a playbook on each host, and those that are skipped. */
async function load(playbook: string, inventory: string) {
  const job = await loadJob({
    playbook: path.join(ROOT, 'playbooks', `${playbook}.yml`),
    inventory: await loadInventory(inventory, { cwd: ROOT }),
    cwd: ROOT,
    registry: taskTypes,
  })
  const tasks = job.stages.flatMap((stage) =>
    stage.hosts.flatMap(({ host, tasks }) => tasks.map((t) => ({ host, ...t }))),
  )
  return {
    hosts: job.hosts.map(({ name }) => name),
    done: tasks.filter(({ skipped }) => skipped === undefined).map(({ host, type }) => `${host.name} ${type}`),
    skipped: tasks.filter(({ skipped }) => skipped !== undefined).map(({ host, type }) => `${host.name} ${type}`),
    keys: tasks.flatMap(({ resources }) => resources.map(({ key }) => key)),
  }
}

const NETWORK = ['interface_comment', 'bridge', 'ip_forwarding', 'masquerade', 'dnsmasq']
const PROXY = ['nginx_vhost', 'nginx_vhost', 'nginx_vhost']
const on = (host: string, types: readonly string[]) => types.map((type) => `${host} ${type}`)

test('the example inventory goes through the whole site; without keys there is no jump host', async () => {
  const { hosts, done, skipped } = await load('site', 'prod')
  assert.equal(hosts, ['pve1', 'pve2', 'pve3'])
  const expected = ['pve1', 'pve2', 'pve3']
  assert.equal([...done].sort(), expected.flatMap((host) => on(host, [...NETWORK, ...PROXY])).sort())
  assert.equal(
    [...skipped].sort(),
    expected.flatMap((host) => on(host, ['jump_user'])),
  )
})

test('lab variables go through the whole site, jump host included', async ({ dir }) => {
  const node = (index: number) => ({ address: `198.51.100.${index}`, vars: labVariables(index, { jumpKeys: [KEY] }) })
  const file = path.join(dir, 'hosts.yml')
  writeFileSync(file, stringify({ all: { hosts: { node1: node(1), node2: node(2) } } }))
  const { done, skipped } = await load('site', file)
  assert.equal(skipped, [])
  assert.equal(
    [...done].sort(),
    ['node1', 'node2'].flatMap((host) => on(host, [...NETWORK, ...PROXY, 'jump_user'])).sort(),
  )
})

test('a node without any variables gets the defaults', async ({ dir }) => {
  const file = path.join(dir, 'hosts.yml')
  writeFileSync(file, stringify({ all: { hosts: { node1: { address: '198.51.100.1' } } } }))
  const { done, keys } = await load('site', file)
  assert.equal(done, on('node1', [...NETWORK, ...PROXY]))
  assert.ok(keys.includes('file:/etc/nginx/sites-available/pvectl-wildcard-apps.example.org.conf'), keys.join('\n'))
})

test('each playbook stands on its own', async () => {
  const names = playbookNames(ROOT)
  for (const name of ['internal-network', 'jump-host', 'reverse-proxy', 'site']) assert.ok(names.includes(name), name)
  for (const name of names) assert.ok((await load(name, 'prod')).hosts.length > 0, name)
})

test.run()
