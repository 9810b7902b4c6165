/** Runs a job: stages in order, batches in order, the hosts of a batch side by side. */
import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import { EXIT, worstExit } from '../errors.ts'
import type { HostStage, Job, Stage } from '../playbook/job.ts'
import type { Mask } from '../secrets/mask.ts'
import { batches } from './batches.ts'
import { Canary } from './canary.ts'
import type { GuardOptions, RunInfo } from './compile.ts'
import type { Emit, HostStatus, Status } from './events.ts'
import { CONFIRM_TIMEOUT_S } from './guard.ts'
import { maskRun } from './masking.ts'
import { Peers } from './peers.ts'
import { type Prove, proveHost } from './prove.ts'
import type { RiskyStep } from './risky-step.ts'
import { type HostResult, runHost } from './run-host.ts'
import { Session } from './session.ts'

/** What to run and how. */
export interface RunOptions {
  readonly job: Job
  readonly connector: Connector<Target>
  readonly mode: 'apply' | 'check'
  /** Hosts worked on at the same time; default 32. */
  readonly forks?: number
  readonly emit: Emit
  /** Guard round risky steps; default 90 s, `off` for those who sit at the console. */
  readonly guard?: GuardOptions | 'off'
  /** Milliseconds to wait for another run to leave a node; default 0. */
  readonly lockTimeoutMs?: number
  /** Asked once, before the first risky step of a run; default: yes. */
  readonly approve?: Approve
  /** Makes the checks of a host that has converged; a failed one makes it a failed host. Default: none. */
  readonly prove?: Prove
  /** Aborting it stops each host after its current step. */
  readonly signal?: AbortSignal
  /** Hides secrets in all events and in what nodes keep of the run; default: there are none. */
  readonly mask?: Mask
}

/** Decides whether a run may make risky changes; `steps` are those of the first host that has any. */
export type Approve = (host: string, steps: readonly RiskyStep[]) => Promise<boolean>

/** A run's outcome. */
export interface RunReport {
  readonly exitCode: number
  /** Final status of each host. */
  readonly hosts: ReadonlyMap<string, HostStatus>
}

/** Runs a job to its end. Hosts that fail take no part in later stages; their errors are in the events. */
export async function run(options: RunOptions): Promise<RunReport> {
  return new JobRun(options.mask === undefined ? options : maskRun(options, options.mask)).run()
}

class JobRun {
  readonly #options: RunOptions
  readonly #run: RunInfo
  readonly #sessions = new Map<string, Session>()
  readonly #results = new Map<string, HostResult>()
  readonly #seconds = new Map<string, number>()
  #approval: Promise<boolean> | undefined
  #givenUp = false

  constructor(options: RunOptions) {
    this.#options = options
    this.#run = runInfo(options.job)
  }

