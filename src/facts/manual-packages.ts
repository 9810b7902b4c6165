/** Facts about the packages that somebody asked for, as apt remembers. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A package that was not installed only because another needs it. */
export interface ManualPackage {
  readonly name: string
  /** `required`, `important`, `standard`, `optional`, `extra`. */
  readonly priority: string
  /** `net`, `admin`, `kernel`, … */
  readonly section: string
}

/** One instance: the id is always empty. */
export const manualPackagesFact: FactKind<readonly ManualPackage[]> = {
  name: 'manual-packages',
  observe: () =>
    rawScript(
      "apt-mark -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= showmanual 2>/dev/null | xargs -r dpkg-query -W -f '${db:Status-Status} ${Package} ${Priority} ${Section}\\n' 2>/dev/null || :",
    ),
  parse(output, ids) {
    const packages = output
      .toString('utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([status]) => status === 'installed')
      .map(([, name = '', priority = '', section = '']) => ({ name, priority, section }))
    return ids.map(() => packages)
  },
}

/** The one reference to this fact. */
export const manualPackagesRef: FactRef<readonly ManualPackage[]> = { kind: manualPackagesFact, id: '' }
