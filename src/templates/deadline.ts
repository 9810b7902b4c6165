/** A bound on how long a template may run, so that a loop without end is a mistake with a place and not a hang. */
import { createContext, Script } from 'node:vm'
import { TemplateProblem } from './problem.ts'

/** Milliseconds that one template may take for one host; what ends at all ends far sooner. */
export const TEMPLATE_DEADLINE_MS = 5000

interface Timed {
  readonly slot: { run: () => unknown }
  readonly call: () => unknown
}

/** Only what a script calls is timed, hence a script that calls what lies in its context. Made when first needed. */
let timed: Timed | undefined

/**
 * Makes a function that loops be given up with a TemplateProblem after {@link TEMPLATE_DEADLINE_MS}, and at once when it
 * is called again: the same template is rendered for every host. A watchdog costs a tenth of a millisecond a call, so
 * that only code in which there is a loop, or an include that may have one, gets one.
 */
export function withDeadline<In, Out>(source: string, run: (input: In) => Out): (input: In) => Out {
  if (!/\b(?:for|while|do|include)\b/.test(source)) return run
  let endless: TemplateProblem | undefined
  return (input) => {
    if (endless !== undefined) throw endless
    try {
      return callTimed(() => run(input)) as Out
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      endless = new TemplateProblem(
        `not done after ${TEMPLATE_DEADLINE_MS / 1000} seconds`,
        'is there a loop in it that never ends?',
      )
      throw endless
    }
  }
}

function callTimed(run: () => unknown): unknown {
  timed ??= makeTimed()
  timed.slot.run = run
  return timed.call()
}

function makeTimed(): Timed {
  const slot = { run: (): unknown => undefined }
  const context = createContext(slot)
  const script = new Script('run()')
  return { slot, call: () => script.runInContext(context, { timeout: TEMPLATE_DEADLINE_MS }) }
}
