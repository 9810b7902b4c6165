/** Chooses the run to roll back, and says what stands in the way. Pure. */
import { type Problem, PvectlError } from '../errors.ts'
import type { NodeRun } from '../history/node-runs.ts'

/** Runs of a node that a complete rollback has undone, and whose rollback was not undone in turn. */
export function undoneRuns(runs: readonly NodeRun[]): ReadonlySet<string> {
  const undone = new Set<string>()
  for (const { id, undoes, result } of runs) {
    if (undoes !== undefined && result === 'ok' && !undone.has(id)) undone.add(undoes)
  }
  return undone
}

/** The newest run that changed files and still stands, rollbacks left out. Throws BLOCKED when there is none. */
export function newestRun(runs: readonly NodeRun[], host: string): NodeRun {
  const undone = undoneRuns(runs)
  const run = runs.find(({ id, undoes, paths }) => undoes === undefined && paths.length > 0 && !undone.has(id))
  if (run !== undefined) return run
  throw new PvectlError('BLOCKED', `no run on record has changed a file of ${host} that is not rolled back already`, {
    hint: `see what there is with: pvectl history --host ${host}; to undo a rollback, name it by --run`,
  })
}

/** Why this run must not be rolled back now, its files not looked at; empty: nothing. */
export function obstacles(run: NodeRun, runs: readonly NodeRun[]): readonly Problem[] {
  if (run.alive) return [{ message: `run ${run.id} is still going on`, hint: 'wait for its end' }]
  if (run.paths.length === 0) {
    const why = run.result === 'reverted' ? 'the node has rolled it back itself' : 'it changed no file'
    return [{ message: `there is nothing to restore of run ${run.id}: ${why}` }]
  }
  const undone = undoneRuns(runs)
  if (undone.has(run.id)) {
    const by = runs.find(({ undoes }) => undoes === run.id)?.id ?? ''
    return [{ message: `run ${run.id} is rolled back already, by run ${by}`, hint: `to take that back: --run ${by}` }]
  }
  return []
}

/**
 * Later runs that stand and touched the same paths, one problem each. A later run that was undone counts as little as
 * its rollback does, and an earlier attempt to roll back this very run is no obstacle.
 */
export function laterRuns(run: NodeRun, runs: readonly NodeRun[]): readonly Problem[] {
  const undone = undoneRuns(runs)
  const own = new Set(run.paths.map(({ path }) => path))
  return runs.flatMap(({ id, undoes, result, playbook, paths }) => {
    const paired = undoes !== undefined && (undoes === run.id || (result === 'ok' && undoes > run.id))
    if (id <= run.id || undone.has(id) || paired) return []
    const same = paths.map(({ path }) => path).filter((path) => own.has(path))
    if (same.length === 0) return []
    const message = `run ${id} (${playbook}) came after it and touched the same: ${same.join(', ')}`
    return [{ message, hint: `roll that one back first: --run ${id}; or overrule with --force` }]
  })
}
