/** Checks of a host as lines: the sum, and each of them on demand. What failed is told by the error of the host. */
import type { ShownCheck } from '../engine/events.ts'
import type { Palette } from './palette.ts'
import { sanitizeLine } from './text.ts'

/** How much, and with which colours. */
export interface CheckLineOptions {
  readonly palette: Palette
  readonly verbose: boolean
}

const ORDER = ['failed', 'passed', 'skipped'] as const

/** `verified | 1 failed, 9 passed, 2 skipped`, then, on demand, a line for each check. */
export function checkLines(checks: readonly ShownCheck[], { palette, verbose }: CheckLineOptions): string[] {
  const status = (word: ShownCheck['status'], text: string) => palette.status(word === 'passed' ? 'ok' : word, text)
  const counts = ORDER.flatMap((word) => {
    const count = checks.filter((check) => check.status === word).length
    return count === 0 ? [] : [status(word, `${count} ${word}`)]
  })
  const shown = verbose ? checks : []
  return [
    `verified | ${counts.length === 0 ? 'nothing to prove' : counts.join(', ')}`,
    ...shown.map(
      (check) => `  ${status(check.status, check.status)} | ${sanitizeLine(`${check.title}: ${check.saw}`)}`,
    ),
  ]
}
