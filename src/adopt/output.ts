/** Files that adopt writes: never over one that is there, unless told to. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { displayPath } from '../yaml/display-path.ts'

/** A file to write. */
export interface OutputFile {
  /** Absolute path. */
  readonly path: string
  readonly content: Buffer
  /** For people: `12 tasks`. */
  readonly note: string
}

/** Refuses with USAGE when one of the files is there already. */
export function assertNew(files: readonly OutputFile[], cwd: string): void {
  const present = files.filter((file) => existsSync(file.path)).map((file) => displayPath(file.path, cwd))
  if (present.length === 0) return
  throw new PvectlError('USAGE', `there already: ${present.join(', ')}`, {
    hint: 'give --force to write over them, or --out DIR to write elsewhere',
  })
}

/** Writes the files, and the folders above them. Throws USAGE when that cannot be done. */
export function writeFiles(files: readonly OutputFile[]): void {
  for (const { path: file, content } of files) {
    try {
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, content)
    } catch (error) {
      throw new PvectlError('USAGE', `cannot write ${file}: ${(error as Error).message}`, {
        hint: 'name a folder to write to: --out DIR',
      })
    }
  }
}
