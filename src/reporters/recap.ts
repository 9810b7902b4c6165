/** The first and last lines of a run: what is being run, one line a host at the end, and the sum. */
import type { HostStatus, RunEvent, Status } from '../engine/events.ts'
import type { Palette } from './palette.ts'
import type { HostRecord, RunRecord } from './run-record.ts'
import { displayWidth, formatSeconds, padEnd, plural, sanitizeLine } from './text.ts'

/** `pvectl apply  playbooks/site.yml → prod (3 hosts)` */
export function headline(start: Extract<RunEvent, { event: 'run:started' }>, palette: Palette): string {
  const { mode, playbook, inventory, hosts } = start
  return `${palette.bold(`pvectl ${mode}`)}  ${playbook} → ${inventory} ${palette.dim(`(${plural(hosts.length, 'host')})`)}`
}

/** `ok 14, changed 9` */
export function countsText(counts: HostRecord['counts'], palette?: Palette): string {
  const order: readonly Status[] = ['failed', 'rolled back', 'changed', 'would change', 'unknown', 'ok', 'skipped']
  return order
    .filter((status) => (counts[status] ?? 0) > 0)
    .map((status) => `${palette === undefined ? status : palette.status(status)} ${counts[status]}`)
    .join(', ')
}

/** One line a host: `node1  ok=5  changed=2  failed=0  4.1s  changed`. */
export function recapLines(record: RunRecord, palette: Palette): string[] {
  const { hosts } = record
  const always: readonly Status[] = ['ok', record.start?.mode === 'check' ? 'would change' : 'changed', 'failed']
  const order: readonly Status[] = ['ok', 'changed', 'would change', 'unknown', 'rolled back', 'failed', 'skipped']
  const shown = order.filter(
    (status) => always.includes(status) || hosts.some(({ counts }) => (counts[status] ?? 0) > 0),
  )
  const rows = hosts.map((host) => [
    sanitizeLine(host.name),
    ...shown.map((status) => cell(status, host.counts[status] ?? 0, palette)),
    formatSeconds(host.seconds),
    hostWord(host, palette),
  ])
  return alignColumns(rows)
}

/** Rows of cells as lines with aligned columns. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => displayWidth(row[column] ?? '')))
  const widths = (rows[0] ?? []).map((_, column) => width(column))
  return rows.map((row) =>
    row.map((text, i) => (i === row.length - 1 ? text : padEnd(text, widths[i] ?? 0))).join('  '),
  )
}

function cell(status: Status, count: number, palette: Palette): string {
  const text = `${status.replace(' ', '-')}=${count}`
  return count === 0 ? palette.dim(text) : palette.status(status, text)
}

function hostWord({ status }: HostRecord, palette: Palette): string {
  return status === undefined ? palette.status('unknown', 'broken off') : palette.status(status)
}

/** `3 hosts: 2 changed, 1 unreachable  6.2s`; nothing for a single host, whose recap says it all. */
export function sumLines(end: RunRecord['end'], palette: Palette): string[] {
  const entries = Object.entries(end?.hosts ?? {}) as [HostStatus, number][]
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  if (end === undefined || total < 2) return []
  const parts = entries.map(([status, count]) => palette.status(status, `${count} ${status}`))
  return [`${plural(total, 'host')}: ${parts.join(', ')}  ${palette.dim(formatSeconds(end.seconds))}`]
}
