/** Which nodes a lab is to have: those it has, and those that are wanted. */
import { PvectlError } from '../errors.ts'
import type { LoadedInventory } from '../inventory/load.ts'
import { MAX_NODES, nodeSlug } from './names.ts'
import type { PveVersion } from './releases.ts'
import { addressOf, type Cabling, type LabKind, type LabNode, type LabState } from './state.ts'

/** What `lab up` is asked for. */
export interface Wanted {
  /** That many plain nodes, `node1` onwards. */
  readonly count?: number
  /** One node for each host of this inventory. */
  readonly source?: LoadedInventory
  /** What the nodes are; those of an existing lab, or containers, when left out. */
  readonly kind?: LabKind
  /** Version of Proxmox VE that the nodes are like; that of an existing lab, or 8, when left out. */
  readonly pve?: PveVersion
  /** Where further NICs lead; for a new lab of VMs `pairs` up to two nodes, `switch` for more. */
  readonly cables?: Cabling
}

/** Nodes of a lab that nobody said a number for. */
const DEFAULT_COUNT = 3

/** The nodes that a lab has after `lab up`: nothing it has is lost. Throws LAB_FAILED or USAGE. */
export function planNodes(state: LabState | undefined, wanted: Wanted, network: string, image: string): LabNode[] {
  const nodes = [...(state?.nodes ?? [])]
  const names = wantedNames(state, wanted)
  checkSource(state, wanted.source?.name ?? null)
  checkNames(names)
  let next = Math.max(0, ...nodes.map((node) => node.number)) + 1
  for (const name of names) {
    if (nodes.some((node) => node.name === name)) continue
    nodes.push({ name, number: next, address: addressOf(network, next), image })
    next++
  }
  if (next - 1 > MAX_NODES) throw new PvectlError('USAGE', `a lab holds up to ${MAX_NODES} nodes`)
  return nodes
}

/** What the nodes of a lab are. Throws LAB_FAILED when they are something else already. */
export function planKind(state: LabState | undefined, wanted: LabKind | undefined): LabKind {
  if (state === undefined) return wanted ?? 'container'
  if (wanted === undefined || wanted === state.kind) return state.kind
  throw decided(state, `the nodes of lab ${state.name} are ${plural(state.kind)}, not ${plural(wanted)}`)
}

/** Version of Proxmox VE that the nodes of a lab are like. Throws LAB_FAILED when it is another one already. */
export function planPve(state: LabState | undefined, wanted: PveVersion | undefined): PveVersion {
  if (state === undefined) return wanted ?? '8'
  if (wanted === undefined || wanted === state.pve) return state.pve
  throw decided(state, `the nodes of lab ${state.name} are like Proxmox VE ${state.pve}, not ${wanted}`)
}

/** Where further NICs lead. Throws LAB_FAILED when cables lie elsewhere already, and USAGE for containers. */
export function planCables(
  state: LabState | undefined,
  wanted: Cabling | undefined,
  { kind, count }: { readonly kind: LabKind; readonly count: number },
): Cabling {
  if (wanted !== undefined && kind === 'container') {
    throw new PvectlError('USAGE', 'containers have only one NIC, so there are no cables to choose', {
      hint: 'add --kind vm',
    })
  }
  if (state === undefined) return wanted ?? (kind === 'vm' && count > 2 ? 'switch' : 'pairs')
  if (wanted === undefined || wanted === state.cables) return state.cables
  throw decided(state, `the cables of lab ${state.name} are laid as \`${state.cables}\` already`)
}

function decided({ name }: LabState, message: string): PvectlError {
  const hint = `start another lab beside it with --name, or end this one: pvectl lab down --name ${name}`
  return new PvectlError('LAB_FAILED', message, { hint })
}

function plural(kind: LabKind): string {
  return kind === 'vm' ? 'VMs' : 'containers'
}

function wantedNames(state: LabState | undefined, { count, source }: Wanted): readonly string[] {
  if (source !== undefined) return source.hosts.map((host) => host.name)
  const total = count ?? (state === undefined ? DEFAULT_COUNT : 0)
  return Array.from({ length: total }, (_, i) => `node${i + 1}`)
}

/** A lab either rehearses one inventory or none. */
function checkSource(state: LabState | undefined, source: string | null): void {
  if (state === undefined || state.rehearses === source) return
  const { name, rehearses } = state
  const present = rehearses === null ? 'has plain nodes' : `rehearses the inventory ${rehearses}`
  const again = rehearses === null ? 'leave out --inventory' : `add --inventory ${rehearses}`
  throw new PvectlError('LAB_FAILED', `lab ${name} ${present}`, {
    hint: `${again}; or start another lab beside it with --name`,
  })
}

function checkNames(names: readonly string[]): void {
  const slugs = new Map<string, string>()
  for (const name of names) {
    const slug = nodeSlug(name)
    const other = slugs.get(slug)
    if (slug === '' || other !== undefined) {
      const clash = other === undefined ? '' : `, next to \`${other}\``
      throw new PvectlError('LAB_FAILED', `no lab node can be named after the host \`${name}\`${clash}`)
    }
    slugs.set(slug, name)
  }
}
