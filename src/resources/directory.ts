/** A directory with mode and owner. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { accessChanges } from './access.ts'
import { ownerMissing, ownerReads } from './account-missing.ts'
import { OK, type Resource } from './resource.ts'

/** Ensures that a directory exists. Mode and owner: default `0755 root:root` when made, as they are otherwise. */
export function directory(
  path: string,
  desired: { mode?: string | undefined; owner?: string | undefined } = {},
): Resource {
  const ref = fileAt(path)
  return {
    kind: 'directory',
    key: `file:${path}`,
    title: `directory ${path}`,
    reads: [ref, ...ownerReads(desired.owner)],
    plan(model) {
      const state = model.get(ref)
      if (state.type === 'file' || state.type === 'other')
        return { kind: 'blocked', reason: `${path} is not a directory` }
      const present = state.type === 'directory' ? state : undefined
      const mode = desired.mode ?? present?.mode ?? '0755'
      const owner = desired.owner ?? present?.owner ?? 'root:root'
      const changes =
        present === undefined
          ? [{ summary: `create directory ${path} (${mode} ${owner})` }]
          : accessChanges(present, { mode, owner })
      if (changes.length === 0) return OK
      const missing = ownerMissing(desired.owner, model)
      if (missing !== undefined) return missing
      return {
        kind: 'change',
        changes,
        script: sh`mkdir -p -- ${path}
chown -- ${owner} ${path}
chmod -- ${mode} ${path}`,
        after: [becomes(ref, { type: 'directory', content: Buffer.alloc(0), mode, owner, ctime: model.soon })],
      }
    },
  }
}
