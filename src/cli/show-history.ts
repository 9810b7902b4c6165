/** What `pvectl history` says: of this machine's own runs, or of those that a node remembers. */
import { groupFacts, observe } from '../engine/observe.ts'
import { PvectlError } from '../errors.ts'
import type { FactRef } from '../facts/fact.ts'
import { runRecordsRef } from '../facts/run-records.ts'
import { type NodeRun, nodeRuns } from '../history/node-runs.ts'
import { listRuns, readRun } from '../history/runs.ts'
import type { Host } from '../inventory/host.ts'
import { loadInventory } from '../inventory/load.ts'
import { selectHosts } from '../inventory/select.ts'
import type { Answer } from './describe-tasks.ts'
import { nodeRunsText, nodeRunText, runsText, runText } from './history-text.ts'
import { withConnector } from './run-job.ts'

/** The runs that this machine started, or one of them. */
export function showHistory(run?: string): Answer {
  if (run !== undefined) {
    const data = readRun(run)
    return { text: runText(data), data }
  }
  const data = listRuns()
  return { text: data.length === 0 ? 'no run has changed anything from this machine yet' : runsText(data), data }
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

/** The host of this very name. Throws USAGE for a name that none or several bear. */
export async function oneHost(name: string, inventory: string): Promise<Host> {
  const hosts = selectHosts(await loadInventory(inventory, { cwd: process.cwd() }), name)
  const [host] = hosts
  if (host !== undefined && hosts.length === 1) return host
  throw new PvectlError('USAGE', `\`${name}\` is not one host but ${hosts.length}`, {
    hint: 'name a single host; each node has its own records',
  })
}

/** The run of this id, or whose id begins so. Throws USAGE when there is none, or several. */
export function findNodeRun(runs: readonly NodeRun[], name: string, host: string): NodeRun {
  const exact = runs.find(({ id }) => id === name)
  const found = exact === undefined ? runs.filter(({ id }) => id.startsWith(name)) : [exact]
  const [run] = found
  if (run !== undefined && found.length === 1) return run
  const message =
    run === undefined ? `${host} has no record of a run \`${name}\`` : `several runs begin with \`${name}\``
  const known = (run === undefined ? runs : found).map(({ id }) => id)
  const hint = known.length === 0 ? 'nothing has been changed there yet' : `runs: ${known.slice(0, 5).join(', ')}`
  throw new PvectlError('USAGE', message, { hint })
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
