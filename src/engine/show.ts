/** Turns plans into what events carry: plain data with unified diffs. */

import { PvectlError } from '../errors.ts'
import type { Change } from '../resources/resource.ts'
import type { ShownChange, ShownError, ShownResource, Status } from './events.ts'
import type { PlannedResource, PlannedTask } from './plan.ts'

/** Status of a resource before anything runs. */
export type PlannedStatus = 'ok' | 'would change' | 'unknown' | 'skipped' | 'failed'

const STATUS_OF_PLAN = { ok: 'ok', change: 'would change', unknown: 'unknown', blocked: 'failed' } as const

/** Status of a task: the gravest of its resources'. */
export function taskStatus(task: PlannedTask): PlannedStatus {
  if (task.task.skipped !== undefined) return 'skipped'
  const statuses = task.resources.map(({ plan }) => STATUS_OF_PLAN[plan.kind])
  return (['failed', 'unknown', 'would change'] as const).find((status) => statuses.includes(status)) ?? 'ok'
}

/** A planned resource as data; `done` says whether its change has run. */
export async function showResource({ resource, plan, wayIn }: PlannedResource, done?: Status): Promise<ShownResource> {
  const changes = plan.kind === 'change' ? await Promise.all(plan.changes.map(showChange)) : []
  const reason = plan.kind === 'blocked' || plan.kind === 'unknown' ? { reason: plan.reason } : {}
  const risk = plan.kind === 'change' && plan.risk !== undefined ? { risk: plan.risk, ...(wayIn && { wayIn }) } : {}
  return { title: resource.title, status: done ?? STATUS_OF_PLAN[plan.kind], changes, ...risk, ...reason }
}

/** An error as data; anything but a PvectlError is a bug and shown as one. */
export function showError(error: unknown): ShownError {
  if (error instanceof PvectlError) return { code: error.code, problems: error.problems }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'INTERNAL', problems: [{ message, hint: 'this is a bug in pvectl; please report it' }] }
}

async function showChange({ summary, diff }: Change): Promise<ShownChange> {
  if (diff === undefined) return { summary }
  return { summary, path: diff.path, diff: await unifiedDiff(diff.before, diff.after) }
}

/** Unified diff without file header, three lines of context. Binary content is only named as such. */
export async function unifiedDiff(before: Buffer | undefined, after: Buffer | undefined): Promise<string> {
  if (isBinary(before) || isBinary(after)) return `(binary, ${before?.length ?? 0} → ${after?.length ?? 0} bytes)\n`
  const { createTwoFilesPatch } = await import('diff')
  const text = (bytes: Buffer | undefined) => bytes?.toString('utf8') ?? ''
  const patch = createTwoFilesPatch('a', 'b', text(before), text(after), undefined, undefined, {
    context: 3,
    timeout: 2000,
  })
  if (patch === undefined) return '(too different to show)\n'
  return patch.slice(patch.indexOf('@@'))
}

function isBinary(bytes: Buffer | undefined): boolean {
  return bytes?.subarray(0, 8000).includes(0) ?? false
}
