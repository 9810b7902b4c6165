/** A daemon after its files went back to an earlier state. */
import type { Script } from '../connection/script.ts'
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Resource } from './resource.ts'
import { unit } from './unit.ts'

/** A daemon, and what tells whether it still has something to do. */
export interface UnitAfter {
  readonly unit: string
  /** Files and directories that it reads. */
  readonly paths: readonly string[]
  readonly verb: 'restart' | 'reload'
  readonly validate?: Script | undefined
  readonly risk?: 'link' | undefined
  /** How it was before the change that is taken back; undefined: as it is now. */
  readonly was: { readonly running?: boolean | undefined; readonly enabled?: boolean | undefined }
  /** Tells whether something else has come to need it; then it is neither stopped nor disabled. */
  readonly use: { readonly reads: readonly FactRef<unknown>[]; readonly inUse: (model: Model) => boolean }
}

/** Ensures that a daemon is as it was, and if it runs, that it runs with the files on disk. */
export function unitAfter({ unit: name, paths, verb, validate, risk, was, use }: UnitAfter): Resource {
  const common = { unit: name, watch: { paths, verb }, validate, risk }
  const back = unit({ ...common, ...was })
  const kept = unit({
    ...common,
    running: was.running === false ? undefined : was.running,
    enabled: was.enabled === false ? undefined : was.enabled,
  })
  return {
    ...back,
    reads: [...back.reads, ...use.reads],
    plan: (model) => (use.inUse(model) ? kept : back).plan(model),
  }
}
