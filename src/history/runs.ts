/** Reads the records of runs that this machine started. */
import { readdirSync, readFileSync } from 'node:fs'
import type { HostStatus, RunEvent, ShownError, Status } from '../engine/events.ts'
import { PvectlError } from '../errors.ts'
import { suggestion } from '../suggest.ts'
import { historyDirectory, historyFile, runIds } from './directory.ts'

/** A run in one line. */
export interface RunSummary {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly started: string
  readonly owner: string
  readonly playbook: string
  readonly inventory: string
  /** Hosts by final status; of a run without end, what was known. */
  readonly hosts: Readonly<Partial<Record<HostStatus, number>>>
  /** Seconds; undefined: the run broke off, or still goes on. */
  readonly seconds?: number
  readonly exitCode?: number
}

/** A task of a past run that did not stay `ok`. */
export interface PastTask {
  readonly title: string
  readonly status: Status
  /** One line a change. */
  readonly changes: readonly string[]
}

/** A host of a past run. */
export interface PastHost {
  readonly name: string
  /** Undefined where the record ends before the host did. */
  readonly status?: HostStatus
  readonly tasks: readonly PastTask[]
  readonly notices: readonly string[]
  readonly error?: ShownError
}

/** All that is kept of a run. */
export interface PastRun extends RunSummary {
  readonly nodes: readonly PastHost[]
}

/** All runs, newest first. Records that cannot be read are left out. */
export function listRuns(directory = historyDirectory()): readonly RunSummary[] {
  return idsIn(directory)
    .flatMap((id) => {
      const summary = summarize(readEvents(directory, id))
      return summary === undefined ? [] : [summary]
    })
    .reverse()
}

/** One run by its id or the beginning of it. Throws USAGE when that fits none or several. */
export function readRun(name: string, directory = historyDirectory()): PastRun {
  const ids = idsIn(directory)
  const found = ids.includes(name) ? [name] : ids.filter((id) => id.startsWith(name))
  const [id] = found
  const events = id === undefined || found.length > 1 ? [] : readEvents(directory, id)
  const summary = summarize(events)
  if (summary === undefined) throw unknownRun(name, found, ids)
  return { ...summary, nodes: summaryHosts(events) }
}

type Line = RunEvent & { readonly time: string }

function idsIn(directory: string): readonly string[] {
  try {
    return runIds(readdirSync(directory))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new PvectlError('USAGE', `the records of runs can't be read: ${(error as Error).message}`, {
      hint: 'they are below $XDG_STATE_HOME, or ~/.local/state',
    })
  }
}

/** A record ends in half a line where the machine went down; all before that counts. */
function readEvents(directory: string, id: string): readonly Line[] {
  try {
    return readFileSync(historyFile(directory, id), 'utf8')
      .split('\n')
      .flatMap((line) => parseLine(line))
  } catch {
    return []
  }
}

function parseLine(line: string): readonly Line[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as Line]
  } catch {
    return []
  }
}

function summarize(events: readonly Line[]): RunSummary | undefined {
  const start = events.find((event) => event.event === 'run:started')
  const end = events.find((event) => event.event === 'run:finished')
  if (start === undefined) return undefined
  const { id, time: started, owner, playbook, inventory } = start
  const known = { id, started, owner, playbook, inventory }
  if (end !== undefined) return { ...known, hosts: end.hosts, seconds: end.seconds, exitCode: end.exitCode }
  const hosts: Partial<Record<HostStatus, number>> = {}
  for (const event of events) {
    if (event.event === 'host:finished') hosts[event.status] = (hosts[event.status] ?? 0) + 1
  }
  return { ...known, hosts }
}

function summaryHosts(events: readonly Line[]): readonly PastHost[] {
  const names = events.flatMap((event) => (event.event === 'run:started' ? event.hosts : []))
  return names.map((name): PastHost => {
    const own = events.filter((event) => 'host' in event && event.host === name)
    const end = own.find((event) => event.event === 'host:finished')
    return {
      name,
      ...(end === undefined ? {} : { status: end.status }),
      tasks: pastTasks(own),
      notices: own.flatMap((event) => (event.event === 'host:notice' ? [event.message] : [])),
      ...(end?.error === undefined ? {} : { error: end.error }),
    }
  })
}

/** The last word on each task that is not `ok`; what was planned and never ran counts as skipped. */
function pastTasks(events: readonly Line[]): readonly PastTask[] {
  const tasks = new Map<string, PastTask>()
  for (const event of events) {
    if (event.event !== 'task:planned' && event.event !== 'task:finished') continue
    if (event.event === 'task:planned' && event.status === 'skipped') continue
    const changes = event.resources.flatMap((resource) => resource.changes.map(({ summary }) => summary))
    const planned = event.event === 'task:planned' && event.status !== 'failed'
    const before = tasks.get(event.id)
    tasks.set(event.id, {
      title: event.title,
      status: planned ? 'skipped' : event.status,
      changes: changes.length === 0 ? (before?.changes ?? []) : changes,
    })
  }
  return [...tasks.values()].filter(({ status }) => status !== 'ok')
}

function unknownRun(name: string, found: readonly string[], ids: readonly string[]): PvectlError {
  if (found.length > 1) {
    return new PvectlError('USAGE', `several runs begin with \`${name}\``, { hint: `name one: ${found.join(', ')}` })
  }
  return new PvectlError('USAGE', `there is no record of a run \`${name}\` on this machine`, {
    hint: suggestion(name, [...ids].reverse(), 'runs'),
  })
}
