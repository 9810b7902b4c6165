/** Temporary folders with files, for tests that load things from disk. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Files by path relative to the project. */
export type Files = Readonly<Record<string, string | Buffer>>

const made: string[] = []
process.on('exit', () => {
  for (const dir of made) rmSync(dir, { recursive: true, force: true })
})

/** Writes files into a fresh folder, which goes away with the process; gives its path. */
export function project(files: Files): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-test-'))
  made.push(dir)
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  return dir
}
