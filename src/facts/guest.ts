/** Facts about guests: their configuration as the cluster has it, and whether they run here. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** What is known of a guest. */
export type GuestState =
  | { readonly place: 'nowhere' }
  /** On another node of the cluster, whose business it is. */
  | { readonly place: 'elsewhere'; readonly node: string }
  | ({ readonly place: 'here' } & GuestConfig)

/** A guest of this node. */
export interface GuestConfig {
  readonly type: 'qemu' | 'lxc'
  readonly running: boolean
  /** SHA-1 of the file, by which PVE notices that somebody else changed it; undefined after a predicted change. */
  readonly digest: string | undefined
  readonly values: ReadonlyMap<string, string>
  /** Values that a running guest gets when it restarts; undefined: it goes then. */
  readonly pending: ReadonlyMap<string, string | undefined>
  /** Names of cloud-init values that the guest has not read yet. */
  readonly unread: readonly string[]
}

/**
 * One instance a guest, by its number. The files are read, which is what `qm config` does too; a running VM has a PID
 * file (qemu-server, PVE::QemuServer::Helpers::vm_running_locally), a running container a unit of its own.
 */
export const guestFact: FactKind<GuestState> = {
  name: 'guest',
  observe: (ids, mark): Script =>
    joinScripts(
      ids.map(
        (id) => sh`pv_g=
for pv_k in qemu-server lxc; do
	pv_f=/etc/pve/local/$pv_k/${id}.conf
	[ -r "$pv_f" ] || continue
	pv_g=1 pv_r=0
	if [ $pv_k = lxc ]; then systemctl is-active -q ${`pve-container@${id}.service`} && pv_r=1
	elif pv_p=$(cat ${`/run/qemu-server/${id}.pid`} 2>/dev/null) && kill -0 "$pv_p" 2>/dev/null; then pv_r=1; fi
	set -- $(sha1sum < "$pv_f")
	echo ${mark} here $pv_k $pv_r "$1"
	cat "$pv_f"
	echo
done
if [ -z "$pv_g" ]; then
	for pv_f in /etc/pve/nodes/*/qemu-server/${id}.conf /etc/pve/nodes/*/lxc/${id}.conf; do
		[ ! -e "$pv_f" ] || { pv_g=1; echo ${mark} elsewhere $(echo "$pv_f" | cut -d/ -f5); break; }
	done
	[ -n "$pv_g" ] || echo ${mark} nowhere
fi`,
      ),
    ),
  parse(output, ids, mark) {
    const frames = output.toString('utf8').split(`${mark} `).slice(1)
    return ids.map((_, i) => parseGuest(frames[i] ?? 'nowhere\n'))
  },
}

/** Reference to the fact about a guest. */
export function guestNumbered(id: number): FactRef<GuestState> {
  return { kind: guestFact, id: String(id) }
}

/** A value as the guest has it once it has restarted; undefined when it has none. */
export function nextValue({ values, pending }: GuestConfig, name: string): string | undefined {
  return pending.has(name) ? pending.get(name) : values.get(name)
}

function parseGuest(frame: string): GuestState {
  const [head = '', ...lines] = frame.split('\n')
  const [place, kind = '', running, digest = ''] = head.split(' ')
  if (place === 'elsewhere') return { place, node: kind }
  if (place !== 'here') return { place: 'nowhere' }
  const sections = readSections(lines)
  const pending = new Map<string, string | undefined>(sections.get('pending') ?? [])
  const deleted = pending.get('delete') ?? ''
  pending.delete('delete')
  // `delete: !net0` was asked for by force.
  for (const name of deleted.split(/[\s,;]+/).filter(Boolean)) pending.set(name.replace(/^!/, ''), undefined)
  const cloudinit = new Map(sections.get('special:cloudinit') ?? [])
  const added = (cloudinit.get('added') ?? '').split(/[\s,;]+/).filter(Boolean)
  return {
    place,
    type: kind === 'lxc' ? 'lxc' : 'qemu',
    running: running === '1',
    digest,
    values: new Map(sections.get('') ?? []),
    pending,
    unread: [...added, ...[...cloudinit.keys()].filter((name) => name !== 'added')],
  }
}

/** The values of each section, the first one nameless; those of snapshots are not asked for. */
function readSections(lines: readonly string[]): ReadonlyMap<string, readonly (readonly [string, string])[]> {
  const sections = new Map<string, (readonly [string, string])[]>()
  let name = ''
  for (const line of lines) {
    const [, section] = /^\[([^\]]*)\]\s*$/.exec(line) ?? []
    if (section !== undefined) name = section.toLowerCase()
    const [, key, value] = /^([a-z][a-z_-]*\d*):\s*(.*?)\s*$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) sections.set(name, [...(sections.get(name) ?? []), [key, value]])
  }
  return sections
}
