/** The errors a run of steps can end with, in words for the admin. */
import { PvectlError } from '../errors.ts'
import type { Execution } from './execute.ts'
import type { HostPlan, PlannedStep } from './plan.ts'
import { stepHint } from './step-hints.ts'

/** A step ran well, and yet the node is not as described. */
export function notConverged({ task, resource, plan }: PlannedStep): PvectlError {
  const what = plan.changes.map(({ summary }) => summary).join('; ')
  return new PvectlError('NOT_CONVERGED', `${task.task.title}: ${resource.title} is still not as described: ${what}`, {
    location: task.task.location,
    hint: 'something else on the node sets it back (another tool, a hook, a package script); look there, then run again',
  })
}

/** What a run that did not end well ended with. `step` is the one that failed, where one did. */
export function stepFailed(step: PlannedStep | undefined, execution: Execution): PvectlError {
  if (execution.outcome === 'locked') return locked(execution.lockedBy)
  if (execution.outcome === 'stopped') return stoppedError()
  if (execution.outcome === 'guarded') return stillGuarded(execution.detail)
  if (execution.outcome === 'died') return died(step, execution.completed.size)
  if (execution.outcome === 'reverted') return hung(step)
  if (execution.outcome === 'rebooted') return rebooted(step)
  if (execution.outcome === 'absent') return absent()
  if (execution.outcome === 'vanished') return vanished()
  if (execution.outcome === 'guardless') return guardGone()
  if (execution.outcome === 'unguarded') return unguarded(execution.lastLines)
  if (execution.outcome === 'unrecorded') {
    return new PvectlError('STEP_FAILED', 'the node could not keep a record of the run, so nothing was changed', {
      hint: 'is /var/lib full or read-only? look with: df -h /var/lib; df -i /var/lib; findmnt -no OPTIONS -T /var/lib',
    })
  }
  if (step === undefined) return new PvectlError('STEP_FAILED', 'the run broke off on the node before its first step')
  const said = execution.lastLines.length === 0 ? 'it printed nothing' : execution.lastLines.join('\n')
  return new PvectlError('STEP_FAILED', `${step.task.task.title}: ${step.resource.title} failed: ${said}`, {
    location: step.task.task.location,
    hint: `${stepHint(execution.lastLines) ?? 'mend the cause and run again'}; steps before it are done, steps after it were not started`,
  })
}

/** An earlier run was reverted before this one, which went on. */
export function recoveredNotice({ detail, lastLines }: Execution): string {
  const [run, late] = detail.split(' ')
  const what = late === undefined ? 'was never confirmed, and its revert timer was gone' : 'was being reverted'
  return `run ${run} ${what}: ${lastLines.join('; ')}`
}

/** The user asked to stop. */
export function stoppedError(): PvectlError {
  return new PvectlError('INTERRUPTED', 'stopped on request; what had begun was finished', {
    hint: 'run again to go on where it stopped',
  })
}

function locked(by: string | undefined): PvectlError {
  return new PvectlError(
    'LOCKED',
    `another run holds the node: ${by === undefined || by === '' ? 'unknown owner' : by}`,
    {
      hint: 'wait for it to end, then run again; the lock goes away by itself with the run',
    },
  )
}

function stillGuarded(runId: string): PvectlError {
  return new PvectlError(
    'LOCKED',
    `an earlier change of the node (run ${runId}) is still waiting to be confirmed or reverted`,
    {
      hint: 'the node reverts it by itself within its timeout (90 s by default); then run again',
    },
  )
}

function unguarded(lines: readonly string[]): PvectlError {
  const said = lines.length === 0 ? '' : `: ${lines.join('; ')}`
  return new PvectlError('STEP_FAILED', `the revert timer could not be armed, so nothing was changed${said}`, {
    hint: 'is the disk full, or /etc read-only? look with: df -h /var/lib /etc; df -i /var/lib /etc; findmnt -no OPTIONS -T /etc. At the console, --no-guard does without it',
  })
}

