/** Disks of VM nodes: one of its own over the image's, and a small one that holds who the node is. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { IdentityFile } from '../identity.ts'
import { run } from '../run.ts'
import { IDENTITY_MARK, LAB_FOLDER } from './recipe.ts'

/** Bytes of an identity drive. Saved memory fits only drives of the size it was saved with. */
const DRIVE_SIZE = 256 * 1024

/** Creates a disk that stands on another, which nothing must write to from then on. */
export async function createOverlay(disk: string, backing: string, format: 'raw' | 'qcow2'): Promise<void> {
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, disk])
}

/** Writes an empty identity drive: a node started with it waits for one. */
export async function createEmptyDrive(file: string): Promise<void> {
  await writeFile(file, '')
  await truncate(file, DRIVE_SIZE)
}

/**
 * Writes the drive a node takes its identity from: an archive of files, unpacked once for each `mark`.
 * `hostKey` is a private key's file; its public half lies beside it.
 */
export async function createIdentityDrive(file: string, mark: string, files: readonly IdentityFile[]): Promise<void> {
  const folder = await mkdtemp(`${file}.`)
  try {
    const own = [
      { path: IDENTITY_MARK, content: `${mark}\n`, mode: 0o644 },
      { path: `${LAB_FOLDER}/seed`, content: randomBytes(64).toString('hex'), mode: 0o600 },
    ]
    const all = [...own, ...files]
    for (const { path: name, content, mode } of all) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
      await writeFile(path.join(folder, name), content)
      await chmod(path.join(folder, name), mode)
    }
    const names = all.map(({ path: name }) => name)
    // Files only: folders keep the modes that they have on the disk.
    await run('tar', [
      '-cf',
      file,
      '--format=ustar',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '-C',
      folder,
      ...names,
    ])
    await truncate(file, DRIVE_SIZE)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
