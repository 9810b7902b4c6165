/** Facts behind `creates` and `unless` of a command: whether it has been done already. */
import { joinScripts, rawScript, type Script, sh, shellText } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Conditions under which a command has nothing to do. */
export interface CommandGuard {
  /** Path that exists once it has run. */
  readonly creates?: string | undefined
  /** Shell text that succeeds once it has run; must only read. At most 30 s. */
  readonly unless?: string | undefined
}

/** True when the command need not run. */
export type GuardState = boolean

/** Evaluates each guard on its own; ids are JSON. */
export const guardFact: FactKind<GuardState> = {
  name: 'guard',
  observe: (ids): Script => joinScripts(ids.map((id) => guardScript(JSON.parse(id) as CommandGuard))),
  parse(output, ids) {
    const lines = output.toString('utf8').split('\n')
    return ids.map((_, i) => lines[i] === 'done')
  },
}

/** Reference to the fact whether a guard holds. */
export function guardOf({ creates, unless }: CommandGuard): FactRef<GuardState> {
  return { kind: guardFact, id: JSON.stringify({ creates, unless }) }
}

function guardScript({ creates, unless }: CommandGuard): Script {
  const tests: Script[] = []
  if (creates !== undefined) tests.push(sh`[ -e ${creates} ] || [ -L ${creates} ]`)
  if (unless !== undefined) tests.push(sh`{ ${shellText(unless, rawScript('timeout 30'))}; } >/dev/null 2>&1`)
  return sh`if ${joinScripts(tests, ' || ')}; then echo done; else echo open; fi`
}
