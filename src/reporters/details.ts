/** What happened on a host, task by task: changes, diffs, errors. Pure text, no layout of the screen. */
import type { ShownChange, ShownResource } from '../engine/events.ts'
import type { Palette } from './palette.ts'
import { problemLines } from './problems.ts'
import type { HostRecord, TaskRecord, TaskState } from './run-record.ts'
import type { Symbols } from './symbols.ts'
import { displayWidth, padEnd, sanitizeLine, sanitizeText, wrapLine } from './text.ts'

/** How much to show, and how. */
export interface DetailOptions {
  readonly palette: Palette
  readonly symbols: Symbols
  /** Show unified diffs of files. */
  readonly diff: boolean
  /** Also show tasks that are ok or skipped. */
  readonly verbose: boolean
  /** Wrap text, other than diffs, to this width; by default lines are as long as they are. */
  readonly columns?: number
}

/** Widest column of task titles before the status word. */
const TITLE_COLUMNS = 56
/** What a line needs besides the title: sign, gaps and the longest status. */
const STATUS_COLUMNS = 16
/** Of what belongs to a task. */
const INDENT = 4

/** All there is to say about a host, without its name; empty when nothing happened. */
export function hostLines(host: HostRecord, options: DetailOptions): string[] {
  const tasks = [...host.tasks.values()].filter(({ state }) => options.verbose || !['ok', 'skipped'].includes(state))
  const room = Math.max(0, (options.columns ?? Number.POSITIVE_INFINITY) - STATUS_COLUMNS)
  const width = Math.min(TITLE_COLUMNS, room, Math.max(0, ...tasks.map(({ title }) => displayWidth(title))))
  const errors = host.error?.problems ?? []
  const said = errors.map(({ message }) => message).join('\n')
  return [
    ...tasks.flatMap((task) => taskLines(task, width, said, options)),
    ...unreachedLines(host, options),
    ...errors.flatMap((problem) => problemLines(problem, options.palette, options.columns)),
  ]
}

/** A task with its status and what changed; `said` is what the errors of the host say anyway. */
function taskLines(task: TaskRecord, width: number, said: string, options: DetailOptions): string[] {
  const { columns, palette, symbols } = options
  const status = statusOf(task.state)
  const reason = task.reason === undefined ? '' : palette.dim(` (${sanitizeLine(task.reason)})`)
  const sign = palette.status(status, symbols.status[status])
  const title = padEnd(sanitizeLine(task.title), width)
  const head = headLines(`${sign} ${title}`, `${palette.status(status)}${reason}`, columns)
  const resources = task.resources.flatMap((resource) => resourceLines(resource, said, options))
  const errors = (task.error?.problems ?? []).filter(({ message }) => !said.includes(message))
  const below = [
    ...resources,
    ...errors.flatMap((problem) => problemLines(problem, palette, columns && columns - INDENT)),
  ]
  return [...head, ...below.map((line) => ' '.repeat(INDENT) + line)]
}

/** Title and verdict on one line; where they do not fit, the title goes on below, and the verdict after its last word. */
function headLines(title: string, verdict: string, columns: number | undefined): string[] {
  const whole = `${title}  ${verdict}`
  if (columns === undefined || displayWidth(whole) <= columns) return [whole]
  const lines = wrapLine(title.trimEnd(), columns)
  const last = `${lines.at(-1) ?? ''}  ${verdict}`
  return displayWidth(last) <= columns ? [...lines.slice(0, -1), last] : [...lines, `  ${verdict}`]
}

/** The changes of a resource, one line each, with the diff of a file where wanted. */
export function resourceLines(
  resource: ShownResource,
  said: string,
  { columns, diff, palette }: Pick<DetailOptions, 'columns' | 'diff' | 'palette'>,
): string[] {
  const { title, status, reason } = resource
  const why = reason === undefined || said.includes(reason) ? [] : [sanitizeLine(`${title}: ${reason}`)]
  const mayCut = resource.wayIn?.touches === false ? 'guarded' : 'can cut the connection: guarded'
  const guarded = resource.risk !== undefined && status === 'would change' ? ` (${mayCut})` : ''
  const note = status === 'skipped' ? ' (not reached)' : status === 'failed' ? ' (failed)' : ''
  const changes = resource.changes.flatMap((change) => [
    ...wrapLine(
      `${changeText(resource, change)}${note}${change.summary.startsWith('note:') ? '' : guarded}`,
      columns === undefined ? Number.POSITIVE_INFINITY : columns - INDENT,
    ),
    ...(diff ? diffLines(change, palette).map((line) => `  ${line}`) : []),
  ])
  const way = status === 'would change' ? (resource.wayIn?.reasons ?? []) : []
  return [...why, ...changes, ...way.map((reason) => `→ ${sanitizeLine(reason)}`)]
}

/** One change in one line; names the resource where the summary does not. */
function changeText({ title }: ShownResource, { summary }: ShownChange): string {
  const words = title.split(' ')
  const name = words.slice(1).join(' ') || title
  const file = words.at(-1) ?? ''
  const isNamed = summary.includes(name) || (/[./]/.test(file) && summary.includes(file))
  return sanitizeLine((isNamed ? summary : `${title}: ${summary}`).replaceAll('\n', '; '))
}

/** A unified diff in colours. Control characters, carriage returns included, are made visible. */
function diffLines({ diff }: ShownChange, palette: Palette): string[] {
  if (diff === undefined) return []
  return sanitizeText(diff.replace(/\n$/, ''))
    .split('\n')
    .map((line) => {
      if (line.startsWith('@@')) return palette.hunk(line)
      if (line.startsWith('+')) return palette.added(line)
      if (line.startsWith('-')) return palette.removed(line)
      return palette.dim(line)
    })
}

function unreachedLines({ status, tasks }: HostRecord, { palette, symbols, verbose }: DetailOptions): string[] {
  const count = [...tasks.values()].filter(({ reason }) => reason === 'not reached').length
  return count === 0 || verbose || status === 'unreachable'
    ? []
    : [palette.dim(`${symbols.status.skipped} ${count} not reached`)]
}

/** The word for a task; one that broke off without a verdict is unknown. */
function statusOf(state: TaskState): Exclude<TaskState, 'pending' | 'running' | 'applied'> {
  return state === 'pending' || state === 'running' || state === 'applied' ? 'unknown' : state
}
