/** What verification says: plain data, for the screen and for other programs. */
import type { Problem } from '../errors.ts'
import type { Check } from './check.ts'

/** One check and what became of it. */
export interface CheckReport {
  readonly kind: Check['kind']
  readonly title: string
  /** What a pass means. */
  readonly proves: string
  readonly status: 'passed' | 'failed' | 'skipped'
  /** What was seen; of a skipped check, why it could not be made. */
  readonly saw: string
  readonly cause?: string
  readonly hint?: string
}

/** One host and all its checks. */
export interface HostReport {
  readonly host: string
  /** `failed` when any check failed, `skipped` when none could be made. */
  readonly status: 'passed' | 'failed' | 'skipped' | 'unreachable'
  readonly checks: readonly CheckReport[]
  readonly seconds: number
  /** Why there are no checks. */
  readonly error?: { readonly code: string; readonly problems: readonly Problem[] }
}
