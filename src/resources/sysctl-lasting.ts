/** Whether kernel parameters keep their values at the next boot. */
import path from 'node:path'
import { type DirectoryFile, filesIn } from '../facts/directory-files.ts'
import { sysctlPath } from '../facts/sysctl.ts'
import { OK, type Resource } from './resource.ts'

/** Directories that systemd-sysctl reads; of two files with one name the first directory's counts. */
const DIRECTORIES = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d']

/** A value that a parameter is to keep. */
export interface LastingSetting {
  readonly name: string
  readonly value: string
}

/**
 * Ensures, by blocking, that no file of sysctl.d(5) that is read after `file` says otherwise. Files are read in the
 * order of their names, whatever their directory, and the last one wins.
 */
export function sysctlLasting(file: string, settings: readonly LastingSetting[]): Resource {
  return {
    kind: 'sysctl_lasting',
    key: `sysctl-lasting:${file}`,
    title: `nothing outranks ${file}`,
    reads: DIRECTORIES.map((directory) => filesIn(directory)),
    plan(model) {
      const later = laterFiles(
        file,
        DIRECTORIES.map((directory) => model.get(filesIn(directory))),
      )
      const wanted = new Map(settings.map(({ name, value }) => [realPath(name), value]))
      const found = later
        .flatMap(assignments)
        .find(({ name, value }) => (wanted.get(realPath(name)) ?? value) !== value)
      if (found === undefined) return OK
      const place = `${found.path}:${found.line}`
      return {
        kind: 'blocked',
        reason: `${place} sets ${found.name} = ${found.value} and is read after ${file}: it would win at the next boot`,
        hint: `take that line out, or give this task a \`file\` whose name sorts after ${path.posix.basename(found.path)}`,
      }
    },
  }
}

function laterFiles(file: string, directories: readonly (readonly DirectoryFile[])[]): readonly DirectoryFile[] {
  const name = (each: DirectoryFile) => path.posix.basename(each.path)
  const own = path.posix.basename(file)
  return directories
    .flatMap((files, rank) =>
      files.filter((each) => !directories.slice(0, rank).some((above) => above.some((o) => name(o) === name(each)))),
    )
    .filter((each) => name(each).endsWith('.conf') && name(each) > own)
}

interface Assignment extends LastingSetting {
  readonly path: string
  readonly line: number
}

/** Patterns (`net.ipv4.conf.*.forwarding`) are left out: they never outrank a parameter named in full. */
function assignments({ path: from, content }: DirectoryFile): readonly Assignment[] {
  return content
    .toString('utf8')
    .split('\n')
    .flatMap((text, index) => {
      const [, name, value = ''] = /^\s*-?([^\s=#;*?[]+)\s*=\s*(.*?)\s*$/.exec(text) ?? []
      return name === undefined ? [] : [{ path: from, line: index + 1, name, value: value.replace(/\s+/g, ' ') }]
    })
}

/** `net.ipv4.conf.all.forwarding` is another name of `net.ipv4.ip_forward`. */
function realPath(name: string): string {
  const real = sysctlPath(name)
  return real === '/proc/sys/net/ipv4/conf/all/forwarding' ? '/proc/sys/net/ipv4/ip_forward' : real
}
