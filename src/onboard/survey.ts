/** Looks at a node, in one exchange. */
import type { Connection } from '../connection/connection.ts'
import { groupFacts, observe } from '../engine/observe.ts'
import { type ClusterState, clusterRef } from '../facts/cluster.ts'
import type { FactRef } from '../facts/fact.ts'
import { type HostBasics, hostBasicsRef } from '../facts/host-basics.ts'
import { type PveState, pveRef } from '../facts/pve.ts'

/** What onboarding knows of a node. */
export interface NodeSurvey {
  readonly basics: HostBasics
  readonly pve: PveState
  readonly cluster: ClusterState
  /** Milliseconds by which the node's clock is ahead of the controller's; 0 within what the exchange can tell. */
  readonly skewMs: number
}

/** Surveys a node. Rejects with OBSERVE_FAILED and as `run` does. */
export async function survey(connection: Connection, signal?: AbortSignal): Promise<NodeSurvey> {
  const refs = [hostBasicsRef, pveRef, clusterRef] as readonly FactRef<unknown>[]
  const sent = Date.now()
  const model = await observe(connection, groupFacts(refs), signal === undefined ? {} : { signal })
  const received = Date.now()
  return {
    basics: model.get(hostBasicsRef),
    pve: model.get(pveRef),
    cluster: model.get(clusterRef),
    skewMs: skew(sent, model.observedAt, received),
  }
}

/** A clock that was read some time between `sent` and `received` is only wrong as far as it lies outside. */
export function skew(sent: number, read: number, received: number): number {
  if (read < sent) return read - sent
  return read > received ? read - received : 0
}
