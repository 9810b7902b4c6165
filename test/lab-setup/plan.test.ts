import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import type { LoadedInventory } from '../../src/inventory/load.ts'
import { planCables, planKind, planNodes, planPve } from '../../src/lab/plan.ts'
import type { LabState } from '../../src/lab/state.ts'

const test = suite('nodes of a lab')
const IMAGE = '/cache/base-1'

function labWith(names: readonly string[], rehearses: string | null = null): LabState {
  const nodes = names.map((name, i) => ({ name, number: i + 1, address: `198.18.0.${11 + i}`, image: '/cache/base-0' }))
  return {
    name: 'lab',
    kind: 'container',
    pve: '8',
    cables: 'pairs',
    network: '198.18.0',
    rehearses,
    nodes,
    inventories: [],
  }
}

function inventoryOf(names: readonly string[]): LoadedInventory {
  const target = { port: 22, user: 'root', keyFiles: [], knownHostsFiles: [], become: false, connectTimeoutMs: 1 }
  const hosts = names.map((name) => ({
    name,
    target: { ...target, name, address: name },
    groups: ['all'],
    vars: {},
    origins: new Map(),
  }))
  return {
    name: 'prod',
    file: 'hosts.yml',
    hosts,
    groups: new Map(),
    tree: { name: 'all', hosts: names, children: [] },
  }
}

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof PvectlError) return error.code
    throw error
  }
  return 'nothing thrown'
}

test('a new lab has three nodes', () => {
  const nodes = planNodes(undefined, {}, '198.18.7', IMAGE)
  assert.equal(
    nodes.map(({ name, address }) => [name, address]),
    [
      ['node1', '198.18.7.11'],
      ['node2', '198.18.7.12'],
      ['node3', '198.18.7.13'],
    ],
  )
})

test('a lab keeps what it has, on the image it has, and gets what is missing', () => {
  const lab = labWith(['node1', 'node2'])
  assert.equal(planNodes(lab, {}, lab.network, IMAGE), lab.nodes)
  assert.equal(planNodes(lab, { count: 1 }, lab.network, IMAGE), lab.nodes)
  const [first, , third] = planNodes(lab, { count: 3 }, lab.network, IMAGE)
  assert.is(first?.image, '/cache/base-0')
  assert.equal(third, { name: 'node3', number: 3, address: '198.18.0.13', image: IMAGE })
})

test('a rehearsal has the hosts of its inventory, and nothing else mixes in', () => {
  const source = inventoryOf(['pve1.example.org', 'pve2'])
  const nodes = planNodes(undefined, { source }, '198.18.7', IMAGE)
  assert.equal(
    nodes.map((node) => node.name),
    ['pve1.example.org', 'pve2'],
  )
  assert.is(
    codeOf(() => planNodes(labWith(['node1']), { source }, '198.18.0', IMAGE)),
    'LAB_FAILED',
  )
  assert.is(
    codeOf(() => planNodes(labWith(['pve2'], 'prod'), { count: 3 }, '198.18.0', IMAGE)),
    'LAB_FAILED',
  )
})

test('hosts whose names come to one host name are refused', () => {
  assert.is(
    codeOf(() => planNodes(undefined, { source: inventoryOf(['pve_1', 'pve-1']) }, '198.18.0', IMAGE)),
    'LAB_FAILED',
  )
})

test('a network has room for 244 nodes', () => {
  assert.is(planNodes(undefined, { count: 244 }, '198.18.0', IMAGE).at(-1)?.address, '198.18.0.254')
  assert.is(
    codeOf(() => planNodes(undefined, { count: 245 }, '198.18.0', IMAGE)),
    'USAGE',
  )
})

test('a lab stays with the version of Proxmox VE that it was made for', () => {
  assert.is(planPve(undefined, undefined), '8')
  assert.is(planPve(undefined, '9'), '9')
  const nine = { ...labWith(['node1']), pve: '9' } as const
  assert.is(planPve(nine, undefined), '9')
  assert.is(
    codeOf(() => planPve(nine, '8')),
    'LAB_FAILED',
  )
})

test('a lab keeps the kind and the cables that it was made with', () => {
  assert.is(planKind(undefined, undefined), 'container')
  assert.is(planKind(undefined, 'vm'), 'vm')
  const vms = { ...labWith(['node1']), kind: 'vm', cables: 'switch' } as const
  assert.is(planKind(vms, undefined), 'vm')
  assert.is(
    codeOf(() => planKind(vms, 'container')),
    'LAB_FAILED',
  )
  assert.is(planCables(vms, undefined, { kind: 'vm', count: 1 }), 'switch')
  assert.is(
    codeOf(() => planCables(vms, 'pairs', { kind: 'vm', count: 1 })),
    'LAB_FAILED',
  )
})

test('two VMs get cables to each other, more of them a switch, containers none to choose', () => {
  assert.is(planCables(undefined, undefined, { kind: 'vm', count: 2 }), 'pairs')
  assert.is(planCables(undefined, undefined, { kind: 'vm', count: 3 }), 'switch')
  assert.is(planCables(undefined, 'pairs', { kind: 'vm', count: 3 }), 'pairs')
  assert.is(planCables(undefined, undefined, { kind: 'container', count: 3 }), 'pairs')
  assert.is(
    codeOf(() => planCables(undefined, 'switch', { kind: 'container', count: 2 })),
    'USAGE',
  )
})

test.run()
