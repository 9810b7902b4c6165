/** Jobs for engine tests, made without a playbook. */
import type { Host } from '../../src/inventory/host.ts'
import type { HostTask, Job } from '../../src/playbook/job.ts'
import type { Resource } from '../../src/resources/resource.ts'

/** A host that needs no file. */
export function testHost(name: string): Host {
  const target = {
    name,
    address: '127.0.0.1',
    port: 22,
    user: 'root',
    keyFiles: [],
    knownHostsFiles: [],
    become: false,
    connectTimeoutMs: 1000,
  }
  return { name, target, groups: ['all'], vars: {}, origins: new Map() }
}

/** A task made of these resources. */
export function testTask(id: string, ...resources: Resource[]): HostTask {
  return {
    id,
    title: `task ${id}`,
    type: 'test',
    tags: [],
    location: { file: 'site.yml', line: Number(id) },
    resources,
  }
}

/** One stage, all hosts with the same tasks. */
export function testJob(tasks: readonly HostTask[], names: readonly string[] = ['node1']): Job {
  const hosts = names.map(testHost)
  const stage = { title: 'all', serial: [], hosts: hosts.map((host) => ({ host, tasks })) }
  return { playbook: 'site.yml', inventory: 'test', stages: [stage], hosts }
}
