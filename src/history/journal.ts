/** Writes down the events of runs that change nodes. A record that cannot be written never breaks a run. */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import type { Emit, RunEvent, ShownResource } from '../engine/events.ts'
import { historyDirectory, historyFile, runIds } from './directory.ts'

/** Runs whose records are kept. */
export const KEEP_JOURNALS = 100
/** Bytes that wait at most before they are written. */
const BUFFER_BYTES = 64 * 1024

/** Where to write, and what to do when that fails. */
export interface JournalOptions {
  /** Default: {@link historyDirectory}. */
  readonly directory?: string
  /** Told once, when the record cannot be written. */
  readonly onProblem?: (message: string) => void
}

/**
 * A listener for the events of one run, which writes those of an `apply` as NDJSON with the time of each. What commands
 * print and what is inside files stays out, as either may hold secrets.
 */
export function createJournal({ directory = historyDirectory(), onProblem }: JournalOptions = {}): Emit {
  let file: JournalFile | undefined
  return (event) => {
    try {
      if (event.event === 'run:started' && event.mode === 'apply') file = new JournalFile(directory, event.id)
      file?.add(event)
      if (event.event === 'run:finished' && file !== undefined) {
        file.close()
        file = undefined
        prune(directory)
      }
    } catch (error) {
      file = undefined
      onProblem?.(
        `no record of this run is kept on this machine: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
}

class JournalFile {
  readonly #fd: number
  #waiting = ''

  constructor(directory: string, runId: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#fd = openSync(historyFile(directory, runId), 'wx', 0o600)
  }

  add(event: RunEvent): void {
    const kept = reduced(event)
    if (kept === undefined) return
    this.#waiting += `${JSON.stringify({ time: new Date().toISOString(), ...kept })}\n`
    const matters = event.event.startsWith('run:') || event.event === 'host:finished'
    if (matters || this.#waiting.length > BUFFER_BYTES) this.#flush()
  }

  close(): void {
    closeSync(this.#fd)
  }

  #flush(): void {
    const bytes = Buffer.from(this.#waiting)
    this.#waiting = ''
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
  }
}

/** What of an event is worth keeping; undefined: nothing. */
function reduced(event: RunEvent): RunEvent | undefined {
  switch (event.event) {
    case 'host:phase':
    case 'task:output':
    case 'task:started':
      return undefined
    case 'task:planned':
      return event.status === 'ok' ? undefined : { ...event, resources: event.resources.map(withoutContent) }
    case 'task:finished':
      return { ...event, resources: event.resources.map(withoutContent) }
    default:
      return event
  }
}

function withoutContent(resource: ShownResource): ShownResource {
  return { ...resource, changes: resource.changes.map(({ diff: _, ...change }) => change) }
}

function prune(directory: string): void {
  for (const id of runIds(readdirSync(directory)).slice(0, -KEEP_JOURNALS)) {
    rmSync(historyFile(directory, id), { force: true })
  }
}
