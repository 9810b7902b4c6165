/**
 * The renderer that listr2 drives. Its own default one formats every line again at every event, which at a hundred
 * tasks takes seconds of CPU and holds up SSH; this one paints ten times a second, however many events there are.
 */
import type { ListrRenderer, ListrTaskObject } from 'listr2'
import { type Frame, frameLines, type HostRow } from './live-frame.ts'
import type { LiveScreen, Painter } from './live-screen.ts'
import type { HostRecord, TaskRecord } from './run-record.ts'

/** What the whole list shares. */
export interface LiveOptions extends Pick<Frame, 'mode' | 'palette' | 'symbols' | 'title'> {
  readonly screen: LiveScreen
  /** Milliseconds, for the clocks; default `performance.now`. */
  readonly now?: () => number
}

/** What a listr2 task carries for this renderer: the record of a host, or of a task beneath it. */
export interface LiveTaskOptions {
  readonly host?: HostRecord
  readonly task?: TaskRecord
}

type LiveTask = ListrTaskObject<unknown, typeof LiveRenderer, typeof LiveRenderer>

/** Shows a two-level listr2 tree, hosts with their tasks beneath, on a {@link LiveScreen}. */
export class LiveRenderer implements ListrRenderer {
  /** The reporter has seen to it that there is a terminal. */
  static nonTTY = true
  static rendererOptions: LiveOptions
  static rendererTaskOptions: LiveTaskOptions
  readonly #tasks: readonly LiveTask[]
  readonly #options: LiveOptions
  readonly #started = new Map<string, number>()
  readonly #painter: Painter = (size) => frameLines(this.#frame(), size)
  #tick = 0

  constructor(tasks: LiveTask[], options: LiveOptions) {
    this.#tasks = tasks
    this.#options = options
  }

  /** Called by listr2 when the list starts. */
  render(): void {
    this.#options.screen.attach(this.#painter)
  }

  /** Called by listr2 when the list is through. */
  end(): void {
    this.#options.screen.detach(this.#painter)
  }

  #frame(): Frame {
    this.#tick += 1
    const { mode, palette, symbols, title } = this.#options
    return { mode, palette, symbols, title, tick: this.#tick, hosts: this.#tasks.flatMap((task) => this.#row(task)) }
  }

  #row(task: LiveTask): HostRow[] {
    const { host } = (task.rendererTaskOptions ?? {}) as LiveTaskOptions
    if (host === undefined) return []
    const tasks = (task.subtasks ?? []).flatMap(({ rendererTaskOptions }) => {
      const { task: record } = (rendererTaskOptions ?? {}) as LiveTaskOptions
      return record === undefined ? [] : [record]
    })
    return [{ record: host, elapsed: this.#elapsed(host), tasks }]
  }

  #elapsed(host: HostRecord): number | undefined {
    if (host.status !== undefined) return host.seconds
    if (host.phase === 'pending') return undefined
    const now = (this.#options.now ?? performance.now.bind(performance))()
    const started = this.#started.get(host.name) ?? now
    this.#started.set(host.name, started)
    return (now - started) / 1000
  }
}
