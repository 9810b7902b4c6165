/** Hides secrets in what a run says and keeps, before any reporter or record gets it. */
import { MASK } from '../connection/secret.ts'
import type { HostTask, Job } from '../playbook/job.ts'
import type { Mask } from '../secrets/mask.ts'
import { maskData } from '../secrets/mask-data.ts'
import type { Emit, RunEvent } from './events.ts'

/** Words of the protocol and names of hosts, which must stay what they are. */
const KEPT = new Set(['event', 'host', 'hosts', 'id', 'mode', 'phase', 'status', 'code'])

/** The same run with secrets hidden in its titles, which nodes keep, and in its events. */
export function maskRun<Options extends { readonly job: Job; readonly emit: Emit }>(
  options: Options,
  mask: Mask,
): Options {
  const { job, emit } = options
  return { ...options, job: maskTitles(job, mask), emit: (event: RunEvent) => emit(maskEvent(event, mask)) }
}

/** The event with secrets hidden in all texts that people may read. */
export function maskEvent(event: RunEvent, mask: Mask): RunEvent {
  return maskData(event, mask, (key, text) => {
    if (KEPT.has(key)) return text
    return key === 'diff' ? maskDiff(text, mask) : undefined
  })
}

/**
 * A unified diff with secrets hidden. Where an added line holds a secret, what it replaces is likely the previous one,
 * which nobody knows any more: then all removed lines are hidden that do not come again.
 */
export function maskDiff(diff: string, mask: Mask): string {
  const masked = mask(diff)
  if (masked === diff) return diff
  const lines = masked.split('\n')
  const staying = new Set(lines.filter((line) => /^[ +]/.test(line)).map((line) => line.slice(1)))
  const addsSecret = lines.some((line) => line.startsWith('+') && line.includes(MASK))
  const isTelling = (line: string) => addsSecret && line.startsWith('-') && !staying.has(line.slice(1))
  return lines.map((line) => (isTelling(line) ? `-${MASK}` : line)).join('\n')
}

function maskTitles(job: Job, mask: Mask): Job {
  const maskTask = (task: HostTask): HostTask => ({
    ...task,
    title: mask(task.title),
    resources: task.resources.map((resource) => ({ ...resource, title: mask(resource.title) })),
  })
  const stages = job.stages.map((stage) => ({
    ...stage,
    hosts: stage.hosts.map(({ host, tasks }) => ({ host, tasks: tasks.map(maskTask) })),
  }))
  return { ...job, stages }
}
