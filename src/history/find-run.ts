/** Finds the run that a user names among those of a node. Pure. */
import { PvectlError } from '../errors.ts'
import type { NodeRun } from './node-runs.ts'

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