  async run(): Promise<RunReport> {
    const { job, mode, emit } = this.#options
    const started = performance.now()
    emit({
      event: 'run:started',
      id: this.#run.id,
      owner: this.#run.owner,
      mode,
      playbook: job.playbook,
      inventory: job.inventory,
      hosts: job.hosts.map((h) => h.name),
    })
    try {
      for (const [index, stage] of job.stages.entries()) if (!this.#givenUp) await this.#runStage(stage, index)
    } finally {
      await Promise.all([...this.#sessions.values()].map((session) => session.close().catch(() => undefined)))
    }
    for (const { name } of job.hosts) this.#finish(name)
    const hosts = new Map([...this.#results].map(([name, { status }]) => [name, status]))
    const exitCode = this.#exitCode()
    emit({ event: 'run:finished', hosts: tally([...hosts.values()]), seconds: since(started), exitCode })
    return { exitCode, hosts }
  }

  async #runStage(stage: Stage, index: number): Promise<void> {
    const { emit, signal } = this.#options
    const names = stage.hosts.map(({ host }) => host.name)
    emit({ event: 'stage:started', stage: index, title: stage.title, hosts: names })
    for (const batch of batches(stage.hosts, stage.serial)) {
      if (signal?.aborted) return
      const { default: pLimit } = await import('p-limit')
      const limit = pLimit(this.#options.forks ?? 32)
      // Who sets batches has decided how many go at a time; but a file of the whole cluster is changed by one of them.
      const canary = batch.length > 1 ? new Canary(stage.serial.length === 0 ? 'risk' : 'shared files') : undefined
      await Promise.all(batch.map((hostStage) => limit(() => this.#runHost(hostStage, index, canary))))
      if (this.#tooManyFailed(stage)) {
        this.#givenUp = true
        return
      }
    }
  }

  async #runHost(stage: HostStage, index: number, canary: Canary | undefined): Promise<void> {
    const { name, target } = stage.host
    const before = this.#results.get(name)
    if ((before?.exitCode ?? 0) !== 0 || this.#options.signal?.aborted) return
    const { connector, mode, emit, signal } = this.#options
    const tasks = stage.tasks.map(({ id, title, skipped }) => ({
      id,
      title,
      ...(skipped === undefined ? {} : { skipped }),
    }))
    emit({ event: 'host:started', host: name, stage: index, tasks })
    const started = performance.now()
    const session = this.#sessions.get(name) ?? new Session(connector, target, signal)
    this.#sessions.set(name, session)
    const run = { ...this.#run, id: `${this.#run.id}-${index}` }
    const guard = this.#options.guard ?? { timeoutSeconds: CONFIRM_TIMEOUT_S }
    const converged = await runHost(stage, session, {
      mode,
      run,
      emit,
      ...(guard === 'off' ? {} : { guard }),
      approve: (steps) => this.#approve(name, steps),
      lockTimeoutMs: this.#options.lockTimeoutMs ?? 0,
      ...(canary === undefined ? {} : { canary }),
      peers: (own) => this.#peers(name, own),
      ...(signal === undefined ? {} : { signal }),
    })
    const result = await this.#prove(converged, stage, session)
    canary?.ended(name, result.exitCode === 0)
    this.#results.set(name, before === undefined ? result : merge(before, result))
    this.#seconds.set(name, (this.#seconds.get(name) ?? 0) + since(started))
    const isLast = !this.#options.job.stages
      .slice(index + 1)
      .some(({ hosts }) => hosts.some(({ host }) => host.name === name))
    if (isLast || result.exitCode !== 0) this.#finish(name)
  }

  #peers(name: string, session: Session): Promise<Peers> {
    const { connector, job } = this.#options
    const others = job.hosts.filter((host) => host.name !== name).map(({ target }) => target)
    return Peers.of(session, connector, others)
  }

  async #prove(result: HostResult, stage: HostStage, session: Session): Promise<HostResult> {
    const { prove, mode, emit, signal } = this.#options
    if (prove === undefined || mode !== 'apply' || result.exitCode !== 0 || signal?.aborted) return result
    return proveHost(result, stage, session, { prove, emit })
  }

  /** One question a run: the first host's answer is that of all. */
  #approve(host: string, steps: readonly RiskyStep[]): Promise<boolean> {
    this.#approval ??= this.#options.approve?.(host, steps) ?? Promise.resolve(true)
    return this.#approval
  }

  #tooManyFailed({ hosts, serial, maxFailShare = serial.length > 0 ? 0 : 1 }: Stage): boolean {
    const failed = hosts.filter(({ host }) => (this.#results.get(host.name)?.exitCode ?? 0) !== 0)
    return failed.length / hosts.length > maxFailShare
  }

  readonly #finished = new Set<string>()

  #finish(name: string): void {
    if (this.#finished.has(name)) return
    this.#finished.add(name)
    const result = this.#results.get(name) ?? { status: 'skipped', tasks: {}, exitCode: 0 }
    this.#results.set(name, result)
    this.#options.emit({
      event: 'host:finished',
      host: name,
      status: result.status,
      tasks: result.tasks,
      seconds: this.#seconds.get(name) ?? 0,
      exchanges: this.#sessions.get(name)?.exchanges ?? 0,
      ...(result.error === undefined ? {} : { error: result.error }),
    })
  }

  #exitCode(): number {
    if (this.#options.signal?.aborted) return EXIT.interrupted
    return worstExit([...this.#results.values()].map(({ exitCode }) => exitCode))
  }
}

const GRAVITY: readonly HostStatus[] = [
  'skipped',
  'ok',
  'would change',
  'changed',
  'unknown',
  'unreachable',
  'failed',
  'rolled back',
]

function merge(a: HostResult, b: HostResult): HostResult {
  const tasks: Partial<Record<Status, number>> = { ...a.tasks }
  for (const [status, count] of Object.entries(b.tasks) as [Status, number][])
    tasks[status] = (tasks[status] ?? 0) + count
  const status = GRAVITY.indexOf(b.status) > GRAVITY.indexOf(a.status) ? b.status : a.status
  return { status, tasks, exitCode: b.exitCode, ...(b.error === undefined ? {} : { error: b.error }) }
}

function tally(statuses: readonly HostStatus[]): Partial<Record<HostStatus, number>> {
  const counts: Partial<Record<HostStatus, number>> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function runInfo({ playbook, digest, undoes }: Job): RunInfo {
  const now = new Date()
  const stamp = now.toISOString().replace(/[-:]/g, '').replace(/\..*/, '')
  // Milliseconds, then chance: runs that follow each other quickly sort by time too.
  const id = `${stamp}-${now.getMilliseconds().toString(16).padStart(3, '0')}${randomBytes(2).toString('hex').slice(1)}`
  return {
    id,
    owner: `${userInfo().username}@${hostname()}`,
    playbook,
    ...(digest === undefined ? {} : { digest }),
    ...(undoes === undefined ? {} : { undoes }),
  }
}

function since(start: number): number {
  return Math.round(performance.now() - start) / 1000
}
