/** A command of the user's own. */
import { sh, shellText } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { type CommandGuard, guardOf } from '../facts/guard.ts'
import { unitNamed } from '../facts/unit.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** A command, when it need not run, and what it changes. */
export interface CommandDesired extends CommandGuard {
  /** Shell text, run by sh. */
  readonly run: string
  readonly chdir?: string | undefined
  /** Paths and units that it changes; undefined: nobody knows, so what follows can't be predicted. */
  readonly touches?: readonly string[] | undefined
}

/** Runs a command unless its guard says it has been done. Without a guard it runs every time. */
export function command(desired: CommandDesired): Resource {
  const guarded = desired.creates !== undefined || desired.unless !== undefined
  const guard = guardOf(desired)
  return {
    kind: 'command',
    key: `command:${desired.run}`,
    title: `command ${desired.run.split('\n')[0] ?? ''}`,
    shared: true,
    reads: guarded ? [guard] : [],
    plan: (model) => (guarded && model.get(guard) ? OK : planRun(desired, guarded ? guard : undefined)),
  }
}

function planRun(desired: CommandDesired, guard: FactRef<boolean> | undefined): Plan {
  const chdir =
    desired.chdir === undefined
      ? sh``
      : sh`cd -- ${desired.chdir}
`
  return {
    kind: 'change',
    changes: [{ summary: `run: ${desired.run}` }],
    script: sh`${chdir}${shellText(desired.run)}`,
    after: guard === undefined ? [] : [becomes(guard, true)],
    disturbs: desired.touches?.map(factOf) ?? 'anything',
    ...(guard === undefined ? { unverifiable: true } : {}),
  }
}

function factOf(touched: string): FactRef<unknown> {
  return touched.startsWith('/') ? (fileAt(touched) as FactRef<unknown>) : (unitNamed(touched) as FactRef<unknown>)
}
