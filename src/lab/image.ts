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
import { CUSTOMIZE, PACKAGES, RELEASE, recipeHash } from './recipe.ts'
import { run } from './run.ts'

/** Folder of the base image; built first where it is missing. Rejects with LAB_FAILED. */
export async function ensureImage(onProgress: OnProgress): Promise<string> {
  const image = path.join(imageCache(), `base-${recipeHash()}`)
  if (await exists(image)) return image
  const options = { waitMs: 900_000, onWait: () => onProgress('waiting for another pvectl that builds the base image') }
  await withLock('lab-image', () => build(image, onProgress), options)
  return image
}

async function build(image: string, onProgress: OnProgress): Promise<void> {
  if (await exists(image)) return
  onProgress('building the base image (once, about half a minute and 300 MB)')
  await ensureBuildTools(onProgress)
  const cache = path.dirname(image)
  await mkdir(cache, { recursive: true, mode: 0o755 })
  await removeRemains(cache)
  const draft = `${image}.building`
  await mkdir(draft)
  const hook = path.join(draft, 'customize')
  await writeFile(hook, CUSTOMIZE, { mode: 0o755 })
  try {
    await bootstrap(path.join(draft, 'root'), hook, onProgress)
    await rename(path.join(draft, 'root'), image)
  } finally {
    await removeTree(draft)
  }
  onProgress('base image built')
}

async function bootstrap(root: string, hook: string, onProgress: OnProgress): Promise<void> {
  const { lines, options } = await readAptSources(RELEASE)
  const args = [
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    `--include=${PACKAGES.join(',')}`,
    `--customize-hook=${hook}`,
    '--skip=cleanup/apt/lists',
    ...options.map((option) => `--aptopt=${option}`),
    RELEASE,
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
