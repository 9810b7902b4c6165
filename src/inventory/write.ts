/** Puts a new text in place of an inventory file: whole or not at all, with the old one kept beside it. */
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { PvectlError } from '../errors.ts'

/**
 * Replaces `before` by `after` in a file and returns the path of the backup, which is never one that was there already.
 * Throws INVENTORY_INVALID when the file has changed since `before` was read, or when it cannot be written.
 */
export function replaceInventoryFile(file: string, before: string, after: string, now: Date = new Date()): string {
  const real = realpathSync(file)
  if (readFileSync(real, 'utf8') !== before) {
    throw new PvectlError('INVENTORY_INVALID', 'the file has changed in the meantime, so it was left as it is', {
      hint: 'run again',
      location: { file },
    })
  }
  const fresh = path.join(path.dirname(real), `.${path.basename(real)}.${process.pid}.new`)
  try {
    const backup = keepCopy(real, now)
    writeWhole(fresh, after, statSync(real).mode & 0o777)
    renameSync(fresh, real)
    return backup
  } catch (error) {
    rmSync(fresh, { force: true })
    throw new PvectlError('INVENTORY_INVALID', `cannot write: ${(error as Error).message}`, {
      hint: 'the file is as it was; see to the rights of the folder',
      location: { file },
      cause: error,
    })
  }
}

/** `prod.yml.20261121T081500.bak`, which no inventory is taken for. */
function keepCopy(file: string, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]|\..*/g, '')
  for (let n = 0; ; n += 1) {
    const backup = `${file}.${stamp}${n === 0 ? '' : `-${n}`}.bak`
    try {
      copyFileSync(file, backup, constants.COPYFILE_EXCL)
      return backup
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function writeWhole(file: string, text: string, mode: number): void {
  const fd = openSync(file, 'wx', mode)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
