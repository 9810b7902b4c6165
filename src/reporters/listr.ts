/** The reporter for terminals: a live listr2 tree while the run goes on, then what happened, for the scrollback. */
import { Listr, type ListrTask } from 'listr2'
import type { Reporter, RunEvent } from '../engine/events.ts'
import { checkLines } from './checks.ts'
import { type DetailOptions, hostLines } from './details.ts'
import { LiveRenderer } from './live-renderer.ts'
import { LiveScreen, type Terminal } from './live-screen.ts'
import { headline, recapLines, sumLines } from './recap.ts'
import { RunRecord, type TaskRecord } from './run-record.ts'
import { sanitizeLine, wrapLine } from './text.ts'

/** Where to paint, and what. */
export interface ListrOptions extends DetailOptions {
  readonly terminal: Terminal
  /** Milliseconds between frames; default 100. */
  readonly intervalMs?: number
}

/** A reporter that owns the screen, so that other messages have to pass through it. */
export interface ScreenReporter extends Reporter {
  /** Shows a line above the live region. */
  notice(message: string): void
  /** Clears the live region for a question; call what it returns to go on. */
  suspend(): () => void
}

/** Reports on a terminal. */
export function createListrReporter(options: ListrOptions): ScreenReporter {
  return new ListrReporter(options)
}

type EventOf<Name extends RunEvent['event']> = Extract<RunEvent, { event: Name }>
type LiveListrTask = ListrTask<unknown, typeof LiveRenderer>

class ListrReporter implements ScreenReporter {
  /** Messages that wait to be told, with the hosts that they are about. */
  readonly #notices = new Map<string, readonly string[]>()
  readonly #options: ListrOptions
  readonly #screen: LiveScreen
  readonly #record = new RunRecord()
  readonly #lists: Promise<unknown>[] = []
  #stage = new Map<string, HostGate>()

  constructor(options: ListrOptions) {
    this.#options = options
    this.#screen = new LiveScreen(options.terminal, options.intervalMs)
  }

