/** What `pvectl history` says: of this machine's own runs, or of those that a node remembers. */
import { groupFacts, observe } from '../engine/observe.ts'
import type { FactRef } from '../facts/fact.ts'
import { runRecordsRef } from '../facts/run-records.ts'
import { findNodeRun } from '../history/find-run.ts'
import { type NodeRun, nodeRuns } from '../history/node-runs.ts'
import { listRuns, readRun } from '../history/runs.ts'
import type { Host } from '../inventory/host.ts'
import type { Answer } from './describe-tasks.ts'
import { nodeRunsText, nodeRunText, runsText, runText } from './history-text.ts'
import { oneHost } from './one-host.ts'
import { withConnector } from './run-job.ts'

/** The runs that this machine started, or one of them. */
export function showHistory(run?: string): Answer {
  if (run !== undefined) {
    const data = readRun(run)
    return { text: runText(data), data }
  }
  const data = listRuns()
  return { text: data.length === 0 ? 'nothing has been applied from this machine yet' : runsText(data), data }
}

/** The runs that a node remembers, whoever started them, or one of them. One exchange. */
export async function showNodeHistory(name: string, inventory: string, run?: string): Promise<Answer> {
  const host = await oneHost(name, inventory)
  const runs = await recordsOf(host)
  if (run !== undefined) {
    const data = findNodeRun(runs, run, name)
    return { text: nodeRunText(data), data }
  }
  return { text: runs.length === 0 ? `no run has changed anything on ${name} yet` : nodeRunsText(runs), data: runs }
}

async function recordsOf(host: Host): Promise<readonly NodeRun[]> {
  return withConnector([host.target], async (connector) => {
    const connection = await connector.connect(host.target)
    try {
      const model = await observe(connection, groupFacts([runRecordsRef as FactRef<unknown>]))
      return nodeRuns(model.get(runRecordsRef))
    } finally {
      await connection.close()
    }
  })
}
