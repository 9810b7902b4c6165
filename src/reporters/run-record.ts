/** Folds the events of a run into what is known of each host and task, for all reporters. */
import type { HostStatus, RunEvent, ShownError, ShownResource, Status } from '../engine/events.ts'

/**
 * Where a task stands. `would change` and `unknown` are final in check mode, and before their turn in apply mode;
 * `applied` has run but was not yet looked at again.
 */
export type TaskState = 'pending' | 'running' | 'applied' | Status

/** Where a host stands before its final status. */
export type HostPhase = 'pending' | Extract<RunEvent, { event: 'host:phase' }>['phase']

/** What is known of one task on one host. */
export interface TaskRecord {
  readonly id: string
  readonly title: string
  readonly state: TaskState
  readonly resources: readonly ShownResource[]
  /** Why it was skipped or has no verdict. */
  readonly reason?: string
  readonly error?: ShownError
  /** Last line that it printed. */
  readonly output?: string
}

/** What is known of one host. */
export interface HostRecord {
  readonly name: string
  readonly phase: HostPhase
  /** Undefined until the host is through. */
  readonly status?: HostStatus
  readonly tasks: ReadonlyMap<string, TaskRecord>
  /** Number of tasks by status, once the host is through. */
  readonly counts: Readonly<Partial<Record<Status, number>>>
  /** The task at work. */
  readonly current?: TaskRecord
  readonly seconds: number
  readonly exchanges: number
  readonly error?: ShownError
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type MutableHost = Mutable<Omit<HostRecord, 'tasks'>> & { readonly tasks: Map<string, Mutable<TaskRecord>> }
type EventOf<Name extends RunEvent['event']> = Extract<RunEvent, { event: Name }>

/** Everything a run has said so far. */
export class RunRecord {
  readonly #hosts = new Map<string, MutableHost>()
  /** Tasks with a verdict. */
  readonly #finished = new WeakSet<TaskRecord>()
  #start: EventOf<'run:started'> | undefined
  #end: EventOf<'run:finished'> | undefined

  /** Undefined before the run started. */
  get start(): EventOf<'run:started'> | undefined {
    return this.#start
  }

  /** Undefined while the run goes on, and for ever when it broke off. */
  get end(): EventOf<'run:finished'> | undefined {
    return this.#end
  }

  /** Hosts in inventory order. */
  get hosts(): readonly HostRecord[] {
    return [...this.#hosts.values()]
  }

  /** The record of a host, made on first mention. */
  host(name: string): HostRecord {
    return this.#host(name)
  }

  /** Takes in one event. */
  add(event: RunEvent): void {
    switch (event.event) {
      case 'run:started':
        this.#start = event
        for (const name of event.hosts) this.#host(name)
        break
      case 'host:started':
        this.#startHost(event)
        break
      case 'host:phase':
        this.#enterPhase(event)
        break
      case 'task:planned':
        Object.assign(this.#task(event), { state: event.status, resources: event.resources })
        break
      case 'task:started':
        this.#startTask(event)
        break
      case 'task:output':
        this.#task({ ...event, title: event.id }).output = event.line
        break
      case 'task:finished':
        this.#finishTask(event)
        break
      case 'host:finished':
        this.#finishHost(event)
        break
      case 'run:finished':
        this.#end = event
        break
      case 'stage:started':
        for (const name of event.hosts) this.#host(name).phase = 'pending'
        break
      case 'host:notice':
      case 'host:proven':
        break
    }
  }

  #host(name: string): MutableHost {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    const host: MutableHost = { name, phase: 'pending', tasks: new Map(), counts: {}, seconds: 0, exchanges: 0 }
    this.#hosts.set(name, host)
    return host
  }

  #task({ host, id, title }: { host: string; id: string; title: string }): Mutable<TaskRecord> {
    const { tasks } = this.#host(host)
    const known = tasks.get(id)
    if (known !== undefined) return known
    const task: Mutable<TaskRecord> = { id, title, state: 'pending', resources: [] }
    tasks.set(id, task)
    return task
  }

  #startHost(event: EventOf<'host:started'>): void {
    for (const { id, title, skipped } of event.tasks) {
      const task = this.#task({ host: event.host, id, title })
      if (skipped !== undefined) Object.assign(task, { state: 'skipped', reason: skipped })
    }
  }

  #enterPhase({ host: name, phase }: EventOf<'host:phase'>): void {
    const host = this.#host(name)
    host.phase = phase
    if (phase === 'applying') return
    leave(host)
    delete host.current
  }

  #startTask(event: EventOf<'task:started'>): void {
    const host = this.#host(event.host)
    leave(host)
    const task = this.#task(event)
    task.state = 'running'
    host.current = task
  }

  #finishTask(event: EventOf<'task:finished'>): void {
    const task = this.#task(event)
    task.state = event.status
    this.#finished.add(task)
    if (event.resources.length > 0 || event.status === 'ok') task.resources = event.resources
    if (event.error !== undefined) task.error = event.error
  }

  #finishHost(event: EventOf<'host:finished'>): void {
    const host = this.#host(event.host)
    leave(host)
    delete host.current
    const { status, tasks: counts, seconds, exchanges, error } = event
    Object.assign(host, { status, counts, seconds, exchanges, ...(error === undefined ? {} : { error }) })
    for (const task of host.tasks.values()) this.#settle(task)
  }

  /** Names what is left of a task when its host is through and no verdict came. */
  #settle(task: Mutable<TaskRecord>): void {
    const planned = this.#start?.mode === 'apply' && (task.state === 'would change' || task.state === 'unknown')
    if (this.#finished.has(task)) return
    if (task.state === 'applied')
      Object.assign(task, { state: 'unknown', reason: 'ran, but its result was not verified' })
    else if (task.state === 'pending' || planned) Object.assign(task, { state: 'skipped', reason: 'not reached' })
  }
}

/** The task at work has run when the next one starts. */
function leave({ current }: MutableHost): void {
  if (current?.state === 'running') (current as Mutable<TaskRecord>).state = 'applied'
}
