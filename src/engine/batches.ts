/** Splits the hosts of a stage into batches. */
import type { Serial } from '../playbook/job.ts'

/** Batches in order. A share is of all hosts, at least one; the last size repeats; no sizes: one batch. */
export function batches<T>(hosts: readonly T[], serial: Serial): readonly (readonly T[])[] {
  if (serial.length === 0) return hosts.length === 0 ? [] : [hosts]
  const result: (readonly T[])[] = []
  for (let start = 0, i = 0; start < hosts.length; i++) {
    const size = serial[Math.min(i, serial.length - 1)] ?? hosts.length
    const count = typeof size === 'number' ? size : Math.floor(hosts.length * size.share)
    const end = start + Math.max(1, count)
    result.push(hosts.slice(start, end))
    start = end
  }
  return result
}
