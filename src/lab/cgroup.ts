/**
 * A control group for each node, in every mounted hierarchy. Nodes that share one disturb each other: services then
 * fail now and then with status 219/CGROUP when several nodes start some at once.
 */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { listMounts } from './mounts.ts'

/** Creates a group (`LAB/NODE`) in every hierarchy and returns its folders. */
export async function createCgroup(group: string): Promise<readonly string[]> {
  const folders = []
  for (const root of await hierarchies()) {
    let parent = root
    for (const part of group.split('/')) {
      const folder = path.join(parent, part)
      await mkdir(folder, { recursive: true })
      await inheritCpuset(parent, folder)
      parent = folder
    }
    folders.push(parent)
  }
  return folders
}

/** Processes in a group and all groups below it, in any hierarchy. Empty when there is no such group. */
export async function cgroupProcesses(group: string): Promise<readonly number[]> {
  const pids = new Set<number>()
  for (const root of await hierarchies()) {
    for (const folder of await foldersBelow(path.join(root, group))) {
      const text = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
      for (const line of text.split('\n')) if (line !== '' && line !== '0') pids.add(Number(line))
    }
  }
  return [...pids]
}

/** Removes a group with all groups below it, from every hierarchy. Its processes must be gone. */
export async function removeCgroup(group: string): Promise<void> {
  for (const root of await hierarchies()) {
    const folders = await foldersBelow(path.join(root, group))
    for (const folder of [...folders].reverse()) await removeFolder(folder)
  }
}

async function hierarchies(): Promise<readonly string[]> {
  const mounts = await listMounts()
  return [...new Set(mounts.filter((m) => m.type === 'cgroup' || m.type === 'cgroup2').map((m) => m.path))]
}

/** A new group of the v1 cpuset hierarchy accepts no process before it is told its processors and memory nodes. */
async function inheritCpuset(parent: string, folder: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const value = await readFile(path.join(parent, name), 'utf8').catch(() => '')
    if (value.trim() !== '') await writeFile(path.join(folder, name), value).catch(() => undefined)
  }
}

async function foldersBelow(folder: string): Promise<string[]> {
  const children = await subfolders(folder)
  const below = await Promise.all(children.map((name) => foldersBelow(path.join(folder, name))))
  return [folder, ...below.flat()]
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

/** The kernel may take a moment to notice that a group is empty. */
async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await rmdir(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
