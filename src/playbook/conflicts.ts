/** Two tasks that want the same thing of a node. */
import { formatLocation, type Location, type Problem } from '../errors.ts'
import type { Resource, Span } from '../resources/resource.ts'
import type { HostTask } from './job.ts'
import type { ProblemList } from './problems.ts'

interface Claim {
  readonly task: HostTask
  readonly title: string
  readonly shared: boolean
}

interface SpanClaim extends Claim {
  readonly span: Span
}

/**
 * Reports what more than one task of a host claims: the key of a resource, unless both share it, one of its
 * further claims, or a part of a range. Within one task (one item of a loop) a claim may repeat.
 */
export function checkConflicts(host: string, tasks: readonly HostTask[], problems: ProblemList): void {
  const claims = new Map<string, Claim>()
  const spans = new Map<string, SpanClaim[]>()
  const reported = new Set<string>()
  const report = (first: Claim, second: Claim) => {
    const pair = `${first.task.id} ${second.task.id}`
    if (!reported.has(pair)) problems.add(conflict(first, second), { host, code: 'CONFLICT' })
    reported.add(pair)
  }
  for (const task of tasks) {
    for (const resource of task.resources) {
      for (const { name, ...claim } of namedClaims(task, resource)) {
        const first = claims.get(name)
        if (first === undefined) claims.set(name, claim)
        else if (collide(first, claim)) report(first, claim)
      }
      for (const claim of spanClaims(task, resource)) {
        const { space, of } = claim.span
        const others = spans.get(`${space} ${of}`) ?? []
        for (const other of others) if (collide(other, claim) && overlap(other.span, claim.span)) report(other, claim)
        spans.set(`${space} ${of}`, [...others, claim])
      }
    }
  }
}

function namedClaims(task: HostTask, { key, shared, claims = [], title }: Resource) {
  return [
    { name: key, task, title, shared: shared === true },
    ...claims.map((name) => ({ name, task, title: readable(name), shared: false })),
  ]
}

function spanClaims(task: HostTask, { shared, spans = [] }: Resource): readonly SpanClaim[] {
  return spans.map((span) => ({ task, shared: shared === true, span, title: `${span.space} ${spanWords(span)}` }))
}

function collide(first: Claim, second: Claim): boolean {
  return first.task !== second.task && !(first.shared && second.shared)
}

function overlap(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last
}

function spanWords({ first, last, text }: Span): string {
  return text ?? (first === last ? String(first) : `${first}-${last}`)
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
