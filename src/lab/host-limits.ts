/**
 * The one setting of the host that a lab changes. All containers share root's inotify instances, systemd takes about
 * eight a node, and with the kernel's usual 128 the seventeenth node does not boot.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stateRoot } from './paths.ts'
import type { OnProgress } from './progress.ts'
import { listLabs, readState } from './state.ts'

const SETTING = '/proc/sys/fs/inotify/max_user_instances'
const PER_NODE = 16
/** For everything else that root runs on this machine. */
const RESERVE = 64
const STEP = 1024

/** Raises the limit where it is too low for the nodes of all labs, saying so, and remembers what it was. */
export async function raiseLimits(onProgress: OnProgress): Promise<void> {
  const current = Number(await readFile(SETTING, 'utf8'))
  const labs = await Promise.all((await listLabs()).map((lab) => readState(lab).catch(() => undefined)))
  const nodes = labs.reduce((sum, lab) => sum + (lab?.nodes.length ?? 0), 0)
  const needed = RESERVE + nodes * PER_NODE
  if (current >= needed) return
  const raised = STEP * Math.ceil(needed / STEP)
  onProgress(`raising fs.inotify.max_user_instances of this machine from ${current} to ${raised} while labs exist`)
  // An earlier lab may have raised it before: what it noted down is what the machine had.
  await writeFile(noteFile(), `${current}\n`, { flag: 'wx' }).catch(ignoreExisting)
  await writeFile(SETTING, `${raised}\n`)
}

/** Puts the limit back after the last lab is gone. */
export async function restoreLimits(): Promise<void> {
  if ((await listLabs()).length > 0) return
  const before = await readFile(noteFile(), 'utf8').catch(() => undefined)
  if (before === undefined) return
  await writeFile(SETTING, before)
  await rm(noteFile())
}

function noteFile(): string {
  return path.join(stateRoot(), '.inotify-instances')
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
