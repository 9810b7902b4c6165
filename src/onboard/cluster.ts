/** The cluster that nodes are to join: a member to join by, and the others as far as the inventory knows them. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import { PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { type PortPeer, type PortResult, tryPorts } from './ports.ts'
import { type NodeSurvey, survey } from './survey.ts'

/** A member with what was seen of it. */
export interface Member {
  readonly host: Host
  readonly survey: NodeSurvey
}

/** A cluster as seen from one of its members. */
export interface Cluster {
  readonly via: Member
  /** All members that the inventory has and that could be reached, `via` first. */
  readonly members: readonly Member[]
  /** Members that the inventory does not have. */
  readonly strangers: readonly string[]
  /** Members that could not be reached, with the reason. */
  readonly unreachable: ReadonlyMap<string, string>
}

/** Looks at a cluster: one exchange with each member. Rejects when the member to join by cannot be reached. */
export async function lookAtCluster(via: Host, hosts: readonly Host[], connector: Connector<Target>): Promise<Cluster> {
  const first: Member = { host: via, survey: await surveyHost(via, connector) }
  const others = first.survey.cluster.members.filter(({ name }) => name !== first.survey.cluster.nodeName)
  const known = others.map(({ name, ip }) => ({ name, host: hosts.find((host) => isHost(host, name, ip)) }))
  const unreachable = new Map<string, string>()
  const seen = await Promise.all(
    known.map(async ({ host }): Promise<Member | undefined> => {
      if (host === undefined || host === via) return undefined
      try {
        return { host, survey: await surveyHost(host, connector) }
      } catch (error) {
        if (!(error instanceof PvectlError)) throw error
        unreachable.set(host.name, error.message)
        return undefined
      }
    }),
  )
  return {
    via: first,
    members: [first, ...seen.filter((member) => member !== undefined)],
    strangers: known.filter(({ host }) => host === undefined).map(({ name }) => name),
    unreachable,
  }
}

async function surveyHost(host: Host, connector: Connector<Target>): Promise<NodeSurvey> {
  const connection = await connector.connect(host.target)
  try {
    return await survey(connection)
  } finally {
    await connection.close()
  }
}

function isHost({ name, target }: Host, member: string, ip: string | undefined): boolean {
  return name === member || name.split('.')[0] === member || (ip !== undefined && target.address === ip)
}

/** Tries the ports of corosync between a new node and the member to join by. */
export async function portsTo(cluster: Cluster, node: PortPeer, connector: Connector<Target>): Promise<PortResult> {
  const { via } = cluster
  const connection = await connector.connect(via.host.target)
  try {
    return await tryPorts(node, { connection, address: clusterAddress(via) })
  } finally {
    await connection.close()
  }
}

/** Address that members of a cluster know a node by: what the cluster says, else what its name resolves to. */
export function clusterAddress({ host, survey: { cluster, basics } }: Member): string {
  const own = cluster.members.find(({ name }) => name === cluster.nodeName)?.ip
  const resolved = basics.resolved.find((ip) => !ip.startsWith('127.') && ip !== '::1')
  return own ?? resolved ?? host.target.address
}
