/** Folders and files of the lab on this machine. */
import { homedir } from 'node:os'
import path from 'node:path'
import { nodeSlug } from './names.ts'

/**
 * Folder of all labs' state: disks, keys, node list. `PVECTL_LAB_DIR` moves it, for one, off a file system that can't
 * hold the upper layer of an overlay.
 */
export function stateRoot(): string {
  return process.env.PVECTL_LAB_DIR || '/var/lib/pvectl/lab'
}

/** Folder of one lab's state. */
export function labDir(lab: string): string {
  return path.join(stateRoot(), lab)
}

/** Folder of a lab's sockets: a short one, since their paths must not be longer than 107 bytes. */
export function runtimeDir(lab: string): string {
  return path.join('/run/pvectl-lab', lab)
}

/** Private key that opens all nodes of a lab. */
export function keyFile(lab: string): string {
  return path.join(labDir(lab), 'key')
}

/** The nodes' host keys. */
export function knownHostsFile(lab: string): string {
  return path.join(labDir(lab), 'known_hosts')
}

/** Files of one node. */
export interface NodePaths {
  readonly dir: string
  /** Layer that holds what differs from the base image. */
  readonly upper: string
  readonly work: string
  /** Where the node's file system is mounted. */
  readonly root: string
  /** Present when the disk is complete. */
  readonly ready: string
  readonly console: string
}

/** Files of one node. */
export function nodePaths(lab: string, node: string): NodePaths {
  const dir = path.join(labDir(lab), 'nodes', nodeSlug(node))
  const at = (name: string) => path.join(dir, name)
  return { dir, upper: at('upper'), work: at('work'), root: at('root'), ready: at('ready'), console: at('console.log') }
}

/** Folder of built base images, under the XDG cache folder. */
export function imageCache(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'pvectl', 'lab')
}
