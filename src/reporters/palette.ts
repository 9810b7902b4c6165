/** Colours by meaning. The only import of chalk besides types. */
import { Chalk } from 'chalk'
import type { HostStatus } from '../engine/events.ts'

type Style = (text: string) => string

/** What text can mean. */
export interface Palette {
  readonly status: (status: HostStatus, text?: string) => string
  readonly bold: Style
  readonly dim: Style
  readonly error: Style
  readonly hint: Style
  readonly added: Style
  readonly removed: Style
  readonly hunk: Style
}

/** Whether text for this stream should be coloured: NO_COLOR, then FORCE_COLOR, then whether it is a terminal. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return !['0', 'false'].includes(env.FORCE_COLOR)
  return stream.isTTY === true && env.TERM !== 'dumb'
}

/** The sixteen colours every terminal theme defines, or none at all. */
export function createPalette(color: boolean): Palette {
  const chalk = new Chalk({ level: color ? 1 : 0 })
  const byStatus: Record<HostStatus, Style> = {
    ok: chalk.green,
    changed: chalk.yellow,
    'would change': chalk.yellow,
    unknown: chalk.magenta,
    skipped: chalk.cyan,
    failed: chalk.red,
    unreachable: chalk.red,
    'rolled back': chalk.red,
  }
  return {
    status: (status, text = status) => byStatus[status](text),
    bold: chalk.bold,
    dim: chalk.dim,
    error: chalk.red.bold,
    hint: chalk.cyan,
    added: chalk.green,
    removed: chalk.red,
    hunk: chalk.cyan,
  }
}