/** All that can't be done on this node as it is, or undefined. What has one cause is told once, with all it stops. */
export function blockedError(plan: HostPlan): PvectlError | undefined {
  const causes = new Set<string>()
  const problems = plan.tasks.flatMap(({ task, resources }) => {
    const told = new Set<string>()
    return resources.flatMap(({ resource, plan: planned }) => {
      // What stands in the way of one part of a task often does so for the next.
      if (planned.kind !== 'blocked' || told.has(planned.reason)) return []
      told.add(planned.reason)
      const { reason, hint, cause } = planned
      if (cause !== undefined && causes.has(cause)) return []
      if (cause !== undefined) causes.add(cause)
      const others = cause === undefined ? 0 : tasksBlockedBy(plan, cause) - 1
      const also = others === 0 ? '' : ` (and ${others} more ${others === 1 ? 'task' : 'tasks'})`
      const message = `${task.title}${also}: ${resource.title}: ${reason}`
      return [{ message, location: task.location, ...(hint === undefined ? {} : { hint }) }]
    })
  })
  return problems.length === 0 ? undefined : PvectlError.of('BLOCKED', problems)
}

function tasksBlockedBy({ tasks }: HostPlan, cause: string): number {
  return tasks.filter(({ resources }) => resources.some(({ plan }) => plan.kind === 'blocked' && plan.cause === cause))
    .length
}

/** The first host with a risky plan ended badly, so this one was not touched, or no further where it had `begun`. */
export function canaryFailed(first: string, begun = false): PvectlError {
  return new PvectlError(
    'BLOCKED',
    `${begun ? 'not gone on with' : 'not touched'}, since ${first} went first and did not come through`,
    {
      hint: `see what happened on ${first}; the others go on when it converges`,
    },
  )
}

function hung(step: PlannedStep | undefined): PvectlError {
  const what = step === undefined ? 'a step' : `${step.task.task.title}: ${step.resource.title}`
  return new PvectlError('STEP_FAILED', `${what} did not end before the revert timer`, {
    hint: 'what it waited for is in the log of the run on the node; --confirm-timeout gives it longer',
  })
}

function died(step: PlannedStep | undefined, completed: number): PvectlError {
  const outside = completed === 0 ? 'before its first step' : 'between two steps'
  const where = step === undefined ? outside : `in ${step.task.task.title}: ${step.resource.title}`
  return new PvectlError('STEP_FAILED', `the run was killed on the node, ${where}`, {
    hint: 'by somebody, by the kernel for lack of memory, or by a shutdown? What had been done stays; run again to go on',
  })
}

function guardGone(): PvectlError {
  return new PvectlError('STEP_FAILED', 'the guard of the run was removed from /var/lib/pvectl on the node', {
    hint: 'by whom? Look at the node, then run again',
  })
}

function rebooted(step: PlannedStep | undefined): PvectlError {
  const where = step === undefined ? '' : `, in ${step.task.task.title}: ${step.resource.title}`
  return new PvectlError('STEP_FAILED', `the node was shut down or restarted while the run went on${where}`, {
    hint: 'what had been done stays; run again to go on',
  })
}

function vanished(): PvectlError {
  return new PvectlError(
    'STEP_FAILED',
    'the log of the run was removed from /run/pvectl on the node, so its outcome is unknown',
    {
      hint: '`pvectl history --host` shows the record that the run itself keeps; then run again',
    },
  )
}

function absent(): PvectlError {
  return new PvectlError('CONNECTION_LOST', 'the connection broke off before the run began on the node', {
    hint: 'nothing was changed; run again',
  })
}

/** The user said no to risky changes; `begun`: harmless ones before a barrier are done. */
export function declinedError(begun = false): PvectlError {
  return new PvectlError('INTERRUPTED', `${begun ? 'not gone on with' : 'not touched'}, since the answer was no`, {
    hint: '`pvectl check` shows all that would change',
  })
}
