/** Writes host keys into known_hosts files. */
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError } from '../errors.ts'

/** Adds a line to a known_hosts file, which is made if need be; a line that is there is not doubled. */
export async function pinLine(file: string, line: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    if (text.split('\n').includes(line)) return
    await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`, { mode: 0o600 })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new PvectlError('HOST_KEY_UNKNOWN', `cannot pin the host key in ${file}: ${reason}`, {
      hint: 'make the file writable, or name another one by `known_hosts` in the inventory',
      cause: error,
    })
  }
}
