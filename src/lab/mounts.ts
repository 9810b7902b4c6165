/** Mounts of this machine, and trees that may hold some. */
import { readFile } from 'node:fs/promises'
import { PvectlError } from '../errors.ts'
import { run, tryRun } from './run.ts'

/** One line of /proc/self/mountinfo. */
export interface Mount {
  readonly path: string
  readonly type: string
}

/** What is mounted, in mount order. */
export async function listMounts(): Promise<readonly Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ')
      return { path: unescapeOctal(before.split(' ')[4] ?? ''), type: after.split(' ')[0] ?? '' }
    })
}

/** Unmounts everything at and below a folder, latest mount first. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const path of (await mountsBelow(folder)).reverse()) {
    if ((await tryRun('umount', [path])).code !== 0) await tryRun('umount', ['-l', path])
  }
}

/** Deletes a folder, but only after making sure that nothing of the machine is mounted in it. */
export async function removeTree(folder: string): Promise<void> {
  await unmountBelow(folder)
  const [left] = await mountsBelow(folder)
  if (left !== undefined) {
    throw new PvectlError('LAB_FAILED', `cannot unmount ${left}`, { hint: 'end what uses it (`fuser -vm`), try again' })
  }
  await run('rm', ['-rf', '--one-file-system', folder], { timeoutMs: 300_000 })
}

async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await listMounts()
  return mounts.map((mount) => mount.path).filter((path) => path === folder || path.startsWith(`${folder}/`))
}

/** mountinfo writes space, tab, newline and backslash as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
