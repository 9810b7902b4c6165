/** A directory with mode and owner. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { type Change, OK, type Resource } from './resource.ts'

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
    reads: [ref],
    plan(model) {
      const state = model.get(ref)
      if (state.type === 'file' || state.type === 'other')
        return { kind: 'blocked', reason: `${path} is not a directory` }
      const present = state.type === 'directory' ? state : undefined
      const mode = desired.mode ?? present?.mode ?? '0755'
      const owner = desired.owner ?? present?.owner ?? 'root:root'
      const changes: Change[] = []
      if (present === undefined) changes.push({ summary: `create directory ${path} (${mode} ${owner})` })
      else {
        if (present.mode !== mode) changes.push({ summary: `mode ${present.mode} → ${mode}` })
        if (present.owner !== owner) changes.push({ summary: `owner ${present.owner} → ${owner}` })
      }
      if (changes.length === 0) return OK
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
