/** Facts about Debian packages. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Whether a package is installed and configured. */
export interface PackageState {
  readonly installed: boolean
  /** Version, where it is installed. */
  readonly version?: string
}

const FORMAT = '${Package} ${db:Status-Status} ${Version}\\n'

/** All packages that a run asks for, by one dpkg-query. */
export const packageFact: FactKind<PackageState> = {
  name: 'package',
  observe: (ids): Script => sh`dpkg-query -W -f ${FORMAT} ${ids} 2>/dev/null || :`,
  parse(output, ids) {
    const rows = output
      .toString('utf8')
      .split('\n')
      .map((line) => line.split(' '))
    return ids.map((id) => {
      const row = rows.find(([name, status]) => name === id && status === 'installed')
      return row?.[2] === undefined ? { installed: false } : { installed: true, version: row[2] }
    })
  },
}

/** Reference to the fact about a package. */
export function packageNamed(name: string): FactRef<PackageState> {
  return { kind: packageFact, id: name }
}
