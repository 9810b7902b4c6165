/** Builds the base image that all nodes share, once for each version of its recipe. */
import { access, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { readAptSources } from './apt-sources.ts'
import { ensureBuildTools } from './host-check.ts'
import { withLock } from './lock.ts'
import { removeTree } from './mounts.ts'
import { imageCache } from './paths.ts'
import type { OnProgress } from './progress.ts'
import { CUSTOMIZE, PACKAGES, recipeHash } from './recipe.ts'
import type { Release } from './releases.ts'
import { run } from './run.ts'

/** Folder of the base image of a release; built first where it is missing. Rejects with LAB_FAILED. */
export async function ensureImage(release: Release, onProgress: OnProgress): Promise<string> {
  const image = path.join(imageCache(), `base-${recipeHash(release)}`)
  const build = (draft: string) => bootstrap(draft, { release, packages: PACKAGES, hook: CUSTOMIZE, onProgress })
  await buildOnce(image, { about: 'the base image (once, about half a minute and 300 MB)', onProgress, build })
  return image
}

/** Something that is built once and kept in the cache. */
export interface Building {
  /** For the user: what it is, and what it costs. */
  readonly about: string
  readonly onProgress: OnProgress
  /** Builds it at a path that does not exist yet. */
  readonly build: (draft: string) => Promise<void>
}

/** Makes sure that a folder of the cache is there: complete, and built by one pvectl at a time. */
export async function buildOnce(folder: string, { about, onProgress, build }: Building): Promise<void> {
  if (await exists(folder)) return
  const options = { waitMs: 900_000, onWait: () => onProgress('waiting for another pvectl that builds an image') }
  await withLock(
    'lab-image',
    async () => {
      if (await exists(folder)) return
      onProgress(`building ${about}`)
      await mkdir(path.dirname(folder), { recursive: true, mode: 0o755 })
      await removeRemains(path.dirname(folder))
      const draft = `${folder}.building`
      await mkdir(draft)
      try {
        await build(path.join(draft, 'done'))
        await rename(path.join(draft, 'done'), folder)
      } finally {
        await removeTree(draft)
      }
      onProgress('built')
    },
    options,
  )
}

/** What a root folder is made of. */
export interface Bootstrap {
  readonly release: Release
  readonly packages: readonly string[]
  /** Script that gets the folder as its argument when the packages are in it. */
  readonly hook: string
  readonly onProgress: OnProgress
}

/** Installs Debian into a new folder. Rejects with LAB_FAILED. */
export async function bootstrap(root: string, { release, packages, hook, onProgress }: Bootstrap): Promise<void> {
  await ensureBuildTools(onProgress)
  const hookFile = `${root}.hook`
  await writeFile(hookFile, hook, { mode: 0o755 })
  const { lines, options } = await readAptSources(release)
  const args = [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    `--include=${packages.join(',')}`,
    `--customize-hook=${hookFile}`,
    '--skip=cleanup/apt/lists',
    ...options.map((option) => `--aptopt=${option}`),
    release,
    root,
    ...(lines.length > 0 ? ['-'] : []),
  ]
  const onLine = (line: string) => {
    const step = /^I: (.*?)\.*$/.exec(line)?.[1]
    if (step !== undefined && !step.startsWith('running --customize-hook')) onProgress(`base image: ${step}`)
  }
  try {
    await run('mmdebstrap', args, { input: lines.map((line) => `${line}\n`).join(''), timeoutMs: 900_000, onLine })
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    const said = error.problems[0]?.hint ?? ''
    throw new PvectlError('LAB_FAILED', 'the base image could not be built', {
      hint: `does \`apt-get update\` work on this machine? ${said}`,
      cause: error,
    })
  }
}

/** Builds that were killed leave their drafts. */
async function removeRemains(cache: string): Promise<void> {
  const drafts = (await readdir(cache)).filter((name) => name.endsWith('.building'))
  for (const draft of drafts) await removeTree(path.join(cache, draft))
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
