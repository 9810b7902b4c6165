/** A file that only the user can read, in memory where there is such a place, and overwritten when it is done with. */
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Gives `work` a file with this content in a folder of its own, so that what an editor writes beside it goes away too.
 * It is gone when `work` has ended, also by SIGTERM or SIGHUP. SIGINT is left to the program that works on the file.
 */
export async function withPrivateFile<T>(
  name: string,
  content: string,
  work: (file: string) => Promise<T>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<T> {
  const dir = mkdtempSync(path.join(privateFolder(env), 'pvectl-'))
  const end = (signal: NodeJS.Signals) => {
    shred(dir)
    process.exit(signal === 'SIGHUP' ? 129 : 143)
  }
  const ignore = () => undefined
  process.once('SIGTERM', end).once('SIGHUP', end).on('SIGINT', ignore)
  try {
    const file = path.join(dir, name)
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
    return await work(file)
  } finally {
    shred(dir)
    process.off('SIGTERM', end).off('SIGHUP', end).off('SIGINT', ignore)
  }
}

/** The runtime folder of the user, which is in memory and theirs alone; else shared memory; else what there is. */
function privateFolder({ XDG_RUNTIME_DIR: runtime }: NodeJS.ProcessEnv): string {
  const candidates = [...(runtime === undefined || runtime === '' ? [] : [runtime]), '/dev/shm']
  return candidates.find(isWritableFolder) ?? tmpdir()
}

function isWritableFolder(folder: string): boolean {
  try {
    rmSync(mkdtempSync(path.join(folder, 'pvectl-')), { recursive: true })
    return true
  } catch {
    return false
  }
}

function shred(dir: string): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) overwrite(path.join(entry.parentPath, entry.name))
  }
  rmSync(dir, { recursive: true, force: true })
}

function overwrite(file: string): void {
  try {
    const fd = openSync(file, 'r+')
    writeSync(fd, Buffer.alloc(statSync(file).size), 0, undefined, 0)
    fsyncSync(fd)
    closeSync(fd)
  } catch {
    // Read-only copies of editors: removing them has to do.
  }
}
