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
  /** Set where the daemon was not there before: it stops when it is no longer in use. */
  readonly retire?:
    | { readonly reads: readonly FactRef<unknown>[]; readonly inUse: (model: Model) => boolean }
    | undefined
}

/** Ensures that a daemon runs with the files on disk, or not at all where it came with what is gone now. */
export function unitAfter({ unit: name, paths, verb, validate, risk, retire }: UnitAfter): Resource {
  const busy = unit({ unit: name, watch: { paths, verb }, validate, risk })
  if (retire === undefined) return busy
  const idle = unit({ unit: name, running: false, enabled: false })
  return {
    ...busy,
    reads: [...busy.reads, ...retire.reads],
    plan: (model) => (retire.inUse(model) ? busy : idle).plan(model),
  }
}
