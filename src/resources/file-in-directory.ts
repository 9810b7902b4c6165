/** Files whose directory others look at as a whole. */
import path from 'node:path'
import { type DirectoryFiles, filesIn } from '../facts/directory-files.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import type { Resource } from './resource.ts'

/**
 * A resource about the file at `filePath` that also tells the model what becomes of its directory: the list of files
 * (`filesIn`) and the time of change, which moves when a file is added, replaced or removed.
 */
export function fileInDirectory(filePath: string, resource: Resource): Resource {
  const directory = path.posix.dirname(filePath)
  return {
    ...resource,
    reads: [...resource.reads, filesIn(directory), fileAt(directory)],
    plan(model) {
      const plan = resource.plan(model)
      if (plan.kind !== 'change') return plan
      return { ...plan, after: [...plan.after, ...directoryAfter(filePath, directory, model, plan.after)] }
    },
  }
}

function directoryAfter(filePath: string, directory: string, model: Model, after: readonly FactUpdate[]): FactUpdate[] {
  const file = model.with(after).get(fileAt(filePath))
  const others = model.get(filesIn(directory)).filter(({ path: other }) => other !== filePath)
  const files: DirectoryFiles =
    file.type === 'file' ? [...others, { path: filePath, content: file.content }] : [...others]
  const before = model.get(fileAt(directory))
  const made = { type: 'directory', content: Buffer.alloc(0), mode: '0755', owner: 'root:root' } as const
  const state: FileState = { ...(before.type === 'absent' ? made : before), ctime: model.soon }
  return [becomes(filesIn(directory), files), becomes(fileAt(directory), state)]
}
