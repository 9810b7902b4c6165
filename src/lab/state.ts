/** What a lab consists of, on disk. Everything else is looked up on the system itself. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { labDir, stateRoot } from './paths.ts'
import type { PveVersion } from './releases.ts'

/** What the nodes of a lab are: containers that share this machine's kernel, or VMs with one of their own. */
export const LAB_KINDS = ['container', 'vm'] as const

/** What the nodes of a lab are. */
export type LabKind = (typeof LAB_KINDS)[number]

/**
 * Where `eno2` and `eno3` of VMs lead. `pairs`: node1's to node2's, node3's to node4's and so on, each a cable of its
 * own. `switch`: all of them to one plain switch, which passes tagged frames and knows no LACP.
 */
export const CABLINGS = ['pairs', 'switch'] as const

/** Where `eno2` and `eno3` of VMs lead. */
export type Cabling = (typeof CABLINGS)[number]

/** A node as the lab remembers it. */
export interface LabNode {
  /** As the inventory calls it. */
  readonly name: string
  /** Counts from 1; decides address, MAC address and internal network. */
  readonly number: number
  readonly address: string
  /** Base image that its disk stands on. */
  readonly image: string
}

/** A lab as it is remembered. */
export interface LabState {
  readonly name: string
  readonly kind: LabKind
  /** Version of Proxmox VE that its nodes are like. */
  readonly pve: PveVersion
  /** Containers have no cables but that of `eno1`: `pairs` then. */
  readonly cables: Cabling
  /** First three bytes of its /24: `198.18.7`. The host is .1 in it, node n is .(10 + n). */
  readonly network: string
  /** Inventory that it rehearses, as the user named it; null for plain nodes. */
  readonly rehearses: string | null
  readonly nodes: readonly LabNode[]
  /** Folders that an inventory was written to. */
  readonly inventories: readonly string[]
}

/** Address of a lab's host end, the gateway of its nodes. */
export function gatewayOf(network: string): string {
  return `${network}.1`
}

/** Address of a node of a lab. */
export function addressOf(network: string, number: number): string {
  return `${network}.${10 + number}`
}

/** Reads a lab; undefined when there is none of that name. */
export async function readState(lab: string): Promise<LabState | undefined> {
  try {
    const state = JSON.parse(await readFile(stateFile(lab), 'utf8')) as LabState
    // Labs were containers like Proxmox VE 8 once, and did not say so.
    return { ...state, kind: state.kind ?? 'container', pve: state.pve ?? '8', cables: state.cables ?? 'pairs' }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PvectlError('LAB_FAILED', `cannot read the state of lab ${lab}: ${(error as Error).message}`, {
      hint: `\`pvectl lab down --name ${lab}\` clears it away`,
      cause: error,
    })
  }
}

/** Reads a lab that has to be there. Rejects with LAB_FAILED. */
export async function requireState(lab: string): Promise<LabState> {
  const state = await readState(lab)
  if (state !== undefined) return state
  const option = lab === 'lab' ? '' : ` --name ${lab}`
  throw new PvectlError('LAB_FAILED', `there is no lab \`${lab}\``, { hint: `start it: pvectl lab up${option}` })
}

/** Writes a lab's state in one go. */
export async function writeState(state: LabState): Promise<void> {
  await mkdir(labDir(state.name), { recursive: true, mode: 0o755 })
  const file = stateFile(state.name)
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`)
  await rename(`${file}.new`, file)
}

/** Names of all labs of this machine that have state. */
export async function listLabs(): Promise<readonly string[]> {
  const names = await readdir(stateRoot()).catch(() => [])
  return names.filter((name) => !name.startsWith('.'))
}

/** A node by its name. Throws LAB_FAILED. */
export function findNode(state: LabState, name: string): LabNode {
  const node = state.nodes.find((candidate) => candidate.name === name)
  if (node !== undefined) return node
  throw new PvectlError('LAB_FAILED', `lab ${state.name} has no node \`${name}\``, {
    hint: `it has ${state.nodes.map((candidate) => candidate.name).join(', ')}`,
  })
}

function stateFile(lab: string): string {
  return path.join(labDir(lab), 'lab.json')
}
