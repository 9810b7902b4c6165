/** What differs between containers and VMs, for everything else that a lab does. */
import { containerKind } from './container-kind.ts'
import type { Readiness } from './node.ts'
import type { OnProgress } from './progress.ts'
import type { Release } from './releases.ts'
import type { LabKind, LabNode, LabState } from './state.ts'

/** What a lab does with its nodes, in a way of its own for each kind. */
export interface NodeKind {
  /** Milliseconds that a node which runs may take until it lets one log in; after that it is started again. */
  readonly patienceMs: number
  /** Makes sure of what nodes need on this machine. Rejects with LAB_FAILED that says what is missing. */
  checkHost(onProgress: OnProgress): Promise<void>
  /** Folder that nodes of a release are made from; built first where it is missing. */
  ensureImage(release: Release, onProgress: OnProgress): Promise<string>
  /** Prepares this machine for the nodes of a lab. */
  prepare(state: LabState, onProgress: OnProgress): Promise<void>
  /** Makes sure of a node's disk, with its identity. */
  ensureDisk(state: LabState, node: LabNode, onProgress: OnProgress): Promise<void>
  /** File with the public half of a node's host key, once it has a disk. */
  hostKeyFile(state: LabState, node: LabNode): string
  /** Boots a node that is not running, and waits until one can log in. */
  boot(state: LabState, node: LabNode, onProgress: OnProgress): Promise<Readiness>
  /** Ends a node at once, as a power cut does. Its disk stays. */
  stop(state: LabState, node: LabNode): Promise<void>
  /** The process of this machine whose age is the node's; undefined when the node is not running. */
  leader(state: LabState, node: LabNode): Promise<number | undefined>
}

/** The kind of a lab's nodes. That of VMs is loaded when there are some. */
export async function nodeKind(kind: LabKind): Promise<NodeKind> {
  return kind === 'vm' ? (await import('./vm/kind.ts')).vmKind : containerKind
}
