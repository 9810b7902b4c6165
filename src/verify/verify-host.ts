/** Verifies one host: one exchange with the node, and beside it what is asked from this machine. */
import { setMaxListeners } from 'node:events'
import { performance } from 'node:perf_hooks'
import type { Connection } from '../connection/connection.ts'
import { EXIT, PvectlError } from '../errors.ts'
import type { Check } from './check.ts'
import { planExchange } from './collect.ts'
import { proverOf } from './kinds/index.ts'
import { NodeView } from './node.ts'
import type { Seen } from './probe/plan.ts'
import { parseReport, probeMark, probeScript } from './probe/script.ts'
import type { HostView, Outside } from './prover.ts'
import type { CheckReport, HostReport } from './report.ts'

/** Milliseconds for the exchange; the probes end by themselves before. */
const EXCHANGE_MS = 90_000

/** How to reach a host, and where to say what is under way. */
export interface VerifyOptions {
  /** Opens or gives the connection to the node; called once. */
  readonly connect: () => Promise<Connection>
  readonly ask: Outside
  /** What the host is busy with, for people who wait. */
  readonly onPhase?: (phase: string) => void
}

/** Makes all checks of a host. Rejects with what keeps all of them from being made. */
export async function verifyHost(host: HostView, options: VerifyOptions): Promise<readonly CheckReport[]> {
  const { connect, ask, onPhase = () => undefined } = options
  if (host.checks.length === 0) return []
  onPhase('connecting')
  const connection = await connect()
  onPhase('probing')
  const over = new AbortController()
  setMaxListeners(0, over.signal)
  const [node, outside] = await Promise.all([
    probeNode(host, connection, ask.signal).finally(() => over.abort()),
    Promise.all(host.checks.map((check) => askOutside(check, host, { ...ask, over: over.signal }))),
  ])
  const view = new NodeView(node)
  return host.checks.map((check, index) => {
    const seen = node.probes.get(String(index)) ?? {}
    return judge(check, { seen, outside: outside[index] ?? {}, node: view, host })
  })
}

async function probeNode(host: HostView, connection: Connection, signal: AbortSignal | undefined) {
  const mark = probeMark()
  const { stdout, stderr } = await connection.run(probeScript(planExchange(host), mark), {
    timeoutMs: EXCHANGE_MS,
    ...(signal === undefined ? {} : { signal }),
  })
  return parseReport(stdout, stderr, mark)
}

async function askOutside(check: Check, host: HostView, ask: Outside): Promise<Seen> {
  return (await proverOf(check).outside?.(check, host, ask)) ?? {}
}

function judge(check: Check, evidence: Parameters<ReturnType<typeof proverOf>['judge']>[1]): CheckReport {
  const prover = proverOf(check)
  const verdict = prover.judge(check, evidence)
  return { kind: check.kind, title: prover.title(check, evidence.host), proves: prover.proves, ...verdict }
}

/** The report of a host out of its checks, or of what kept them from being made. */
export async function hostReport(host: string, work: () => Promise<readonly CheckReport[]>): Promise<HostReport> {
  const started = performance.now()
  const seconds = () => Math.round(performance.now() - started) / 1000
  try {
    const checks = await work()
    const statuses = new Set(checks.map(({ status }) => status))
    const status = statuses.has('failed') ? 'failed' : statuses.has('passed') ? 'passed' : 'skipped'
    return { host, status, checks, seconds: seconds() }
  } catch (error) {
    if (!(error instanceof PvectlError) || error.code === 'INTERRUPTED') throw error
    const status = error.exitCode === EXIT.unreachable ? 'unreachable' : 'failed'
    return { host, status, checks: [], seconds: seconds(), error: { code: error.code, problems: error.problems } }
  }
}