  handle(event: RunEvent): void {
    this.#record.add(event)
    switch (event.event) {
      case 'run:started':
        this.#screen.print(`${headline(event, this.#options.palette)}\n`)
        break
      case 'stage:started':
        this.#startStage(event)
        break
      case 'host:started':
        this.#stage.get(event.host)?.started.resolve(event.tasks.map(({ id }) => id))
        break
      case 'task:planned':
        if (event.status !== 'would change' && event.status !== 'unknown') this.#settle(event)
        break
      case 'task:finished':
        this.#settle(event)
        break
      case 'task:output':
        if (this.#options.verbose)
          this.#screen.print(this.#options.palette.dim(`${event.host} | ${sanitizeLine(event.line)}`))
        break
      case 'host:finished':
        this.#stage.get(event.host)?.finish(event.error === undefined)
        break
      case 'host:notice':
        this.#notices.set(event.message, [...(this.#notices.get(event.message) ?? []), sanitizeLine(event.host)])
        break
      case 'host:proven':
        for (const line of checkLines(event.checks, this.#options)) this.notice(`${sanitizeLine(event.host)} | ${line}`)
        break
      case 'host:phase':
        if (event.phase === 'applying') this.#tellNotices()
        break
      case 'run:finished':
        break
    }
  }

  suspend(): () => void {
    this.#tellNotices()
    return this.#screen.suspend()
  }

  notice(message: string): void {
    this.#screen.print(message)
  }

  /** Nodes are often alike, so a notice waits until the others had theirs: it is told before anything changes. */
  #tellNotices(): void {
    for (const [message, hosts] of this.#notices) {
      const names = this.#record.hosts.map(({ name }) => sanitizeLine(name)).filter((name) => hosts.includes(name))
      const text = `${names.join(', ')} | notice: ${sanitizeLine(message)}`
      for (const line of wrapLine(text, this.#columns(), 2)) this.notice(this.#options.palette.hint(line))
    }
    this.#notices.clear()
  }

  async close(): Promise<void> {
    this.#tellNotices()
    this.#endStage()
    await Promise.all(this.#lists)
    if (this.#record.start !== undefined) this.#options.terminal.write(`${this.#summary().join('\n')}\n`)
  }

  #startStage({ title, hosts }: EventOf<'stage:started'>): void {
    this.#endStage()
    const { palette, symbols } = this.#options
    const names = hosts.filter((name) => this.#record.host(name).status === undefined)
    this.#stage = new Map(names.map((name) => [name, new HostGate()]))
    const list = new Listr(
      [...this.#stage].map(([name, gate]) => this.#hostTask(name, gate)),
      {
        concurrent: true,
        exitOnError: false,
        // The signals belong to the run: it lets nodes finish their step. listr2 would end the process.
        registerSignalListeners: false,
        renderer: LiveRenderer,
        rendererOptions: { screen: this.#screen, palette, symbols, title, mode: this.#record.start?.mode ?? 'apply' },
      },
    )
    this.#lists.push(list.run())
  }

  #hostTask(name: string, gate: HostGate): LiveListrTask {
    const host = this.#record.host(name)
    return {
      title: name,
      rendererOptions: { host },
      task: async (_context, task) => {
        const ids = await gate.started.promise
        const tasks = ids.flatMap((id) => host.tasks.get(id) ?? []).map((record) => listrTask(record, gate))
        // The last one has no title and is not shown: the host is through when it says so, not when its tasks are.
        return task.newListr([...tasks, { task: () => gate.finished.promise }], {
          concurrent: true,
          exitOnError: false,
        })
      },
    }
  }

  #settle({ host, id }: { readonly host: string; readonly id: string }): void {
    this.#stage.get(host)?.task(id).resolve()
  }

  #endStage(): void {
    for (const gate of this.#stage.values()) gate.finish(true)
    this.#stage = new Map()
  }

  #summary(): string[] {
    const { palette, symbols } = this.#options
    const rule = palette.dim(symbols.rule.repeat(Math.min(60, this.#columns())))
    const recap = [...recapLines(this.#record, palette), ...sumLines(this.#record.end, palette)]
    return [...this.#sections(), rule, ...recap.flatMap((line) => wrapLine(line, this.#columns()))]
  }

  #columns(): number {
    return Math.max(20, (this.#options.terminal.columns || 80) - 1)
  }

  /** What happened, host by host; hosts to which exactly the same happened share a section. */
  #sections(): string[] {
    const groups = new Map<string, string[]>()
    for (const host of this.#record.hosts) {
      const text = hostLines(host, { ...this.#options, columns: this.#columns() - 2 })
        .map((line) => `  ${line}`)
        .join('\n')
      if (text !== '') groups.set(text, [...(groups.get(text) ?? []), sanitizeLine(host.name)])
    }
    return [...groups].flatMap(([text, names]) => [this.#options.palette.bold(names.join(', ')), text, ''])
  }
}

function listrTask(record: TaskRecord, gate: HostGate): LiveListrTask {
  return {
    title: record.title,
    rendererOptions: { task: record },
    task: async (_context, task) => {
      await gate.task(record.id).promise
      if (record.state === 'skipped') task.skip(record.reason ?? '')
      if (record.state === 'failed') throw new Error(record.error?.problems[0]?.message ?? 'failed')
    },
  }
}

/** Holds back the listr2 tasks of one host in one stage until the events let them go. */
class HostGate {
  readonly started = deferred<readonly string[]>()
  readonly finished = deferred<void>()
  readonly #tasks = new Map<string, Deferred<void>>()
  #isFinished = false

  /** The gate of one task. */
  task(id: string): Deferred<void> {
    const known = this.#tasks.get(id)
    if (known !== undefined) return known
    const gate = deferred<void>()
    if (this.#isFinished) gate.resolve()
    this.#tasks.set(id, gate)
    return gate
  }

  /** Lets everything go. */
  finish(well: boolean): void {
    this.#isFinished = true
    this.started.resolve([])
    for (const gate of this.#tasks.values()) gate.resolve()
    if (well) this.finished.resolve()
    else this.finished.reject(new Error('failed'))
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  // A host may fail before listr2 has come to wait for it.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
