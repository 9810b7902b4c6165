/** What stands at a path, put back to what stood there once: a file, a symbolic link or nothing. */

import path from 'node:path'
import { dirname } from 'node:path/posix'
import { joinScripts, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { file, fileAbsent } from './file.ts'
import { fileInDirectory } from './file-in-directory.ts'
import { FIREWALL_LOADS } from './pve-firewall-write.ts'
import { OK, type Resource } from './resource.ts'

/** Directories that other resources look at as a whole, files and all. */
const LISTED = ['/etc/dnsmasq.d', '/etc/nginx/sites-enabled']

/** Ensures that `at` is as `state` says. `sensitive`: never show the content. */
export function restoredPath(at: string, state: FileState, sensitive: boolean): Resource {
  const resource = plainResource(at, state)
  const shown = sensitive ? discreet(resource) : resource
  if (FIREWALL_FILE.test(at)) return loadedByFirewall(shown)
  return LISTED.includes(path.posix.dirname(at)) ? fileInDirectory(at, shown) : touchingDirectory(at, shown)
}

/** Files that Proxmox VE's firewall reads from time to time. */
const FIREWALL_FILE = /^\/etc\/pve\/(firewall\/[^/]+|(local|nodes\/[^/]+)\/host)\.fw$/

function loadedByFirewall(resource: Resource): Resource {
  return {
    ...resource,
    plan(model) {
      const plan = resource.plan(model)
      return plan.kind === 'change' ? { ...plan, script: joinScripts([plan.script, FIREWALL_LOADS]) } : plan
    },
  }
}

function plainResource(at: string, state: FileState): Resource {
  if (state.link !== undefined) return restoredLink(at, state.link)
  if (state.type === 'absent') return fileAbsent(at)
  if (state.type === 'file') return file({ path: at, content: state.content, mode: state.mode, owner: state.owner })
  return impossible(at, `was a ${state.type === 'directory' ? 'directory' : 'special file'}, which no run replaces`)
}

function impossible(at: string, why: string): Resource {
  return {
    kind: 'file',
    key: `file:${at}`,
    title: `file ${at}`,
    reads: [],
    plan: () => ({ kind: 'blocked', reason: `${at} ${why}` }),
  }
}

const SOME_FILE = { type: 'file', content: Buffer.alloc(0), mode: '0644', owner: 'root:root' } as const

function restoredLink(at: string, target: string): Resource {
  const ref = fileAt(at)
  return {
    kind: 'symlink',
    key: `file:${at}`,
    title: `link ${at} → ${target}`,
    reads: [ref],
    plan(model) {
      const state = model.get(ref)
      if (state.link === target) return OK
      if (state.link === undefined && state.type !== 'absent' && state.type !== 'file')
        return { kind: 'blocked', reason: `${at} is no longer a link but a ${state.type}` }
      return {
        kind: 'change',
        changes: [{ summary: `link ${at} → ${target}` }],
        script: sh`pv_backup ${at}
[ -d ${dirname(at)} ] || mkdir -p -- ${dirname(at)}
rm -f -- ${`${at}.pvectl-new`}
ln -s -- ${target} ${`${at}.pvectl-new`}
mv -fT -- ${`${at}.pvectl-new`} ${at}`,
        // What it leads to may be restored by this very run; nobody reads the content through the link.
        after: [becomes(ref, { ...SOME_FILE, link: target, ctime: model.soon })],
      }
    },
  }
}

function discreet(resource: Resource): Resource {
  return {
    ...resource,
    plan(model) {
      const plan = resource.plan(model)
      if (plan.kind !== 'change') return plan
      return {
        ...plan,
        changes: plan.changes.map(({ summary, diff }) => ({
          summary: diff ? `${summary} (content not shown)` : summary,
        })),
      }
    },
  }
}

/** Daemons that watch a directory see by its time of change that a file went. */
function touchingDirectory(at: string, resource: Resource): Resource {
  const ref = fileAt(path.posix.dirname(at))
  return {
    ...resource,
    reads: [...resource.reads, ref],
    plan(model) {
      const plan = resource.plan(model)
      const directory = model.get(ref)
      if (plan.kind !== 'change' || directory.type === 'absent') return plan
      return { ...plan, after: [...plan.after, becomes(ref, { ...directory, ctime: model.soon })] }
    },
  }
}
