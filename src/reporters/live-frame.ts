/** What the live region shows: pure, from the state of hosts and tasks to lines that fit the window. */

import type { Size } from './live-screen.ts'
import type { Palette } from './palette.ts'
import { countsText } from './recap.ts'
import type { HostRecord, TaskRecord } from './run-record.ts'
import type { Symbols } from './symbols.ts'
import { displayWidth, formatSeconds, padEnd, plural, sanitizeLine, spread } from './text.ts'

/** A host to show. */
export interface HostRow {
  readonly record: HostRecord
  /** Seconds since it started; undefined before. */
  readonly elapsed: number | undefined
  /** Tasks to list beneath, where there is room; empty until they are known. */
  readonly tasks: readonly TaskRecord[]
}

/** All that goes into one frame. */
export interface Frame {
  readonly mode: 'apply' | 'check'
  /** Title of the stage. */
  readonly title: string
  readonly hosts: readonly HostRow[]
  readonly palette: Palette
  readonly symbols: Symbols
  /** Counts up from frame to frame; turns the spinner. */
  readonly tick: number
}

/** Lines wider than this are hard to follow to the clock at their end. */
const WIDEST = 100
const NAME_COLUMNS = 24

/** The lines of a frame, never more than fit. */
export function frameLines(frame: Frame, size: Size): string[] {
  const columns = Math.min(size.columns, WIDEST)
  const title = frame.title === '' ? [] : [frame.palette.dim(sanitizeLine(frame.title))]
  const room = Math.max(1, size.rows - title.length)
  const [only] = frame.hosts
  const body =
    frame.hosts.length === 1 && only !== undefined
      ? singleHost(only, frame, columns, room)
      : manyHosts(frame, columns, room)
  return [...title, ...body].slice(0, size.rows)
}

function singleHost(row: HostRow, frame: Frame, columns: number, room: number): string[] {
  const lines = row.tasks.flatMap((task) => taskLines(task, frame, columns))
  const at = lines.findLastIndex(({ isCurrent }) => isCurrent)
  const focus = at >= 0 ? at : row.tasks.findLastIndex(({ state }) => state !== 'pending')
  return [
    hostLine(row, frame, columns, displayWidth(row.record.name)),
    ...around(
      lines.map(({ text }) => text),
      focus,
      room - 1,
      frame,
    ),
  ]
}

/** A window of lines round the one that matters, which says how much it leaves out. */
function around(lines: readonly string[], focus: number, room: number, { palette }: Frame): string[] {
  if (lines.length <= room) return [...lines]
  const inner = Math.max(1, room - 2)
  const first = Math.min(Math.max(0, focus - Math.floor(inner / 2)), lines.length - inner)
  const before = first
  const after = lines.length - inner - first
  const more = (count: number) => palette.dim(`  … ${count} more`)
  return [
    ...(before > 0 ? [more(before)] : []),
    ...lines.slice(first, first + inner),
    ...(after > 0 ? [more(after)] : []),
  ].slice(0, Math.max(0, room))
}

function taskLines(task: TaskRecord, frame: Frame, columns: number): { text: string; isCurrent: boolean }[] {
  const { palette, symbols } = frame
  const isCurrent = task.state === 'running'
  const left = `  ${taskSign(task, frame)} ${styleTitle(task, palette)}`
  const line = { text: spread(left, taskWord(task, frame), columns), isCurrent }
  if (!isCurrent || task.output === undefined) return [line]
  return [line, { text: palette.dim(`    ${symbols.bar} ${sanitizeLine(task.output)}`), isCurrent }]
}

function styleTitle({ state, title }: TaskRecord, palette: Palette): string {
  const text = sanitizeLine(title)
  if (state === 'running') return palette.bold(text)
  return state === 'pending' || state === 'skipped' || state === 'ok' ? palette.dim(text) : text
}

function taskSign({ state }: TaskRecord, { palette, symbols, tick }: Frame): string {
  if (state === 'pending') return palette.dim(symbols.pending)
  if (state === 'running') return spinner(symbols, tick)
  if (state === 'applied') return palette.status('changed', symbols.applied)
  return palette.status(state, symbols.status[state])
}

