/** Signs for statuses, with plain ones for terminals that lack the others (the Linux console, old locales). */
import type { HostStatus } from '../engine/events.ts'

/** Signs of one column each. */
export interface Symbols {
  readonly status: Readonly<Record<HostStatus, string>>
  readonly spinner: readonly string[]
  readonly pending: string
  readonly applied: string
  readonly bar: string
  readonly rule: string
}

const UNICODE: Symbols = {
  status: {
    ok: '✔',
    changed: '✔',
    'would change': '~',
    unknown: '?',
    skipped: '-',
    failed: '✖',
    unreachable: '✖',
    'rolled back': '↩',
  },
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  pending: '·',
  applied: '✔',
  bar: '│',
  rule: '─',
}

const ASCII: Symbols = {
  status: {
    ok: '+',
    changed: '*',
    'would change': '~',
    unknown: '?',
    skipped: '-',
    failed: 'x',
    unreachable: 'x',
    'rolled back': '<',
  },
  spinner: ['|', '/', '-', '\\'],
  pending: '.',
  applied: '+',
  bar: '|',
  rule: '-',
}

/** Signs that this terminal can show. */
export function symbolsFor(env: NodeJS.ProcessEnv = process.env): Symbols {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || 'UTF-8'
  return env.TERM !== 'linux' && /utf-?8/i.test(locale) ? UNICODE : ASCII
}
