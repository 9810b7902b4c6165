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

/** All files of a directory by two processes. */
export const directoryFilesFact: FactKind<DirectoryFiles> = {
  name: 'directory-files',
  observe: (ids): Script => joinScripts(ids.map(observeDirectory)),
  parse(output, ids) {
    let offset = 0
    return ids.map((id) => {
      const { files, end } = parseDirectory(output, offset, id)
      offset = end
      return files
    })
  },
}

/** Reference to the fact about the files of a directory, named without a final slash. */
export function filesIn(directory: string): FactRef<DirectoryFiles> {
  return { kind: directoryFilesFact, id: directory }
}

function observeDirectory(directory: string): Script {
  return sh`set --
for f in ${directory}/*; do
	if [ -f "$f" ] && [ -r "$f" ]; then set -- "$@" "$f"; fi
done
echo $#
if [ $# -gt 0 ]; then stat -L --printf '%s %n\n' -- "$@"; cat -- "$@"; fi`
}

function parseDirectory(output: Buffer, start: number, id: string): { files: DirectoryFiles; end: number } {
  let offset = start
  const line = () => {
    const end = output.indexOf('\n', offset)
    if (end < 0) throw new Error(`the listing of ${id} ends early`)
    const text = output.subarray(offset, end).toString('utf8')
    offset = end + 1
    return text
  }
  const rows = Array.from({ length: Number(line()) }, line)
  const files = rows.map((row) => {
    const split = row.indexOf(' ')
    const content = output.subarray(offset, offset + Number(row.slice(0, split)))
    offset += content.length
    return { path: row.slice(split + 1), content }
  })
  return { files, end: offset }
}
