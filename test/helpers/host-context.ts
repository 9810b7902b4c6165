/** A host for expanding tasks in tests: templates from the repository, controller files from memory. */
import { readFileSync } from 'node:fs'
import ejs from 'ejs'
import type { HostContext } from '../../src/tasks/task-type.ts'

/** Templates that are not among `templates` are read from the shipped ones. */
export function hostContext(
  given: {
    vars?: Record<string, unknown>
    files?: Record<string, Buffer | string>
    templates?: Record<string, string>
  } = {},
): HostContext {
  return {
    name: 'node1',
    vars: given.vars ?? {},
    template(name, locals) {
      const path = new URL(`../../templates/${name}`, import.meta.url)
      const source = given.templates?.[name] ?? readFileSync(path, 'utf8')
      return ejs.render(source, { ...locals, vars: given.vars ?? {} }, { escape: String })
    },
    readFile(path) {
      const content = given.files?.[path]
      if (content === undefined) throw new Error(`no file ${path}`)
      return Buffer.from(content)
    },
  }
}
