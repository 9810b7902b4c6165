/** Facts about configuration files: which of them somebody wrote or changed, as dpkg and ucf can tell. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A file or symbolic link, not what it holds. */
export interface ConfigurationFile {
  readonly path: string
  readonly type: 'file' | 'link' | 'other'
  /** Text of a link. */
  readonly target?: string
  /** Four octal digits. */
  readonly mode: string
  /** `user:group`. */
  readonly owner: string
  /** Bytes. */
  readonly size: number
  /**
   * `packaged`: as a Debian package brought it. `changed`: came with a package and differs from that.
   * `own`: no package knows it.
   */
  readonly origin: 'packaged' | 'changed' | 'own'
}

/** What is at a path: the file itself, or what is directly in the directory. Empty when there is nothing. */
export type ConfigurationFiles = readonly ConfigurationFile[]

const CONFFILES = '${Conffiles}\\n'

/** Any number of paths for a handful of processes; reads the lists of dpkg once. */
export const configurationFilesFact: FactKind<ConfigurationFiles> = {
  name: 'configuration-files',
  observe: (ids, mark): Script => sh`find ${ids} -maxdepth 1 ! -type d -printf '%y %m %u:%g %s\t%p\t%l\n' 2>/dev/null
echo ${mark}
find ${ids} -maxdepth 1 -type f -exec md5sum -- {} + 2>/dev/null
echo ${mark}
{ dpkg-query -W -f ${CONFFILES} 2>/dev/null; cat /var/lib/ucf/hashfile 2>/dev/null; } | grep -F ${patterns(ids)}
echo ${mark}
cat /var/lib/dpkg/info/*.list 2>/dev/null | grep -F ${patterns(ids)}
:`,
  parse(output, ids, mark) {
    const [listing = '', sums = '', recorded = '', owned = ''] = output.toString('utf8').split(`${mark}\n`)
    const known = { sums: readSums(sums), recorded: readRecorded(recorded), owned: new Set(owned.split('\n')) }
    const files = listing.split('\n').flatMap((line) => readFile(line, known))
    return ids.map((id) =>
      files
        .filter(({ path }) => path === id || path.slice(0, path.lastIndexOf('/')) === id)
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
    )
  },
}

/** Reference to the fact about a file, or about the files directly in a directory (named without a final slash). */
export function configurationIn(path: string): FactRef<ConfigurationFiles> {
  return { kind: configurationFilesFact, id: path }
}

function patterns(ids: readonly string[]): Script {
  return joinScripts(
    ids.map((id) => sh`-e ${id}`),
    ' ',
  )
}

interface Known {
  /** MD5 of what is there, by path. */
  readonly sums: ReadonlyMap<string, string>
  /** MD5 of what the package brought, by path. */
  readonly recorded: ReadonlyMap<string, string>
  readonly owned: ReadonlySet<string>
}

function readFile(line: string, { sums, recorded, owned }: Known): readonly ConfigurationFile[] {
  const [attributes = '', path = '', target = ''] = line.split('\t')
  const [type = '', mode = '', owner = '', size = ''] = attributes.split(' ')
  if (path === '') return []
  const original = recorded.get(path)
  const isKnown = original !== undefined || owned.has(path)
  const isChanged = original !== undefined && (type !== 'f' || sums.get(path) !== original)
  return [
    {
      path,
      type: type === 'f' ? 'file' : type === 'l' ? 'link' : 'other',
      ...(type === 'l' ? { target } : {}),
      mode: mode.padStart(4, '0'),
      owner,
      size: Number(size),
      origin: !isKnown ? 'own' : isChanged ? 'changed' : 'packaged',
    },
  ]
}

/** `MD5  PATH` a line. */
function readSums(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, sum = '', path = ''] = /^([0-9a-f]{32}) [ *](.+)$/.exec(line) ?? []
      return path === '' ? [] : [[path, sum] as const]
    }),
  )
}

/** dpkg has ` PATH MD5 [obsolete]`, ucf `MD5  PATH`. */
function readRecorded(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, path = '', sum = ''] = /^ (\/.+?) ([0-9a-f]{32})(?: .*)?$/.exec(line) ?? []
      const [, ucfSum = '', ucfPath = ''] = /^([0-9a-f]{32})\s+(\/.+)$/.exec(line) ?? []
      return path !== '' ? [[path, sum] as const] : ucfPath !== '' ? [[ucfPath, ucfSum] as const] : []
    }),
  )
}
