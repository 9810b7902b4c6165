/** What task types see of a host: variables, templates and files of the controller. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { PvectlError, systemReason } from '../errors.ts'
import type { HostContext, InventoryView } from '../tasks/task-type.ts'
import type { TemplateFiles } from '../templates/files.ts'
import type { Scope } from '../templates/scope.ts'
import { displayPath } from '../yaml/display-path.ts'

/** Files that task types read, each read once. */
export class ControllerFiles {
  readonly #contents = new Map<string, Buffer>()
  readonly #cwd: string

  constructor(cwd: string) {
    this.#cwd = cwd
  }

  /** Reads a file, relative to `dir`. Throws PLAYBOOK_INVALID. */
  read(name: string, dir: string): Buffer {
    const file = path.resolve(dir, name)
    const known = this.#contents.get(file)
    if (known !== undefined) return known
    try {
      const content = readFileSync(file)
      this.#contents.set(file, content)
      return content
    } catch (error) {
      const shown = displayPath(file, this.#cwd)
      const reason =
        (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `cannot be read: ${systemReason(error)}`
      throw new PvectlError('PLAYBOOK_INVALID', `the file ${name} ${reason}`, {
        hint: `looked for ${shown}; paths are relative to the playbook`,
        cause: error,
      })
    }
  }
}

/** Where templates and files come from, for the plays of one file. */
export interface HostFiles {
  readonly templates: TemplateFiles
  readonly files: ControllerFiles
  /** Folder of the playbook. */
  readonly dir: string
}

/** Makes the context of a host for task types. */
export function hostContext(
  name: string,
  vars: Readonly<Record<string, unknown>>,
  scope: Scope,
  { templates, files, dir }: HostFiles,
): HostContext {
  return {
    name,
    vars,
    inventory: { hosts: scope.locals.hosts, groups: scope.locals.groups } as InventoryView,
    template: (template, locals) => templates.render(template, { ...scope.locals, ...locals }, dir),
    readFile: (file) => files.read(file, dir),
  }
}
