/** Reads a node's records and makes the rollback ready, or says why it must not be. */
import type { Connection, Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import { groupFacts, observe } from '../engine/observe.ts'
import { PvectlError } from '../errors.ts'
import type { FactRef } from '../facts/fact.ts'
import { runRecordsRef } from '../facts/run-records.ts'
import { findNodeRun } from '../history/find-run.ts'
import { type NodeRun, nodeRuns } from '../history/node-runs.ts'
import type { Host } from '../inventory/host.ts'
import type { Job } from '../playbook/job.ts'
import { laterRuns, newestRun, obstacles } from './choose.ts'
import { rollbackJob } from './job.ts'
import { changedSince, type Restore, restoreReads, restores } from './restore.ts'

/** What to roll back. */
export interface RollbackWish {
  readonly host: Host
  readonly inventory: string
  /** Id or its beginning; undefined: the newest run that stands. */
  readonly run: string | undefined
  readonly force: boolean
}

/** A rollback that may begin. */
export interface Rollback {
  readonly run: NodeRun
  readonly restores: readonly Restore[]
  readonly job: Job
}

/**
 * Two exchanges: the records, then the files that they name. Throws USAGE for an unknown run, and BLOCKED with all
 * reasons at once where later runs or changes by others are in the way and `force` is not set.
 */
export async function prepareRollback(wish: RollbackWish, connector: Connector<Target>): Promise<Rollback> {
  const connection = await connector.connect(wish.host.target)
  try {
    return await prepare(wish, connection)
  } finally {
    await connection.close()
  }
}

async function prepare({ host, inventory, run: name, force }: RollbackWish, connection: Connection): Promise<Rollback> {
  const records = await observe(connection, groupFacts([runRecordsRef as FactRef<unknown>]))
  const runs = nodeRuns(records.get(runRecordsRef))
  const run = name === undefined ? newestRun(runs, host.name) : findNodeRun(runs, name, host.name)
  const firm = obstacles(run, runs)
  if (firm.length > 0) throw PvectlError.of('BLOCKED', firm)
  const all = restores(run, await observe(connection, groupFacts(restoreReads(run))))
  const problems = force ? [] : [...laterRuns(run, runs), ...changedSince(run, all)]
  if (problems.length > 0) throw PvectlError.of('BLOCKED', problems)
  return { run, restores: all, job: rollbackJob({ host, inventory, run, restores: all, force }) }
}
