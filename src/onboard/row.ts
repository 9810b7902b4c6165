/** Rows of the preflight table. */

/** What a check found. `skipped`: it could not be made, and why; never taken for passed. */
export type Verdict = 'pass' | 'warn' | 'fail' | 'skipped'

/** Names of all checks, in the order of the table. */
export const ROW_IDS = [
  'version',
  'hostname',
  'clock',
  'time-service',
  'ifupdown2',
  'pending',
  'nics',
  'route',
  'uplink',
  'disk',
  'subscription',
  'shell',
  'pmxcfs',
  'membership',
  'member-name',
  'guests',
  'quorum',
  'member-shell',
  'corosync-ports',
  'members',
] as const

/** One check of the preflight. */
export interface Row {
  /** Stable name, for `--ignore` and for scripts: `hostname`. */
  readonly id: string
  /** What was looked at, in a few words. */
  readonly title: string
  readonly verdict: Verdict
  /** What was seen. */
  readonly saw: string
  /** What to do about it; for `warn` and `fail`. */
  readonly remedy?: string
}

/** A row that is as it should be. */
export function pass(id: string, title: string, saw: string): Row {
  return { id, title, verdict: 'pass', saw }
}

/** A row that does not stop onboarding. */
export function warn(id: string, title: string, saw: string, remedy: string): Row {
  return { id, title, verdict: 'warn', saw, remedy }
}

/** A row that stops onboarding. */
export function fail(id: string, title: string, saw: string, remedy: string): Row {
  return { id, title, verdict: 'fail', saw, remedy }
}

/** A row that could not be judged. */
export function skipped(id: string, title: string, why: string): Row {
  return { id, title, verdict: 'skipped', saw: why }
}

/** Failures among rows whose ids are in `ignored` become warnings. */
export function ignoring(rows: readonly Row[], ignored: readonly string[]): readonly Row[] {
  return rows.map((row) => (row.verdict === 'fail' && ignored.includes(row.id) ? { ...row, verdict: 'warn' } : row))
}
