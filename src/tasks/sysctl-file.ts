/** The text of a sysctl.d(5) file. */
import { MANAGED } from './managed.ts'

/** One kernel parameter and its value. */
export interface SysctlSetting {
  readonly name: string
  readonly value: string
  /** The parameter may be missing when the file is read, e.g. that of an interface that comes up later. */
  readonly optional?: boolean
}

/**
 * Name of a file in /etc/sysctl.d that outranks the node's own. Debian links 99-sysctl.conf to /etc/sysctl.conf, and
 * the last file in order of names wins, so `99-pvectl-…` would lose.
 */
export function sysctlFilePath(topic: string): string {
  return `/etc/sysctl.d/99-zz-pvectl-${topic}.conf`
}

/** Settings in the order given, which is the order in which the kernel gets them at boot. */
export function sysctlFileContent(settings: readonly SysctlSetting[]): Buffer {
  const lines = settings.map(({ name, value, optional }) => `${optional === true ? '-' : ''}${name} = ${value}`)
  return Buffer.from(`${MANAGED}\n${lines.join('\n')}\n`)
}
