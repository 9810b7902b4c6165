/** The step that makes new nodes members of a cluster, one at a time. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import type { Host } from '../inventory/host.ts'
import type { Circumstances } from './circumstances.ts'
import { type JoinRequest, joinCluster } from './join.ts'
import type { Newcomer } from './newcomer.ts'
import type { ClusterWish, OnboardTools, OnboardWishes } from './wishes.ts'

/** Surroundings of the step. */
export interface JoinStep {
  readonly wish: ClusterWish
  /** Member to join by; undefined when the first node founds the cluster. */
  readonly via: Host | undefined
  readonly wishes: OnboardWishes
  readonly around: Circumstances
  readonly tools: OnboardTools
  readonly connector: Connector<Target>
  /** Does the work of one node; undefined when it failed, which has been said by then. */
  readonly attempt: <T>(label: string, work: () => Promise<T>) => Promise<T | undefined>
  /** Called after each join that changed something. */
  readonly onJoined: (host: Host) => Promise<void>
}

/** What came of it. */
export interface JoinStepResult {
  readonly joined: readonly Newcomer[]
  /** Name of the cluster; undefined when nobody got into one. */
  readonly cluster: string | undefined
}

/** Joins nodes one after the other: each join changes the votes that the next one depends on, so a failure ends it. */
export async function joinStep(newcomers: readonly Newcomer[], step: JoinStep): Promise<JoinStepResult> {
  const joined: Newcomer[] = []
  let { via } = step
  let cluster: string | undefined
  for (const newcomer of newcomers) {
    const isFounded = step.around.mode === 'check' && step.via === undefined && joined.length > 0
    const name = await step.attempt(newcomer.label, () =>
      isFounded ? wouldJoin(newcomer, step) : joinOne(newcomer, toOf(step.wish, via), step),
    )
    if (name === undefined) break
    cluster = name
    joined.push(newcomer)
    via ??= newcomer.host
  }
  return { joined, cluster }
}

function toOf(wish: ClusterWish, via: Host | undefined): JoinRequest['to'] {
  if (via !== undefined) return { kind: 'join', via }
  if (wish.kind === 'create') return wish
  throw new RangeError('a join has a member')
}

/** In a dry run the cluster that the first node would found is not there to be looked at. */
async function wouldJoin({ label, host }: Newcomer, { wish, around }: JoinStep): Promise<string> {
  const cluster = wish.kind === 'create' ? wish.name : ''
  around.step(label, 'cluster', 'would change', `${host.name} would have joined ${cluster}, once that is founded`)
  return cluster
}

async function joinOne({ label, host, survey }: Newcomer, to: JoinRequest['to'], step: JoinStep): Promise<string> {
  const { wishes, around, tools, connector } = step
  const say = (text: string) => tools.emit({ event: 'onboard:begin', node: label, step: 'cluster', text })
  say(to.kind === 'create' ? `founding the cluster ${to.name}` : `joining by ${to.via.name}`)
  const result = await joinCluster({
    host,
    connector,
    to,
    inventoryName: around.inventoryName,
    keyLine: await tools.keyLine(host.target),
    links: wishes.links,
    timeoutMs: wishes.joinTimeoutMs,
    ignored: wishes.ignored,
    mode: around.mode,
    onProgress: say,
  })
  const { cluster, details } = result
  // Taken in by an earlier run, but without quorum: that join has come to its end only now.
  const changed = result.changed || (survey.cluster.state === 'member' && !survey.cluster.quorate)
  const applied = around.mode === 'apply'
  const verb = to.kind === 'create' ? 'founded' : 'joined'
  const text = changed
    ? `${host.name} ${applied ? verb : `would have ${verb}`} ${cluster}`
    : `${host.name} is a member of ${cluster} already`
  around.step(label, 'cluster', changed ? (applied ? 'changed' : 'would change') : 'ok', text, details)
  if (changed && applied) await step.onJoined(host)
  return cluster
}
