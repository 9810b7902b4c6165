/** Finds the inventory that a user names. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { suggestion } from '../suggest.ts'

/** Where an inventory lies. Paths are absolute. */
export interface InventoryPlace {
  /** As the user named it. */
  readonly name: string
  /** The file with groups and hosts. */
  readonly main: string
  /** Holds `group_vars` and `host_vars`; relative paths of the main file start here. */
  readonly dir: string
  /** The folder belongs to this inventory alone, so that every file of `group_vars` must fit it. */
  readonly ownsDir: boolean
}

const EXTENSIONS = ['.yml', '.yaml']
const FOLDER = 'inventory'

/**
 * Finds `inventory/NAME.yml`, `inventory/NAME.yaml` or `inventory/NAME/hosts.yml` below `cwd`, or a file or folder by
 * path. Throws INVENTORY_INVALID that lists what was tried and what there is.
 */
export function locateInventory(nameOrPath: string, cwd: string): InventoryPlace {
  const isPath = /[\\/]|\.ya?ml$|^\.{1,2}$/.test(nameOrPath)
  const base = path.resolve(cwd, isPath ? nameOrPath : path.join(FOLDER, nameOrPath))
  const candidates = [
    ...(isPath ? [base] : EXTENSIONS.map((extension) => `${base}${extension}`)),
    ...EXTENSIONS.map((extension) => path.join(base, `hosts${extension}`)),
  ]
  const found = candidates.filter(isFile)
  const [main, other] = found
  const shown = (file: string) => path.relative(cwd, file) || '.'
  if (main === undefined) throw notFound(nameOrPath, candidates.map(shown), base, cwd)
  if (other !== undefined) {
    throw new PvectlError(
      'INVENTORY_INVALID',
      `inventory \`${nameOrPath}\` is there twice: ${found.map(shown).join(', ')}`,
      {
        hint: 'remove one, or give the path of the one you mean',
      },
    )
  }
  const dir = path.dirname(main)
  return { name: nameOrPath, main, dir, ownsDir: /^hosts\.ya?ml$/.test(path.basename(main)) }
}

/** Names of the inventories below `cwd`, sorted. */
export function inventoryNames(cwd: string): readonly string[] {
  const folder = path.join(cwd, FOLDER)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      const has = EXTENSIONS.some((extension) => isFile(path.join(folder, entry.name, `hosts${extension}`)))
      return has ? [entry.name] : []
    }
    const match = /^([^.].*)\.ya?ml$/.exec(entry.name)
    return match?.[1] === undefined ? [] : [match[1]]
  })
  return [...new Set(names)].sort()
}

function notFound(wanted: string, tried: readonly string[], base: string, cwd: string): PvectlError {
  const known = inventoryNames(cwd)
  const ini = [base, path.join(base, 'hosts'), `${base}.ini`, path.join(base, 'hosts.ini')].find(isFile)
  const isBarePath = [wanted, ...EXTENSIONS.map((extension) => path.join(wanted, `hosts${extension}`))].some((file) =>
    isFile(path.resolve(cwd, file)),
  )
  const advice = isBarePath
    ? `write ./${wanted} for the one in this folder`
    : ini === undefined
      ? suggestion(wanted, known, `inventories in ${FOLDER}/`)
      : `${path.relative(cwd, ini)} is there, but an inventory is a YAML file (.yml)`
  return new PvectlError('INVENTORY_INVALID', `there is no inventory \`${wanted}\`; tried ${tried.join(', ')}`, {
    hint: advice,
  })
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile()
  } catch {
    // Absent, or below something that is no folder.
    return false
  }
}
