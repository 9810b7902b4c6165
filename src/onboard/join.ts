/** Joins a node to a cluster, or founds one: checked before, watched meanwhile, and proven by membership and quorum. */
import type { Connection, Connector } from '../connection/connection.ts'
import { sh } from '../connection/script.ts'
import type { Target } from '../connection/target.ts'
import { type Problem, PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { clusterAddress, type Member } from './cluster.ts'
import { prepareJoin } from './join-prepare.ts'
import { STOP, sshProbe, startCreate, startJoin, UNIT } from './join-script.ts'
import { isMemberAlready, type JoinView, joinRows } from './judge-join.ts'
import { clockRow, hostnameRow } from './judge-system.ts'
import { type Links, linksToCreate, linksToJoin } from './links.ts'
import { type MembershipOutcome, waitForMembership } from './membership.ts'
import type { Row } from './row.ts'
import { type NodeSurvey, survey } from './survey.ts'

/** One node to be joined. */
export interface JoinRequest {
  readonly host: Host
  /** Opens connections to all nodes, by the keys that hold from now on. */
  readonly connector: Connector<Target>
  readonly inventoryName: string
  /** Line for authorized_keys of the admin's key, which must be in the cluster's file before it replaces the node's. */
  readonly keyLine: string
  readonly to: { readonly kind: 'create'; readonly name: string } | { readonly kind: 'join'; readonly via: Host }
  readonly links: Links
  readonly timeoutMs: number
  /** Ids of rows whose failure does not matter. */
  readonly ignored: readonly string[]
  readonly mode: 'apply' | 'check'
  readonly onProgress: (text: string) => void
}

/** What came of it. */
export interface JoinResult {
  readonly changed: boolean
  /** Name of the cluster. */
  readonly cluster: string
  /** What was done, or would be, a line each. */
  readonly details: readonly string[]
}

/** Joins. Rejects with BLOCKED before anything is touched, with NOT_CONVERGED or TIMEOUT when it did not become a member. */
export async function joinCluster(request: JoinRequest): Promise<JoinResult> {
  const { connector, host, to } = request
  const connection = await connector.connect(host.target)
  const memberConnection = to.kind === 'join' ? await connector.connect(to.via.target) : undefined
  try {
    const node = await survey(connection)
    const member =
      to.kind === 'join' && memberConnection !== undefined
        ? { host: to.via, survey: await survey(memberConnection) }
        : undefined
    return await joinSurveyed(request, { node, connection, member, memberConnection })
  } finally {
    await connection.close()
    await memberConnection?.close()
  }
}

interface Scene {
  readonly node: NodeSurvey
  readonly connection: Connection
  readonly member: Member | undefined
  readonly memberConnection: Connection | undefined
}

async function joinSurveyed(request: JoinRequest, scene: Scene): Promise<JoinResult> {
  const { node, member } = scene
  const view = viewOf(request, scene)
  const cluster = view.kind === 'create' ? view.name : (view.member.cluster.cluster ?? '')
  const wanted = { node: node.cluster.nodeName ?? node.basics.hostname, cluster }
  if (isMemberAlready(node, view)) {
    if (request.mode === 'apply') await proveMembership(request, wanted, node)
    return { changed: false, cluster, details: [] }
  }
  assertReady(request, [...ownRows(request, scene), ...joinRows(node, view)])
  const links =
    member === undefined
      ? linksToCreate(node, request.host.target.address, request.links)
      : linksToJoin(node, request.host.target.address, request.links, member.survey)
  const shown = [...links].map(([link, address]) => `link${link} ${address}`)
  if (request.mode === 'check') return { changed: true, cluster, details: shown }
  const prepared = member === undefined ? [] : await prepare(request, scene, member)
  await start(request, scene, links)
  await proveMembership(request, wanted, node)
  return { changed: true, cluster, details: [...prepared, ...shown, ...(await afterwards(request, node))] }
}

function viewOf({ to }: JoinRequest, { member }: Scene): JoinView {
  if (to.kind === 'create') return to
  if (member === undefined) throw new RangeError('a join has a member')
  return { kind: 'join', via: to.via.name, member: member.survey, ports: undefined }
}

/** Milliseconds by which clocks of members may differ; tickets and logs of the cluster go by them. */
const SKEW_MS = 10_000

/** What was only worth a warning before is what a cluster breaks on. */
function ownRows({ host, mode }: JoinRequest, { node, member }: Scene): readonly Row[] {
  const skewMs = node.skewMs - (member?.survey.skewMs ?? 0)
  const clock = clockRow({ ...node, skewMs }, new Map())
  const strict = (row: Row): Row => (row.verdict === 'warn' && mode === 'apply' ? { ...row, verdict: 'fail' } : row)
  return [strict(hostnameRow(node, host.target.address)), Math.abs(skewMs) > SKEW_MS ? strict(clock) : clock]
}

function assertReady({ host, ignored }: JoinRequest, rows: readonly Row[]): void {
  const problems = rows
    .filter(({ verdict, id }) => verdict === 'fail' && !ignored.includes(id))
    .map(({ title, saw, remedy }): Problem => {
      return {
        message: `${host.name} cannot join: ${title}: ${saw}`,
        ...(remedy === undefined ? {} : { hint: remedy }),
      }
    })
  if (problems.length > 0) throw PvectlError.of('BLOCKED', problems)
}

async function prepare(request: JoinRequest, scene: Scene, member: Member): Promise<readonly string[]> {
  const changes = await prepareJoin(request, scene.connection, member)
  const address = clusterAddress(member)
  const said = (await scene.connection.run(sshProbe(address), { timeoutMs: 60_000 })).stdout.toString('utf8')
  const [verdict = '', ...rest] = said.trim().split('\n')
  if (verdict === 'ok') return changes
  const { name } = member.host
  const text = rest.join(' ').trim()
  const message =
    verdict === 'noise'
      ? `root's shell on ${name} prints ${JSON.stringify(text.slice(0, 40))} into commands over SSH`
      : `${request.host.name} cannot log in to ${name} (${address}) as root: ${text}`
  const hint =
    verdict === 'noise'
      ? `pvecm would break on it half-way; first line of /root/.bashrc on ${name}: [ -n "$PS1" ] || return`
      : `pvecm needs it: on ${name}, sshd must allow root by key (PermitRootLogin) from ${request.host.name}, on port 22`
  throw new PvectlError('BLOCKED', message, { hint, host: request.host.name })
}

async function start(request: JoinRequest, { connection, member }: Scene, links: Links): Promise<void> {
  const { to, host, onProgress } = request
  const script =
    to.kind === 'create' || member === undefined
      ? startCreate(nameOf(to), links)
      : startJoin(clusterAddress(member), links)
  const { stdout, stderr } = await connection.run(script, { timeoutMs: 60_000 })
  const said = stdout.toString('utf8')
  if (/^running$/m.test(said)) return onProgress('pvecm runs already, from an earlier attempt')
  if (/^started$/m.test(said)) return
  throw new PvectlError(
    'STEP_FAILED',
    `pvecm could not be started: ${stderr.toString('utf8').trim().split('\n').at(-1) ?? ''}`,
    {
      host: host.name,
    },
  )
}

function nameOf(to: JoinRequest['to']): string {
  return to.kind === 'create' ? to.name : ''
}

async function proveMembership(
  request: JoinRequest,
  wanted: { readonly node: string; readonly cluster: string },
  node: NodeSurvey,
): Promise<void> {
  const { connector, host, to, timeoutMs, onProgress } = request
  const outcome = await waitForMembership({
    ...wanted,
    connectNode: () => connector.connect(host.target),
    connectMember: to.kind === 'create' ? undefined : () => connector.connect(to.via.target),
    timeoutMs,
    onProgress,
  })
  if (outcome.kind === 'member') return
  throw outcome.kind === 'ended' ? notMember(request, outcome) : await tooLate(request, outcome, node)
}

function notMember({ host }: JoinRequest, { progress }: Extract<MembershipOutcome, { kind: 'ended' }>): PvectlError {
  const status =
    progress.exitStatus === 0 ? ', though it says that all went well' : ` with status ${progress.exitStatus ?? '?'}`
  return new PvectlError('NOT_CONVERGED', `${host.name}: pvecm has ended${status}, and the node is no member`, {
    hint: ['what it printed last:', ...progress.log.slice(-6)].join('\n'),
    host: host.name,
  })
}

/** Before the cluster took the node in, nothing is lost by ending pvecm; afterwards it must be let go on. */
async function tooLate(
  { host, connector, timeoutMs }: JoinRequest,
  { progress, seenByMember }: Extract<MembershipOutcome, { kind: 'timeout' }>,
  node: NodeSurvey,
): Promise<PvectlError> {
  const seconds = Math.round(timeoutMs / 1000)
  const log = progress === undefined ? [] : ['what pvecm printed last:', ...progress.log.slice(-6)]
  if (progress?.hasConf === true) {
    const hint = [
      'corosync does not reach the other members: are udp ports 5405-5412 open both ways, and is the link address right?',
      `pvecm waits on (systemctl status ${UNIT}); once that is mended, run the same command again and it is taken up here`,
      ...log,
    ]
    const message = `${host.name}: the cluster took the node in, but it got no quorum within ${seconds} s`
    return new PvectlError('TIMEOUT', seenByMember === false ? `${message}, or a member does not see it` : message, {
      hint: hint.join('\n'),
      host: host.name,
    })
  }
  const stopped = await stop(connector, host)
  const state = stopped ? 'it was ended; the node is as it was' : `see there: systemctl status ${UNIT}`
  return new PvectlError('TIMEOUT', `${host.name}: pvecm did not get the node into the cluster within ${seconds} s`, {
    hint: [`${state}, ${node.cluster.state === 'alone' ? 'outside the cluster' : 'look at pvecm status'}`, ...log].join(
      '\n',
    ),
    host: host.name,
  })
}

async function stop(connector: Connector<Target>, host: Host): Promise<boolean> {
  try {
    const connection = await connector.connect(host.target)
    await connection.run(STOP, { timeoutMs: 30_000 })
    await connection.close()
    return true
  } catch {
    // The node does not answer; the error says where to look.
    return false
  }
}

/** What the join changed besides membership, as far as it concerns the admin. */
async function afterwards({ connector, host }: JoinRequest, before: NodeSurvey): Promise<readonly string[]> {
  const connection = await connector.connect(host.target)
  try {
    const { basics } = await survey(connection)
    const { stdout } = await connection.run(sh`sshd -T 2>/dev/null | grep -i '^permitrootlogin'`)
    const moved =
      basics.authorizedKeys === before.basics.authorizedKeys ? [] : [`root's keys are in ${basics.authorizedKeys} now`]
    const rootLogin = stdout.toString('utf8').trim().split(' ')[1]
    return [...moved, ...(rootLogin === 'yes' ? ['PermitRootLogin is yes, as pvecm sets it'] : [])]
  } finally {
    await connection.close()
  }
}
