/** Facts about files: type, content, mode, owner and when they last changed. */
import { rawScript, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** What is at a path. `link` is the text of a symbolic link at the path itself; the rest is what it leads to. */
export type FileState =
  | { readonly type: 'absent'; readonly link?: string }
  | {
      readonly type: 'file' | 'directory' | 'other'
      readonly link?: string
      /** Bytes of a regular file; empty for anything else. */
      readonly content: Buffer
      /** Permission bits in octal, four digits: `0644`. */
      readonly mode: string
      /** `user:group`, numbers where they have no name. */
      readonly owner: string
      /** Last change of content or attributes, milliseconds since the epoch; the future for a predicted change. */
      readonly ctime: number
    }

/**
 * Any number of files for three processes on the node: tests are built-ins, one `stat` and one `cat` serve all.
 * The lengths from `stat` split the output of `cat`.
 */
export const fileFact: FactKind<FileState> = {
  name: 'file',
  observe: (ids, mark) => observeFiles(ids, mark),
  parse: (output, ids, mark) => parseFiles(output, ids, mark),
}

/** Reference to the fact about the file at an absolute path. */
export function fileAt(path: string): FactRef<FileState> {
  return { kind: fileFact, id: path }
}

function observeFiles(ids: readonly string[], mark: string): Script {
  return sh`set -- ${ids}
pv_s= pv_c=
for f do
	if [ -L "$f" ]; then printf l; else printf -- -; fi
	if [ -f "$f" ] && [ -r "$f" ]; then echo f
	elif [ -d "$f" ]; then echo d
	elif [ -e "$f" ]; then echo o
	else echo a; fi
	if [ -L "$f" ]; then readlink -- "$f"; fi
done
echo ${mark}
n=$#
while [ $n -gt 0 ]; do
	f=$1; shift; n=$((n-1))
	[ -e "$f" ] && set -- "$@" "$f"
done
[ $# -eq 0 ] || stat -L --printf '%a %U:%G %.Z %s\n' -- "$@"
echo ${mark}
n=$#
while [ $n -gt 0 ]; do
	f=$1; shift; n=$((n-1))
	[ -f "$f" ] && [ -r "$f" ] && set -- "$@" "$f"
done
[ $# -eq 0 ] || cat -- "$@"
${rawScript(':')}`
}

function parseFiles(output: Buffer, ids: readonly string[], mark: string): readonly FileState[] {
  const firstMark = output.indexOf(`${mark}\n`)
  const secondMark = output.indexOf(`${mark}\n`, firstMark + 1)
  const kinds = readKinds(output.subarray(0, firstMark).toString('utf8').split('\n'), ids)
  const stats = output
    .subarray(firstMark + mark.length + 1, secondMark)
    .toString('utf8')
    .split('\n')
  let offset = secondMark + mark.length + 1
  let row = 0
  const states = kinds.map(({ type, link }): FileState => {
    if (type === 'absent') return { type, ...link }
    const [mode = '', owner = '', ctime = '', size = '0'] = (stats[row++] ?? '').split(' ')
    const end = type === 'file' ? offset + Number(size) : offset
    const content = output.subarray(offset, end)
    offset = end
    return { type, ...link, content, mode: mode.padStart(4, '0'), owner, ctime: Number(ctime) * 1000 }
  })
  const rest = output.subarray(offset).toString('utf8').trim()
  if (offset > output.length || rest !== '') throw new Error('a file changed while it was read')
  return states
}

const TYPES = { f: 'file', d: 'directory', o: 'other', a: 'absent' } as const

function readKinds(lines: readonly string[], ids: readonly string[]) {
  let row = 0
  return ids.map(() => {
    const flags = lines[row++] ?? ''
    const type = TYPES[flags[1] as keyof typeof TYPES] ?? 'absent'
    return { type, link: flags[0] === 'l' ? { link: lines[row++] ?? '' } : {} }
  })
}
