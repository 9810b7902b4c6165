/** Finds the playbook that a user names. */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { packageRoot } from '../package-root.ts'
import { suggestion } from '../suggest.ts'
import { displayPath } from '../yaml/display-path.ts'

const FOLDER = 'playbooks'

/**
 * Finds a playbook by path, or by name in `playbooks/` of `cwd` and then among the shipped ones. Returns its absolute
 * path. Throws PLAYBOOK_INVALID that lists what was tried and what there is.
 */
export function locatePlaybook(nameOrPath: string, cwd: string): string {
  const candidates = candidateFiles(nameOrPath, cwd)
  const found = candidates.find(isFile)
  if (found !== undefined) return found
  if (candidates.some(isFolder))
    throw new PvectlError('PLAYBOOK_INVALID', `${nameOrPath} is a folder, and a playbook is a file`, {
      hint: suggestion(nameOrPath, playbookNames(cwd), 'playbooks'),
    })
  const tried = candidates.map((file) => displayPath(file, cwd)).join(', ')
  throw new PvectlError('PLAYBOOK_INVALID', `there is no playbook \`${nameOrPath}\`; tried ${tried}`, {
    hint: suggestion(nameOrPath, playbookNames(cwd), 'playbooks'),
  })
}

/** Names of the playbooks below `cwd` and of the shipped ones, sorted. */
export function playbookNames(cwd: string): readonly string[] {
  const names = folders(cwd).flatMap((folder) => {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
    return readdirSync(folder).flatMap((file) => {
      const name = /^([^.].*)\.ya?ml$/.exec(file)?.[1]
      return name !== undefined && isFile(path.join(folder, file)) ? [name] : []
    })
  })
  return [...new Set(names)].sort()
}

function candidateFiles(nameOrPath: string, cwd: string): readonly string[] {
  const isPath = /[\\/]|\.ya?ml$/.test(nameOrPath)
  const named = folders(cwd).flatMap((folder) =>
    isPath
      ? [path.join(folder, nameOrPath)]
      : ['.yml', '.yaml'].map((extension) => path.join(folder, `${nameOrPath}${extension}`)),
  )
  // A path is meant as it stands; a bare file name may also be one of the folder of playbooks.
  if (/[\\/]/.test(nameOrPath)) return [path.resolve(cwd, nameOrPath)]
  return isPath ? [path.resolve(cwd, nameOrPath), ...named] : named
}

function folders(cwd: string): readonly string[] {
  return [...new Set([path.join(cwd, FOLDER), path.join(packageRoot(), FOLDER)])]
}

function isFolder(file: string): boolean {
  try {
    return statSync(file).isDirectory()
  } catch {
    return false
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile()
  } catch {
    // Absent, or below something that is no folder.
    return false
  }
}
