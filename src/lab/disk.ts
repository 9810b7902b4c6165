/** A node's disk: a layer of its own over the base image. It lives until `lab down`, across reboots. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { type IdentityOptions, identityFiles } from './identity.ts'
import { ensureKey } from './keys.ts'
import { listMounts, removeTree } from './mounts.ts'
import type { NodePaths } from './paths.ts'
import { tryRun } from './run.ts'

const HOST_KEY = 'etc/ssh/ssh_host_ed25519_key'

/** Folders that the identity needs, with the modes they have in the image: the upper layer decides about those. */
const FOLDERS = [
  { path: 'etc', mode: 0o755 },
  { path: 'etc/ssh', mode: 0o755 },
  { path: 'etc/network', mode: 0o755 },
  { path: 'root', mode: 0o700 },
  { path: 'root/.ssh', mode: 0o700 },
] as const

/** Public half of a node's host key. */
export function hostKeyFile({ upper }: NodePaths): string {
  return path.join(upper, `${HOST_KEY}.pub`)
}

/** Creates a node's disk with its identity. One whose creation was cut short must be removed before. */
export async function createDisk(paths: NodePaths, identity: IdentityOptions): Promise<void> {
  await removeTree(paths.dir)
  for (const folder of [paths.upper, paths.work, paths.root]) await mkdir(folder, { recursive: true })
  await chmod(paths.upper, 0o755)
  for (const folder of FOLDERS) {
    await mkdir(path.join(paths.upper, folder.path))
    await chmod(path.join(paths.upper, folder.path), folder.mode)
  }
  for (const file of identityFiles(identity)) {
    await writeFile(path.join(paths.upper, file.path), file.content)
    await chmod(path.join(paths.upper, file.path), file.mode)
  }
  await ensureKey(path.join(paths.upper, HOST_KEY), `root@${identity.names.hostname}`)
  await writeFile(paths.ready, '')
}

/** Mounts a node's file system unless it is mounted. */
export async function mountDisk(paths: NodePaths, image: string): Promise<void> {
  if ((await listMounts()).some((mount) => mount.path === paths.root)) return
  // Left by a `volatile` mount that was not unmounted; the kernel refuses the next mount then. No loss in a lab.
  await rm(path.join(paths.work, 'work', 'incompat'), { recursive: true, force: true })
  const layers = `lowerdir=${image},upperdir=${paths.upper},workdir=${paths.work}`
  const mount = (options: string) => tryRun('mount', ['-t', 'overlay', 'pvectl-lab', '-o', options, paths.root])
  // `volatile` leaves out fsync, which is most of the time that dpkg takes; kernels before 5.10 don't know it.
  if ((await mount(`${layers},volatile`)).code === 0) return
  const { code, stderr } = await mount(layers)
  if (code === 0) return
  throw new PvectlError('LAB_FAILED', `cannot mount the disk of a node: ${stderr.trim()}`, {
    hint: 'overlayfs needs an ordinary file system below it, no other overlay: set PVECTL_LAB_DIR to a folder on one',
  })
}
