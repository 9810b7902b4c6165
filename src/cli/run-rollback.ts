/** What `pvectl rollback` does: find the run on the node, ask, then run the job that undoes it. */
import { PvectlError } from '../errors.ts'
import { withPending } from '../playbook/pending.ts'
import { createPalette, wantsColor } from '../reporters/palette.ts'
import { sanitizeLine } from '../reporters/text.ts'
import { notUndone } from '../rollback/job.ts'
import { prepareRollback, type Rollback } from '../rollback/prepare.ts'
import { identity } from '../rollback/restore.ts'
import { localTime } from './history-text.ts'
import { oneHost } from './one-host.ts'
import { runJob, withConnector } from './run-job.ts'

/** What the user asked for. */
export interface RollbackOptions {
  readonly host: string
  readonly inventory: string
  /** Id of a run or its beginning; undefined: the newest that stands. */
  readonly run: string | undefined
  readonly check: boolean
  readonly yes: boolean
  readonly force: boolean
  /** What to do about a network change staged in the web interface. */
  readonly pending: 'refuse' | 'discard'
  readonly diff: boolean
  readonly verbose: boolean
  readonly json: boolean
}

/** Rolls a run back, to the exit code. Throws USAGE where nobody can be asked. */
export async function runRollback(options: RollbackOptions): Promise<number> {
  const { check, yes, force, json, diff, verbose, inventory } = options
  const mayAsk = process.stdin.isTTY === true && process.stderr.isTTY === true
  if (!check && !yes && !mayAsk) {
    throw new PvectlError('USAGE', 'there is no terminal to ask on whether to roll back', {
      hint: 'look first with --check, then add --yes',
    })
  }
  const host = await oneHost(options.host, inventory)
  return withConnector([host.target], async (connector) => {
    const rollback = await prepareRollback({ host, inventory, run: options.run, force }, connector)
    if (!json) process.stdout.write(`${summary(rollback, host.name).join('\n')}\n\n`)
    if (!check && !yes && !(await confirmed(host.name))) {
      process.stderr.write('nothing was changed\n')
      return 0
    }
    const mode = check ? 'check' : 'apply'
    const job = options.pending === 'discard' ? withPending(rollback.job, 'discard') : rollback.job
    return runJob({ mode, forks: 1, diff: diff || check, verbose, json, driftExit: false }, job, connector)
  })
}

/** Asks on stderr, so that stdout stays clean. No answer is a no. */
async function confirmed(host: string): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts')
  try {
    return await confirm({ message: `Put this back on ${host}?`, default: false }, { output: process.stderr })
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') return false
    throw error
  }
}

function summary({ run, restores }: Rollback, host: string): string[] {
  const palette = createPalette(wantsColor(process.stdout))
  const rest = notUndone(run)
  return [
    `${palette.bold(`run ${run.id}`)} on ${host}: ${sanitizeLine(run.playbook)}, ${localTime(run.started)}, by ${sanitizeLine(run.owner)}`,
    ...restores.map(({ path, before, now }) => {
      const same = identity(before) === identity(now)
      const verb = same ? 'as before' : identity(before) === 'absent' ? 'remove' : 'restore'
      return `  ${verb} ${sanitizeLine(path)}`
    }),
    ...(rest.length === 0 ? [] : ['not taken back:', ...rest.map((line) => `  ${sanitizeLine(line)}`)]),
  ]
}
