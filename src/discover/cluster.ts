/** A cluster as its API describes it. */
import { PvectlError } from '../errors.ts'
import { isMapping } from '../yaml/words.ts'
import { type GuestNic, guestNics } from './guest-nics.ts'
import { type Answers, answerData } from './survey.ts'

/** A node of the cluster; the only one when there is no cluster. */
export interface Member {
  readonly name: string
  /** Address that the name of the node resolves to in the cluster. */
  readonly ip?: string
  readonly online: boolean
  /** The node that was asked. */
  readonly local: boolean
  /** Empty for members that are offline. */
  readonly networks: readonly MemberNetwork[]
}

/** An interface as /etc/network/interfaces of a member has it, live ones without a stanza included. */
export interface MemberNetwork {
  readonly name: string
  /** `bridge`, `bond`, `eth`, `vlan`, `OVSBridge`, … */
  readonly type: string
  readonly active: boolean
  /** Addresses with prefix, IPv4 first. */
  readonly addresses: readonly string[]
  readonly gateway?: string
  readonly ports: readonly string[]
  readonly vlanAware: boolean
  readonly comment?: string
}

/** A virtual machine or container. */
export interface Guest {
  readonly id: number
  readonly kind: 'qemu' | 'lxc'
  readonly name?: string
  readonly node: string
  /** `running`, `stopped`, `unknown`. */
  readonly status: string
  readonly template: boolean
  /** Empty when its configuration was not read. */
  readonly nics: readonly GuestNic[]
}

/** What a survey comes to. */
export interface Cluster {
  /** Undefined for a node that is in no cluster. */
  readonly name?: string
  /** False: the node is cut off from the majority, so what it knows of others may be old. */
  readonly quorate: boolean
  /** In the order of their ids. */
  readonly members: readonly Member[]
  readonly guests: readonly Guest[]
  /** What could not be read, in words. */
  readonly gaps: readonly string[]
}

/** Reads the answers of a survey. Throws OBSERVE_FAILED when there is no telling who the members are. */
export function readCluster(answers: Answers): Cluster {
  const gaps: string[] = []
  const status = rows(answerData(answers, '/cluster/status'))
  const cluster = status.find(({ type }) => type === 'cluster')
  const nodes = status.filter(({ type }) => type === 'node')
  if (nodes.length === 0) throw new PvectlError('OBSERVE_FAILED', '/cluster/status names no nodes')
  const members = nodes
    .sort((a, b) => Number(a.nodeid ?? 0) - Number(b.nodeid ?? 0))
    .map((node) => readMember(node, answers, gaps))
  const guests = tryRead(answers, '/cluster/resources', gaps)
    .filter(({ type }) => type === 'qemu' || type === 'lxc')
    .map((guest) => readGuest(guest, answers, gaps))
  return {
    ...(typeof cluster?.name === 'string' ? { name: cluster.name } : {}),
    quorate: cluster === undefined || isTrue(cluster.quorate),
    members,
    guests: guests.sort((a, b) => a.id - b.id),
    gaps,
  }
}

type Row = Readonly<Record<string, unknown>>

function readMember(node: Row, answers: Answers, gaps: string[]): Member {
  const name = String(node.name)
  const online = isTrue(node.online)
  if (!online) gaps.push(`${name} is offline: its networks and guests were not looked at`)
  const networks = online ? tryRead(answers, `/nodes/${name}/network`, gaps) : []
  return {
    name,
    ...(typeof node.ip === 'string' ? { ip: node.ip } : {}),
    online,
    local: isTrue(node.local),
    networks: networks.map(readNetwork).sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
  }
}

function readNetwork(row: Row): MemberNetwork {
  const text = (key: string) => (typeof row[key] === 'string' && row[key] !== '' ? row[key] : undefined)
  const ports = text('bridge_ports') ?? text('ovs_ports') ?? text('slaves') ?? ''
  const comment = text('comments')?.trim()
  const gateway = text('gateway') ?? text('gateway6')
  return {
    name: String(row.iface),
    type: text('type') ?? 'unknown',
    active: isTrue(row.active),
    addresses: [text('cidr') ?? text('address'), text('cidr6') ?? text('address6')].flatMap((each) => each ?? []),
    ...(gateway === undefined ? {} : { gateway }),
    ports: ports.split(/\s+/).filter((port) => port !== ''),
    vlanAware: isTrue(row.bridge_vlan_aware),
    ...(comment === undefined ? {} : { comment }),
  }
}

function readGuest(row: Row, answers: Answers, gaps: string[]): Guest {
  const kind = row.type === 'lxc' ? 'lxc' : 'qemu'
  const id = Number(row.vmid)
  const path = `/nodes/${String(row.node)}/${kind}/${id}/config`
  const config = answers.has(path) ? tryMapping(answers, path, gaps) : {}
  const configured = kind === 'lxc' ? config.hostname : config.name
  const name = row.name ?? configured
  return {
    id,
    kind,
    ...(typeof name === 'string' ? { name } : {}),
    node: String(row.node),
    status: typeof row.status === 'string' ? row.status : 'unknown',
    template: isTrue(row.template) || isTrue(config.template),
    nics: guestNics(config),
  }
}

function tryRead(answers: Answers, path: string, gaps: string[]): readonly Row[] {
  return attempt(() => rows(answerData(answers, path)), gaps) ?? []
}

function tryMapping(answers: Answers, path: string, gaps: string[]): Row {
  const data = attempt(() => answerData(answers, path), gaps)
  return isMapping(data) ? data : {}
}

/** Members and guests come and go while they are asked about: what is missing is named, and the rest goes on. */
function attempt<T>(read: () => T, gaps: string[]): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    const [{ message, hint } = { message: error.message, hint: undefined }] = error.problems
    gaps.push(hint === undefined ? message : `${message} (${hint})`)
    return undefined
  }
}

function rows(data: unknown): Row[] {
  return Array.isArray(data) ? data.filter(isMapping) : []
}

/** The API has booleans as 1 and 0, some of them as text. */
function isTrue(value: unknown): boolean {
  return value === 1 || value === '1' || value === true
}
