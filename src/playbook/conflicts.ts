/** Two tasks that want the same thing of a node. */
import { formatLocation, type Location, type Problem } from '../errors.ts'
import type { HostTask } from './job.ts'
import type { ProblemList } from './problems.ts'

interface Claim {
  readonly task: HostTask
  readonly title: string
  readonly shared: boolean
}

/**
 * Reports what more than one task of a host claims: the key of a resource, unless both share it, or one of its
 * further claims. Within one task (one item of a loop) a claim may repeat.
 */
export function checkConflicts(host: string, tasks: readonly HostTask[], problems: ProblemList): void {
  const claims = new Map<string, Claim>()
  const reported = new Set<string>()
  for (const task of tasks) {
    for (const { key, shared = false, claims: further = [], title } of task.resources) {
      for (const { name, ...claim } of [
        { name: key, task, title, shared },
        ...further.map((name) => ({ name, task, title: readable(name), shared: false })),
      ]) {
        const first = claims.get(name)
        if (first === undefined) claims.set(name, claim)
        else if (first.task !== task && !(first.shared && shared && claim.shared)) {
          const pair = `${first.task.id} ${task.id}`
          if (!reported.has(pair)) problems.add(conflict(first, claim), { host, code: 'CONFLICT' })
          reported.add(pair)
        }
      }
    }
  }
}

function conflict(first: Claim, second: Claim): Problem {
  const other = place(first.task.location)
  const same = other === place(second.task.location)
  return {
    message: `two tasks claim ${second.title}: ${called(first.task)} and ${called(second.task)}`,
    hint: same
      ? 'two items of the loop lead to the same; make them differ'
      : `the other one is at ${other}; keep one of the two`,
    location: second.task.location,
  }
}

function called({ title }: HostTask): string {
  return `\`${title}\``
}

function place(location: Location): string {
  return formatLocation(location)
}

/** `port:eno1` → `port eno1`. */
function readable(claim: string): string {
  return claim.replace(':', ' ')
}
