/** The disk, kernel and initrd that all VM nodes share, built once for each version of the recipe. */
import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { bootstrap, buildOnce } from '../image.ts'
import { removeTree } from '../mounts.ts'
import { imageCache } from '../paths.ts'
import type { OnProgress } from '../progress.ts'
import type { Release } from '../releases.ts'
import { run } from '../run.ts'
import { BOOT_FILES, VM_CUSTOMIZE, VM_PACKAGES, vmRecipeHash } from './recipe.ts'

/** Room on a node's disk beside what the image holds. It takes none on this machine until it is used. */
const FREE_MIB = 1024

/** The raw disk in an image's folder. */
export function imageDisk(image: string): string {
  return path.join(image, 'disk.img')
}

/** Folder of the VM image of a release; built first where it is missing. Rejects with LAB_FAILED. */
export async function ensureVmImage(release: Release, onProgress: OnProgress): Promise<string> {
  const image = path.join(imageCache(), `vm-${vmRecipeHash(release)}`)
  const about = 'the image of VMs (once, about a minute and 600 MB)'
  await buildOnce(image, { about, onProgress, build: (draft) => build(draft, release, onProgress) })
  return image
}

async function build(draft: string, release: Release, onProgress: OnProgress): Promise<void> {
  const root = `${draft}.root`
  await bootstrap(root, { release, packages: VM_PACKAGES, hook: VM_CUSTOMIZE, onProgress })
  await mkdir(path.join(draft, 'boot'), { recursive: true })
  for (const file of Object.values(BOOT_FILES)) await cp(path.join(root, file), path.join(draft, file))
  onProgress('VM image: writing the disk')
  const used = Number((await run('du', ['-sm', root])).split('\t')[0])
  const size = `${Math.ceil(used * 1.2) + FREE_MIB}M`
  const options = ['-q', '-t', 'ext4', '-m', '0', '-J', 'size=8', '-E', 'lazy_itable_init=1']
  await run('mke2fs', [...options, '-d', root, imageDisk(draft), size], { timeoutMs: 300_000 })
  await removeTree(root)
}
