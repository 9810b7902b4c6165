/** Where this machine gets its Debian packages from, for the build of the base image. */
import { RELEASES, type Release } from './releases.ts'
import { tryRun } from './run.ts'

/** How mmdebstrap is to fetch packages. */
export interface AptSources {
  /** Lines of a sources.list. Empty: the machine has no such source, mmdebstrap's default mirror is used. */
  readonly lines: readonly string[]
  /** apt options about how to fetch: proxies, certificates, expiry. */
  readonly options: readonly string[]
}

/** Reads the machine's own apt configuration: sources of the release and what it takes to reach them. */
export async function readAptSources(release: Release): Promise<AptSources> {
  const format = ['$(REPO_URI)', '$(RELEASE)', '$(COMPONENT)', '$(ORIGIN)'].join(' ')
  const targets = await tryRun('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  const config = await tryRun('apt-config', ['dump'])
  return { lines: sourceLines(targets.stdout, release), options: fetchOptions(config.stdout) }
}

/**
 * Lines of a sources.list out of `URI SUITE COMPONENT ORIGIN` lines; foreign repositories are left out. Mirrors have all
 * releases, so those that the machine has for another one serve as well.
 */
export function sourceLines(targets: string, release: Release): readonly string[] {
  const own = linesFor(targets, release)
  if (own.length > 0) return own
  const other = Object.values(RELEASES).find((each) => linesFor(targets, each).length > 0)
  return other === undefined ? [] : linesFor(targets, other).map((line) => line.replace(` ${other}`, ` ${release}`))
}

function linesFor(targets: string, release: Release): readonly string[] {
  const suites = [release, `${release}-updates`, `${release}-security`]
  const lines = targets.split('\n').flatMap((line) => {
    const [uri = '', suite = '', component = '', origin = ''] = line.trim().split(' ')
    const isDebian = origin === 'Debian' || origin === '' || origin === '$(ORIGIN)'
    if (!isDebian || !suites.includes(suite) || component !== 'main' || uri.startsWith('cdrom:')) return []
    return [`deb ${uri} ${suite} main`]
  })
  const unique = [...new Set(lines)]
  return unique.some((line) => line.includes(` ${release} main`)) ? unique : []
}

/** The options of `apt-config dump` that decide whether fetching works on this machine. */
export function fetchOptions(dump: string): readonly string[] {
  return dump
    .split('\n')
    .filter((line) => /^Acquire::(?:https?|Check|Retries|ForceIPv)/i.test(line) && !/ "";$/.test(line))
    .map((line) => line.replace(/;$/, ''))
}