function taskWord({ state }: TaskRecord, { mode, palette }: Frame): string {
  if (state === 'pending' || state === 'running') return ''
  // What is going to change says so when it has.
  if (state === 'would change' && mode === 'apply') return ''
  if (state === 'applied') return palette.status('changed', 'applied')
  return state === 'ok' ? palette.dim('ok') : palette.status(state)
}

/** One line a host; when they do not all fit, those at work, and sums of the others. */
function manyHosts(frame: Frame, columns: number, room: number): string[] {
  const { hosts, palette, symbols } = frame
  const names = Math.min(NAME_COLUMNS, Math.max(...hosts.map(({ record }) => displayWidth(record.name))))
  const line = (row: HostRow) => hostLine(row, frame, columns, names)
  if (hosts.length <= room) return hosts.map(line)
  const done = hosts.filter(({ record }) => record.status !== undefined)
  const waiting = hosts.filter(({ record, elapsed }) => record.status === undefined && elapsed === undefined)
  const working = hosts.filter((row) => !done.includes(row) && !waiting.includes(row))
  const sums = [
    ...(done.length === 0 ? [] : [doneLine(done, frame)]),
    ...(waiting.length === 0 ? [] : [palette.dim(`${symbols.pending} ${plural(waiting.length, 'host')} waiting`)]),
  ]
  const space = Math.max(0, room - sums.length)
  const shown = working.length <= space ? working : working.slice(0, Math.max(0, space - 1))
  const hidden = working.length - shown.length
  const rest =
    hidden === 0 ? [] : [`${spinner(symbols, frame.tick)} ${palette.dim(`${plural(hidden, 'more host')} at work`)}`]
  return [
    ...sums.slice(0, done.length === 0 ? 0 : 1),
    ...shown.map(line),
    ...rest,
    ...sums.slice(done.length === 0 ? 0 : 1),
  ]
}

function doneLine(done: readonly HostRow[], { palette, symbols }: Frame): string {
  const worst = done.some(({ record }) => record.error !== undefined) ? 'failed' : 'ok'
  return `${palette.status(worst, symbols.status[worst])} ${plural(done.length, 'host')} done: ${tally(done, palette)}`
}

function tally(rows: readonly HostRow[], palette: Palette): string {
  const counts = new Map<NonNullable<HostRecord['status']>, number>()
  for (const { record } of rows)
    if (record.status !== undefined) counts.set(record.status, (counts.get(record.status) ?? 0) + 1)
  return [...counts].map(([status, count]) => palette.status(status, `${count} ${status}`)).join(', ')
}

function hostLine({ record, elapsed }: HostRow, frame: Frame, columns: number, nameColumns: number): string {
  const { palette } = frame
  const isWaiting = elapsed === undefined || record.phase === 'waiting'
  const name = padEnd(sanitizeLine(record.name), nameColumns)
  const text =
    record.status !== undefined ? outcome(record, palette) : isWaiting ? palette.dim('waiting') : progress(record)
  const clock = elapsed === undefined ? '' : palette.dim(formatSeconds(elapsed))
  return spread(`${hostSign(record, isWaiting, frame)} ${palette.bold(name)}  ${text}`, clock, columns)
}

function hostSign({ status }: HostRecord, isWaiting: boolean, { palette, symbols, tick }: Frame): string {
  if (status !== undefined) return palette.status(status, symbols.status[status])
  return isWaiting ? palette.dim(symbols.pending) : spinner(symbols, tick)
}

/** `applying 7/9: nginx site wildcard`: which of the tasks that have something to do. */
function progress({ tasks, current, phase }: HostRecord): string {
  if (phase !== 'applying' || current === undefined) return phase
  const todo = [...tasks.values()].filter(({ state }) => !['ok', 'skipped', 'pending'].includes(state))
  return `applying ${todo.indexOf(current) + 1}/${todo.length}: ${sanitizeLine(current.title)}`
}

function outcome({ status, counts, error }: HostRecord, palette: Palette): string {
  if (error === undefined || status === undefined) return countsText(counts, palette)
  const first = error.problems[0]?.message.split('\n')[0] ?? error.code
  return `${palette.status(status)}: ${sanitizeLine(first)}`
}

function spinner({ spinner: frames }: Symbols, tick: number): string {
  return frames[tick % frames.length] ?? ''
}
