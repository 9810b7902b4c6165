/** Facts about /etc/network/interfaces: the file, what the web interface has pending, and the files it sources. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** The file that PVE, ifupdown2 and pvectl edit. */
export const INTERFACES_PATH = '/etc/network/interfaces'

/** Where the web interface keeps changes until "Apply Configuration"; renamed over the file then, or at boot. */
export const PENDING_PATH = '/etc/network/interfaces.new'

/** A file that is read through a `source` or `source-directory` line. */
export interface SourcedFile {
  readonly path: string
  readonly content: Buffer
}

/** What configures the network of a node. */
export interface InterfacesState {
  /** Bytes of the file; undefined when there is none. */
  readonly main: Buffer | undefined
  /** Permission bits in octal, four digits; `0644` when there is no file. */
  readonly mode: string
  /** `user:group`. */
  readonly owner: string
  /** Bytes of the pending file; undefined when nothing is pending. */
  readonly pending: Buffer | undefined
  /** Predicted only: an edit was refused because of the pending file, which differs from the real one in this. */
  readonly refused?: string
  /** One level deep, in the order of the lines; files that are there but not sourced are left out. */
  readonly sourced: readonly SourcedFile[]
}

/** One instance: the id is always empty. Three to five short processes on the node. */
export const interfacesFact: FactKind<InterfacesState> = {
  name: 'interfaces',
  observe: (_ids, mark): Script => sh`pv_file() {
	if [ -f "$1" ] && [ -r "$1" ]; then
		stat -L --printf ${`${mark} %s %a %U:%G %n\\n`} -- "$1"
		cat -- "$1"
		echo
	fi
}
cd /etc/network 2>/dev/null || cd /
pv_file ${INTERFACES_PATH}
pv_file ${PENDING_PATH}
if [ -r ${INTERFACES_PATH} ]; then
	sed -n ${SOURCED_PATTERN} < ${INTERFACES_PATH} | while IFS= read -r pv_line || [ -n "$pv_line" ]; do
		IFS=' 	'
		for pv_path in $pv_line; do
			case $pv_path in /*) ;; *) pv_path=/etc/network/$pv_path ;; esac
			if [ -d "$pv_path" ]; then for pv_sub in "$pv_path"/*; do pv_file "$pv_sub"; done
			else pv_file "$pv_path"; fi
		done
	done
fi`,
  parse: (output, ids, mark) => {
    const state = readFrames(output, mark)
    return ids.map(() => state)
  },
}

/** The one reference to this fact. */
export const interfacesRef: FactRef<InterfacesState> = { kind: interfacesFact, id: '' }

/** Patterns of `source` lines, without what a shell might do with more than names and wildcards. */
const SOURCED_PATTERN =
  's/^[ \t]*source\\(-directory\\)\\{0,1\\}[ \t][ \t]*\\([^$`]*[^[:space:]$`]\\)[[:space:]]*$/\\2/p'

function readFrames(output: Buffer, mark: string): InterfacesState {
  const files = new Map<string, { mode: string; owner: string; content: Buffer }>()
  let offset = output.indexOf(mark)
  while (offset >= 0) {
    const headEnd = output.indexOf('\n', offset)
    const [, size = '', mode = '', owner = '', ...path] = output.subarray(offset, headEnd).toString('utf8').split(' ')
    const end = headEnd + 1 + Number(size)
    if (headEnd < 0 || end > output.length) throw new Error('a file in /etc/network changed while it was read')
    files.set(path.join(' '), { mode: mode.padStart(4, '0'), owner, content: output.subarray(headEnd + 1, end) })
    if (output[end] !== 10) throw new Error('a file in /etc/network changed while it was read')
    offset = output.indexOf(mark, end)
  }
  const main = files.get(INTERFACES_PATH)
  const sourced = [...files]
    .filter(([path]) => path !== INTERFACES_PATH && path !== PENDING_PATH)
    .map(([path, { content }]) => ({ path, content }))
  return {
    main: main?.content,
    mode: main?.mode ?? '0644',
    owner: main?.owner ?? 'root:root',
    pending: files.get(PENDING_PATH)?.content,
    sourced,
  }
}
