/** Facts about kernel parameters. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Value as /proc/sys shows it, tabs as single spaces; undefined when there is no such parameter. */
export type SysctlState = string | undefined

/** All parameters by one grep: sh's own `read` gets a byte at a time, and /proc/sys answers only the first. */
export const sysctlFact: FactKind<SysctlState> = {
  name: 'sysctl',
  observe: (ids): Script => sh`grep -s '' -- ${ids.map(sysctlPath)} /dev/null || :`,
  parse(output, ids) {
    const lines = output.toString('utf8').split('\n')
    return ids.map((id) => {
      const prefix = `${sysctlPath(id)}:`
      const line = lines.find((candidate) => candidate.startsWith(prefix))
      return line?.slice(prefix.length).trim().replace(/\s+/g, ' ')
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
