/** `pvectl lab status`: what the nodes of a lab are doing. */
import { checkRoot } from './host-check.ts'
import { type NodeKind, nodeKind } from './kinds.ts'
import { labNames } from './names.ts'
import { answers, isRunning } from './node.ts'
import { uptimeOf } from './processes.ts'
import { type LabKind, type LabNode, type LabState, requireState } from './state.ts'

/** A node as it is now. */
export interface NodeStatus {
  readonly name: string
  readonly address: string
  /** `starting` is a node between power-on and its first process, for one in a reboot. */
  readonly state: 'running' | 'starting' | 'stopped'
  /** Seconds since its boot; null when it is not running. */
  readonly uptime: number | null
  /** Whether sshd answers at its address. */
  readonly ssh: boolean
}

/** A lab as it is now. */
export interface LabStatus {
  readonly lab: string
  readonly kind: LabKind
  readonly network: string
  readonly rehearses: string | null
  readonly nodes: readonly NodeStatus[]
}

/** Looks at a lab. Rejects with LAB_FAILED when there is none of that name. */
export async function labStatus(lab: string): Promise<LabStatus> {
  checkRoot()
  const state = await requireState(lab)
  const kind = await nodeKind(state.kind)
  const nodes = await Promise.all(state.nodes.map((node) => nodeStatus(state, kind, node)))
  return { lab, kind: state.kind, network: `${state.network}.0/24`, rehearses: state.rehearses, nodes }
}

/** A lab's status as a table for people. */
export function formatStatus({ nodes }: LabStatus): string {
  const rows = nodes.map(({ name, address, state, uptime, ssh }) => {
    return [name, address, state, uptime === null ? '-' : formatDuration(uptime), ssh ? 'answers' : 'silent']
  })
  const table = [['node', 'address', 'state', 'uptime', 'ssh'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return table.map((row) => line(row).trimEnd()).join('\n')
}

/** A duration in its two largest units: `3 h 12 min`. */
export function formatDuration(seconds: number): string {
  const units = [
    { name: 'd', size: 86_400 },
    { name: 'h', size: 3600 },
    { name: 'min', size: 60 },
    { name: 's', size: 1 },
  ]
  const first = units.findIndex((unit) => seconds >= unit.size)
  if (first === -1) return '0 s'
  let rest = Math.floor(seconds)
  const parts = units.slice(first, first + 2).map(({ name, size }) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return `${count} ${name}`
  })
  return parts.join(' ')
}

async function nodeStatus(lab: LabState, kind: NodeKind, node: LabNode): Promise<NodeStatus> {
  const names = labNames(lab.name)
  const leader = await kind.leader(lab, node)
  const { name, address } = node
  if (leader === undefined) {
    const state = (await isRunning(names, node)) ? 'starting' : 'stopped'
    return { name, address, state, uptime: null, ssh: false }
  }
  return { name, address, state: 'running', uptime: Math.floor(await uptimeOf(leader)), ssh: await answers(address) }
}
