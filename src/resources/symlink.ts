/** A symbolic link. */
import { dirname } from 'node:path/posix'
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { OK, type Plan, type Resource } from './resource.ts'
import { riskOfPath, withRisk } from './risk.ts'

/** Ensures that `path` is a symbolic link with the text `target`. A file or directory in its place blocks. */
export function symlink(path: string, target: string): Resource {
  const ref = fileAt(path)
  const targetRef = fileAt(target)
  return {
    kind: 'symlink',
    key: `file:${path}`,
    title: `link ${path} → ${target}`,
    reads: [ref, targetRef],
    plan: (model) => planSymlink(path, target, model.get(ref), model),
  }
}

function planSymlink(path: string, target: string, state: FileState, model: Model): Plan {
  if (state.link === target) return OK
  if (state.link === undefined && state.type !== 'absent') {
    return {
      kind: 'blocked',
      reason: `${path} exists and is not a symbolic link`,
      hint: `move it away, or make it the link: ln -sfn ${target} ${path}`,
    }
  }
  const before = state.link === undefined ? '' : ` (was → ${state.link})`
  const pointee = model.get(fileAt(target))
  const after: FileState =
    pointee.type === 'absent' ? { type: 'absent', link: target } : { ...pointee, link: target, ctime: model.soon }
  return {
    kind: 'change',
    changes: [{ summary: `link ${path} → ${target}${before}` }],
    script: sh`pv_backup ${path}
[ -d ${dirname(path)} ] || mkdir -p -- ${dirname(path)}
ln -sfn -- ${target} ${path}`,
    after: [becomes(fileAt(path), after)],
    ...withRisk(riskOfPath(path)),
  }
}
