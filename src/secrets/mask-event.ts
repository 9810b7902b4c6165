/** Hides secrets in what a run says, before any reporter or record gets it. */
import { MASK } from '../connection/secret.ts'
import type { RunEvent } from '../engine/events.ts'
import { PvectlError } from '../errors.ts'
import type { Mask } from './mask.ts'

/** Words of the protocol and names of hosts, which must stay what they are. */
const KEPT = new Set(['event', 'host', 'hosts', 'id', 'mode', 'phase', 'status', 'code'])

/** The event with secrets hidden in all texts that people may read. */
export function maskEvent(event: RunEvent, mask: Mask): RunEvent {
  return maskData(event, mask) as RunEvent
}

/** An error with secrets hidden: a new one where it is a PvectlError, else the same with another text. */
export function maskError(error: unknown, mask: Mask): unknown {
  if (error instanceof PvectlError) {
    return PvectlError.of(error.code, maskData(error.problems, mask) as typeof error.problems)
  }
  if (error instanceof Error) {
    error.message = mask(error.message)
    if (error.stack !== undefined) error.stack = mask(error.stack)
  }
  return error
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

function maskData(data: unknown, mask: Mask): unknown {
  if (typeof data === 'string') return mask(data)
  if (Array.isArray(data)) return data.map((item) => maskData(item, mask))
  if (typeof data !== 'object' || data === null) return data
  const entries = Object.entries(data).map(([key, value]) => {
    if (KEPT.has(key)) return [key, value]
    return [key, key === 'diff' && typeof value === 'string' ? maskDiff(value, mask) : maskData(value, mask)]
  })
  return Object.fromEntries(entries)
}
