/** Facts about kernel parameters. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Value as /proc/sys shows it, tabs as single spaces; undefined when there is no such parameter. */
export type SysctlState = string | undefined

/** Reads /proc/sys by built-ins alone: no process, however many parameters. */
export const sysctlFact: FactKind<SysctlState> = {
  name: 'sysctl',
  observe: (ids): Script => sh`for f in ${ids.map(sysctlPath)}; do
	v=
	if [ -e "$f" ] && IFS= read -r v < "$f"; then printf '=%s\n' "$v"; elif [ -e "$f" ]; then echo =; else echo -; fi 2>/dev/null
done`,
  parse(output, ids) {
    const lines = output.toString('utf8').split('\n')
    return ids.map((_, i) => {
      const line = lines[i] ?? '-'
      return line.startsWith('=') ? line.slice(1).trim().replace(/\s+/g, ' ') : undefined
    })
  },
}

/** Reference to a kernel parameter, in sysctl's spelling (see {@link sysctlPath}). */
export function sysctlNamed(name: string): FactRef<SysctlState> {
  return { kind: sysctlFact, id: name }
}

/**
 * File of a parameter. As in sysctl.d(5): whichever of `.` and `/` comes first is the separator, and the other
 * one is swapped, so `net.ipv4.conf.eno1/50.forwarding` means the VLAN interface `eno1.50`.
 */
export function sysctlPath(name: string): string {
  const slashFirst = /^[^./]*\//.test(name)
  const path = slashFirst ? name : name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'))
  return `/proc/sys/${path}`
}
