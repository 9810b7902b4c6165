/** What must hold before pvecm runs, so that it asks nothing and nobody is locked out afterwards. */
import type { Connection, Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import type { Host } from '../inventory/host.ts'
import type { HostTask, Job } from '../playbook/job.ts'
import { authorizedKeys } from '../resources/authorized-keys.ts'
import { parseKeyLine } from '../resources/key-line.ts'
import { knownHost } from '../resources/known-host.ts'
import type { Resource } from '../resources/resource.ts'
import { clusterAddress, type Member } from './cluster.ts'
import { ROOT_KEY } from './join-script.ts'
import { runQuietly } from './quiet-run.ts'

/** Who is prepared for what. */
export interface Preparation {
  readonly host: Host
  readonly connector: Connector<Target>
  readonly inventoryName: string
  readonly keyLine: string
}

/**
 * Lets root of the node in at the member, by the key that every node has for it, and the admin's key into the cluster's
 * authorized_keys, which replaces that of the node. The node comes to know the member's host keys, as seen over our own
 * connection. Returns what changed.
 */
export async function prepareJoin(
  { host, connector, inventoryName, keyLine }: Preparation,
  node: Connection,
  member: Member,
): Promise<readonly string[]> {
  const rootKey = (await node.run(ROOT_KEY, { timeoutMs: 60_000 })).stdout.toString('utf8').trim()
  // An admin who logs in as somebody else keeps that account, and needs no way in as root.
  const lines = host.target.user === 'root' ? [rootKey, keyLine] : [rootKey]
  const keys = lines.flatMap((line) => parseKeyLine(line) ?? [])
  const atMember = authorizedKeys({ user: 'root', keys, state: 'present', exclusive: false })
  const { basics } = member.survey
  const atNode = knownHost({
    file: '/root/.ssh/known_hosts',
    names: [...new Set([clusterAddress(member), basics.hostname.toLowerCase()])],
    keys: basics.hostKeys,
  })
  const done = [
    { name: member.host.name, ...(await runQuietly(job(member.host, inventoryName, atMember), connector, 'apply')) },
    { name: host.name, ...(await runQuietly(job(host, inventoryName, atNode), connector, 'apply')) },
  ]
  return done.flatMap(({ name, changes }) => changes.map((change) => `${name}: ${change}`))
}

function job(host: Host, inventory: string, resource: Resource): Job {
  const task: HostTask = {
    id: resource.title,
    title: resource.title,
    type: 'onboard',
    tags: [],
    location: { file: 'onboard' },
    resources: [resource],
  }
  const stages = [{ title: 'cluster', serial: [], hosts: [{ host, tasks: [task] }] }]
  return { playbook: 'onboard (cluster)', inventory, hosts: [host], stages }
}
