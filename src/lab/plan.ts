/** Which nodes a lab is to have: those it has, and those that are wanted. */
import { PvectlError } from '../errors.ts'
import type { LoadedInventory } from '../inventory/load.ts'
import { MAX_NODES, nodeSlug } from './names.ts'
import { addressOf, type LabNode, type LabState } from './state.ts'

/** What `lab up` is asked for. */
export interface Wanted {
  /** That many plain nodes, `node1` onwards. */
  readonly count?: number
  /** One node for each host of this inventory. */
  readonly source?: LoadedInventory
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
