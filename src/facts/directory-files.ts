/** Facts about directories of configuration snippets, whoever put them there. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A file of a directory. */
export interface DirectoryFile {
  readonly path: string
  readonly content: Buffer
}

/** Regular files directly in the directory, by name; hidden ones are left out. Empty when there is no directory. */
export type DirectoryFiles = readonly DirectoryFile[]

/** All files of all directories by two processes. Prints the running count after each directory, then sizes, then contents. */
export const directoryFilesFact: FactKind<DirectoryFiles> = {
  name: 'directory-files',
  observe: (ids): Script => sh`set --
${joinScripts(ids.map(collectFiles))}
if [ $# -gt 0 ]; then stat -L --printf '%s %n\n' -- "$@"; cat -- "$@"; fi`,
  parse(output, ids) {
    const { line, take } = reader(output)
    const counts = ids.map(() => Number(line()))
    const rows = Array.from({ length: counts.at(-1) ?? 0 }, line)
    const files = rows.map((row) => {
      const split = row.indexOf(' ')
      return { path: row.slice(split + 1), content: take(Number(row.slice(0, split))) }
    })
    return counts.map((count, i) => files.slice(counts[i - 1] ?? 0, count))
  },
}

/** Reference to the fact about the files of a directory, named without a final slash. */
export function filesIn(directory: string): FactRef<DirectoryFiles> {
  return { kind: directoryFilesFact, id: directory }
}

function collectFiles(directory: string): Script {
  return sh`for f in ${directory}/*; do
	if [ -f "$f" ] && [ -r "$f" ]; then set -- "$@" "$f"; fi
done
echo $#`
}

function reader(output: Buffer) {
  let offset = 0
  const take = (length: number) => {
    offset += length
    return output.subarray(offset - length, offset)
  }
  const line = () => {
    const end = output.indexOf('\n', offset)
    if (end < 0) throw new Error('the listing of files ends early')
    return take(end + 1 - offset)
      .toString('utf8')
      .slice(0, -1)
  }
  return { line, take }
}
