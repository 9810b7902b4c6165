/** What there is to restore: each path of a run with what stood there before it and what stands there now. */

import type { Problem } from '../errors.ts'
import type { FactRef } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { RECORDS_ROOT } from '../facts/run-records.ts'
import type { NodePath, NodeRun } from '../history/node-runs.ts'
import { sha256 } from '../resources/sha256.ts'

/** One path to put back. */
export interface Restore {
  readonly path: string
  readonly before: FileState
  readonly now: FileState
  /** Not readable for all, then or now: its content must not be shown. */
  readonly sensitive: boolean
}

/** Facts that {@link restores} reads. */
export function restoreReads({ paths }: NodeRun): readonly FactRef<unknown>[] {
  return paths.flatMap((path) => [fileAt(path.path), fileAt(keptFile(path))] as FactRef<unknown>[])
}

/** All paths of a run, the one touched last first: so each state on the way back was one on the way there. */
export function restores({ paths }: NodeRun, model: Model): readonly Restore[] {
  return paths
    .map((path): Restore => {
      const before = path.before === 'absent' ? ({ type: 'absent' } as const) : model.get(fileAt(keptFile(path)))
      const now = model.get(fileAt(path.path))
      return { path: path.path, before, now, sensitive: isPrivate(before) || isPrivate(now) }
    })
    .reverse()
}

/** Paths that are neither as the run left them nor as they were before it, one problem each. */
export function changedSince({ paths }: NodeRun, all: readonly Restore[]): readonly Problem[] {
  return all.flatMap(({ path, before, now }) => {
    const after = paths.find((known) => known.path === path)?.after
    if (identity(now) === after || identity(now) === identity(before)) return []
    const what = now.type === 'absent' && now.link === undefined ? 'removed' : 'changed'
    const message =
      after === undefined
        ? `${path}: the run broke off before it wrote down what it left there, so nobody knows whose content it has`
        : `${path} was ${what} since that run`
    return [{ message, hint: 'look at it with --check --force; --force restores it all the same' }]
  })
}

/** What a path is, in the words of the record. */
export function identity(state: FileState): string {
  if (state.link !== undefined) return `link:${sha256(Buffer.from(state.link))}`
  if (state.type === 'file') return sha256(state.content)
  return state.type === 'absent' ? 'absent' : 'other'
}

function keptFile({ keptBy, path }: NodePath): string {
  return `${RECORDS_ROOT}/${keptBy}/files${path}`
}

function isPrivate(state: FileState): boolean {
  return state.type === 'file' && (Number.parseInt(state.mode, 8) & 0o004) === 0
}
