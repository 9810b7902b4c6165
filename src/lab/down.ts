/** `pvectl lab down`: leaves nothing of a lab, whatever state it is in. Looks at the system, not only at the state. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { cgroupProcesses, removeCgroup } from './cgroup.ts'
import { checkRoot } from './host-check.ts'
import { restoreLimits } from './host-limits.ts'
import { removeInventory } from './inventory-file.ts'
import { withLock } from './lock.ts'
import { listMounts, removeTree } from './mounts.ts'
import { checkLabName, type LabNames, labNames } from './names.ts'
import { listNamespaces, removeNetwork } from './network.ts'
import { labDir, runtimeDir, stateRoot } from './paths.ts'
import { killAll, namespaceProcesses, processesWith } from './processes.ts'
import type { OnProgress } from './progress.ts'
import { readState } from './state.ts'

/** What to take down. */
export interface DownOptions {
  readonly lab: string
  readonly onProgress: OnProgress
  /** Folder where its inventory usually is, should the lab have lost its memory. */
  readonly out?: string
}

/** Ends a lab and removes all that belongs to it. Does nothing where there is no lab. */
export async function labDown(options: DownOptions): Promise<void> {
  const { lab, onProgress } = options
  checkLabName(lab)
  checkRoot()
  const onWait = () => onProgress(`waiting for another pvectl that works on lab ${lab}`)
  await withLock(`lab.${lab}`, () => down(labNames(lab), options), { onWait })
}

async function down(names: LabNames, { onProgress, out }: DownOptions): Promise<void> {
  onProgress(`ending the nodes of lab ${names.lab}`)
  await killAll(() => labProcesses(names))
  await removeNetwork(names)
  await removeCgroup(names.cgroup)
  await removeMachineFiles(names)
  const state = await readState(names.lab).catch(() => undefined)
  const inventories = [...(state?.inventories ?? []), ...(out === undefined ? [] : [out])]
  for (const folder of inventories) await removeInventory(folder)
  await removeTree(labDir(names.lab))
  await rm(runtimeDir(names.lab), { recursive: true, force: true })
  await removeIfEmpty(path.dirname(runtimeDir(names.lab)))
  await restoreLimits()
  await removeIfEmpty(stateRoot())
  await removeIfEmpty(path.dirname(stateRoot()))
}

async function labProcesses(names: LabNames): Promise<readonly number[]> {
  const [inGroup, byCommand, machines, namespaces] = await Promise.all([
    cgroupProcesses(names.cgroup),
    processesWith(`${labDir(names.lab)}/boot`),
    processesWith(`unix:${runtimeDir(names.lab)}/`),
    listNamespaces(names),
  ])
  const inNamespaces = await Promise.all(namespaces.map(namespaceProcesses))
  return [...new Set([...byCommand, ...machines, ...inGroup, ...inNamespaces.flat()])]
}

/** What a killed systemd-nspawn leaves: a folder for each machine, a lock for each root folder. */
async function removeMachineFiles({ bridge, lab }: LabNames): Promise<void> {
  const nspawn = '/run/systemd/nspawn'
  const machines = await readdir(`${nspawn}/propagate`).catch(() => [])
  for (const machine of machines.filter((name) => name.startsWith(`${bridge}n`))) {
    await rm(`${nspawn}/propagate/${machine}`, { recursive: true, force: true })
  }
  const roots = (await listMounts()).map((mount) => mount.path).filter((root) => root.startsWith(`${labDir(lab)}/`))
  for (const root of roots) {
    const { dev, ino } = await stat(root)
    await rm(`${nspawn}/locks/inode-${dev}:${ino}`, { force: true })
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined)
}
