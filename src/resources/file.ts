/** A regular file with content, or none at a path. */
import { type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { packageAccounts } from '../facts/installation.ts'
import type { Model } from '../facts/model.ts'
import { type Access, accessChanges } from './access.ts'
import { ownerMissing, ownerReads } from './account-missing.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'
import { riskOfPath, withRisk } from './risk.ts'
import { sha256 } from './sha256.ts'

/** A file as it should be. */
export interface FileDesired {
  /** Absolute path. */
  readonly path: string
  readonly content: Buffer
  /** Four octal digits; default: `0644` for a new file, as it is for one that exists. */
  readonly mode?: string | undefined
  /** `user:group`; default `root:root` for a new file, as it is for one that exists. */
  readonly owner?: string | undefined
  /** Never show the content: the plan says only that it differs. */
  readonly sensitive?: boolean | undefined
  /** Command that must accept the new state, else the old one is put back; `what` names it: `nginx -t`. */
  readonly validate?: { readonly what: string; readonly command: Script } | undefined
  /** The step can cut the connection that carries it; default: as the path says. */
  readonly risk?: 'link' | undefined
}

/** Ensures that a file has this content, mode and owner. Written beside the target and renamed, previous content kept. */
export function file(desired: FileDesired): Resource {
  const ref = fileAt(desired.path)
  return {
    kind: 'file',
    key: `file:${desired.path}`,
    title: `file ${desired.path}`,
    reads: [ref, ...ownerReads(desired.owner)],
    plan(model) {
      const plan = planFile(desired, ref, model)
      return plan.kind === 'change' ? (ownerMissing(desired.owner, model) ?? plan) : plan
    },
  }
}

/** Ensures that there is no file or link at a path. */
export function fileAbsent(path: string, validate?: FileDesired['validate']): Resource {
  const ref = fileAt(path)
  return {
    kind: 'file',
    key: `file:${path}`,
    title: `no file ${path}`,
    reads: [ref],
    plan: (model) => planAbsent(path, validate, ref, model.get(ref)),
  }
}

/** What a step expects to find, for `pv_expect`. */
export function expected(state: FileState): string {
  if (state.type === 'file') return sha256(state.content)
  return state.type === 'absent' && state.link === undefined ? 'absent' : 'other'
}

function planFile(desired: FileDesired, ref: FactRef<FileState>, model: Model): Plan {
  const state = model.get(ref)
  if (state.type === 'directory' || state.type === 'other') {
    return {
      kind: 'blocked',
      reason: `${desired.path} is a ${state.type === 'directory' ? 'directory' : 'special file'}`,
    }
  }
  const present = state.type === 'file' ? state : undefined
  // The cluster filesystem of Proxmox VE decides over both by itself.
  const own = present !== undefined && desired.path.startsWith('/etc/pve/') ? present : undefined
  const mode = own?.mode ?? desired.mode ?? present?.mode ?? '0644'
  const owner = own?.owner ?? desired.owner ?? present?.owner ?? 'root:root'
  const sameContent = present?.content.equals(desired.content) === true
  const changes = fileChanges(desired, present, sameContent, { mode, owner })
  if (changes.length === 0) return OK
  const isBrought = expected(state) === 'absent' && model.isUncertain(packageAccounts)
  const before = isBrought ? 'packaged' : expected(state)
  const script = sameContent
    ? sh`pv_backup ${desired.path}
chown -- ${owner} ${desired.path}
chmod -- ${mode} ${desired.path}`
    : sh`pv_write ${desired.path} ${mode} ${owner} ${desired.content} ${before}${validation(desired)}`
  return {
    kind: 'change',
    changes,
    script,
    after: [becomes(ref, { ...state, type: 'file', content: desired.content, mode, owner, ctime: model.soon })],
    ...withRisk(desired.risk ?? riskOfPath(desired.path)),
  }
}

type Present = Extract<FileState, { content: Buffer }>

function fileChanges(
  desired: FileDesired,
  present: Present | undefined,
  sameContent: boolean,
  { mode, owner }: Access,
): readonly Change[] {
  const changes: Change[] = []
  if (!sameContent) {
    const summary = present === undefined ? `create ${desired.path} (${mode} ${owner})` : `edit ${desired.path}`
    const diff = { path: desired.path, before: present?.content, after: desired.content }
    changes.push(desired.sensitive === true ? { summary: `${summary} (content not shown)` } : { summary, diff })
  }
  return present === undefined ? changes : [...changes, ...accessChanges(present, { mode, owner })]
}

function validation({ path, validate }: Pick<FileDesired, 'path' | 'validate'>): Script {
  return validate === undefined
    ? sh``
    : sh`
pv_validate ${path} ${validate.what} ${validate.command}`
}

function planAbsent(path: string, validate: FileDesired['validate'], ref: FactRef<FileState>, state: FileState): Plan {
  if (state.type === 'absent' && state.link === undefined) return OK
  if (state.type === 'directory' && state.link === undefined) {
    return { kind: 'blocked', reason: `${path} is a directory` }
  }
  const isLink = state.link !== undefined
  const diff = state.type === 'file' && !isLink ? { diff: { path, before: state.content, after: undefined } } : {}
  return {
    kind: 'change',
    changes: [{ summary: isLink ? `remove the link ${path} → ${state.link}` : `remove ${path}`, ...diff }],
    script: sh`pv_remove ${path} ${expected(state)}${validation({ path, validate })}`,
    after: [becomes(ref, { type: 'absent' })],
    ...withRisk(riskOfPath(path)),
  }
}
