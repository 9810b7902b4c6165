/** Puts a start of playbooks, inventory and templates into a folder. Never touches a file that is there. */
import { constants } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError, systemReason } from '../errors.ts'
import { packageRoot } from '../package-root.ts'

/** What became of each file, paths relative to the folder. */
export interface ScaffoldReport {
  readonly directory: string
  readonly created: readonly string[]
  /** Were there already, and are as they were. */
  readonly kept: readonly string[]
}

/** What is copied: files, and folders with all that is in them. */
const SHIPPED = ['inventory/prod.yml', 'inventory/examples', 'playbooks', 'templates', 'schemas'] as const

/** Copies the shipped example files. `from` is the folder they come from, the package itself by default. */
export async function scaffold(directory: string, from: string = packageRoot()): Promise<ScaffoldReport> {
  const files = (await Promise.all(SHIPPED.map((entry) => filesOf(from, entry)))).flat().sort()
  const created: string[] = []
  const kept: string[] = []
  for (const file of files) {
    const isNew = await copyNew(path.join(from, file), path.join(directory, file))
    if (isNew) created.push(file)
    else kept.push(file)
  }
  return { directory, created, kept }
}

async function filesOf(root: string, entry: string): Promise<string[]> {
  if (path.extname(entry) !== '') return [entry]
  const found = await readdir(path.join(root, entry), { recursive: true, withFileTypes: true }).catch(() => [])
  return found.filter((item) => item.isFile()).map((item) => path.relative(root, path.join(item.parentPath, item.name)))
}

/** True when the file was not there before. */
async function copyNew(source: string, target: string): Promise<boolean> {
  try {
    await mkdir(path.dirname(target), { recursive: true })
    await copyFile(source, target, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && !message.includes('mkdir')) return false
    throw new PvectlError('USAGE', `cannot write ${target}: ${systemReason(error)}`, {
      hint: 'name another folder: pvectl init DIR',
    })
  }
}

/** What to tell the user, next steps included. */
export function scaffoldText({ directory, created, kept }: ScaffoldReport, cwd: string): string {
  const place = path.relative(cwd, directory)
  const lines = [...created.map((file) => `created  ${file}`), ...kept.map((file) => `kept     ${file}`)]
  const steps = [
    ...(place === '' ? [] : [`cd ${place}`]),
    'edit inventory/prod.yml: addresses of your nodes, and their variables',
    'pvectl check --inventory prod     # what would change',
    'pvectl apply --inventory prod     # make it so',
  ]
  return [...lines, '', 'Next:', ...steps.map((step, index) => `  ${index + 1}. ${step}`)].join('\n')
}
