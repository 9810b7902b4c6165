/** Runs as a node remembers them: the executions of each run taken together. Pure. */
import type { RunRecord, TouchedPath } from '../facts/run-records.ts'

/** A path that a run touched, in whichever of its executions. */
export interface NodePath extends TouchedPath {
  /** Execution that keeps what stood there before the run. */
  readonly keptBy: string
}

/** One run on one node. `result`: that of the first execution that did not end well, else `ok`; undefined: no end. */
export interface NodeRun extends Omit<RunRecord, 'paths'> {
  readonly paths: readonly NodePath[]
}

/** Runs from the records of a node, newest first. */
export function nodeRuns(records: readonly RunRecord[]): readonly NodeRun[] {
  const groups = new Map<string, RunRecord[]>()
  for (const record of records) {
    const id = runOf(record.id)
    groups.set(id, [...(groups.get(id) ?? []), record])
  }
  return [...groups].map(([id, parts]) => together(id, parts)).sort((a, b) => (a.id < b.id ? 1 : -1))
}

/** The run that an execution belongs to: `RUN-0.2` is of `RUN`. */
export function runOf(recordId: string): string {
  return recordId.replace(/-\d+(\.\d+)?$/, '')
}

/** True for steps that only write files, all of which the record names and a rollback restores. */
export function isFileStep(kind: string): boolean {
  return FILE_STEPS.has(kind)
}

const FILE_STEPS = new Set([
  'authorized_keys',
  'certificate',
  'file',
  'interfaces_comment',
  'interfaces_hooks',
  'interfaces_stanza',
  'nginx_site',
  'symlink',
])

function together(id: string, parts: readonly RunRecord[]): NodeRun {
  const [first] = parts
  const last = parts.at(-1)
  if (first === undefined || last === undefined) throw new Error('a run without executions')
  const { result: _, ended: __, ...common } = first
  const bad = parts.find(({ result }) => result !== 'ok')
  const result = bad === undefined ? 'ok' : bad.result
  return {
    ...common,
    id,
    ...(last.ended === undefined ? {} : { ended: last.ended }),
    ...(result === undefined ? {} : { result }),
    alive: parts.some(({ alive }) => alive),
    paths: mergePaths(parts),
    steps: parts.flatMap(({ steps }) => steps),
  }
}

/** What stood at a path before the first touch, and what after the last. */
function mergePaths(parts: readonly RunRecord[]): readonly NodePath[] {
  const paths = new Map<string, NodePath>()
  // What a run reverted itself is as it was, so an execution of it touched nothing.
  for (const { id, paths: touched } of parts.filter(({ result }) => result !== 'reverted')) {
    for (const { path, before, after } of touched) {
      const known = paths.get(path) ?? { path, before, keptBy: id }
      const { after: _, ...start } = known
      paths.set(path, after === undefined ? start : { ...start, after })
    }
  }
  return [...paths.values()]
}
