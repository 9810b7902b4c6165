/** Sites of nginx as Debian lays them out: a file in sites-available and a link to it in sites-enabled. */
import { dirname } from 'node:path/posix'
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { filesIn } from '../facts/directory-files.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { fileAbsent, file as fileResource } from './file.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

/** Directory of the links that nginx reads. Its own change time tells when a site was added or removed. */
export const SITES_ENABLED = '/etc/nginx/sites-enabled'
const SITES_AVAILABLE = '/etc/nginx/sites-available'
/** The main file of nginx. */
export const NGINX_CONF = '/etc/nginx/nginx.conf'

/** Path of a site's file, for what watches its content. */
export function siteFile(name: string): string {
  return `${SITES_AVAILABLE}/${name}`
}

/** Accepts the whole configuration, or fails and says why. Does not touch a running nginx. */
export const NGINX_TEST = sh`nginx -t -q`

/**
 * Ensures that a site is there with this content and enabled. One step for the file, the link and `nginx -t`, so that a
 * site that nginx rejects leaves neither a file nor a link that would keep nginx from its next start.
 */
export function nginxSite(name: string, content: Buffer): Resource {
  const path = siteFile(name)
  const link = `${SITES_ENABLED}/${name}`
  const inner = fileResource({ path, content, mode: '0644', owner: 'root:root' })
  return {
    kind: 'nginx_site',
    key: `file:${path}`,
    claims: [`file:${link}`],
    title: `nginx site ${name}`,
    reads: [fileAt(path), fileAt(link), fileAt(SITES_ENABLED), fileAt(NGINX_CONF)],
    plan: (model) => planSite(path, link, inner, model),
  }
}

/** Ensures that a site is neither enabled nor there. */
export function nginxSiteAbsent(name: string): Resource {
  const path = siteFile(name)
  const link = `${SITES_ENABLED}/${name}`
  const inner = fileAbsent(path)
  return {
    kind: 'nginx_site',
    key: `file:${path}`,
    claims: [`file:${link}`],
    title: `no nginx site ${name}`,
    reads: [fileAt(path), fileAt(link), fileAt(SITES_ENABLED)],
    plan(model) {
      const unlink = planUnlink(link, model.get(fileAt(link)), model)
      const remove = inner.plan(model)
      return unlink === undefined ? remove : both(unlink, remove)
    },
  }
}

/**
 * Ensures that the default site of Debian's package is not enabled. Only the package's own link goes; the file in
 * sites-available stays, and a site that somebody put in the link's place is left alone.
 */
export function nginxDefaultSiteDisabled(): Resource {
  const link = `${SITES_ENABLED}/default`
  return {
    kind: 'nginx_site',
    key: `file:${link}`,
    shared: true,
    title: "no nginx site default (the package's own)",
    reads: [fileAt(link), fileAt(SITES_ENABLED)],
    plan(model) {
      const state = model.get(fileAt(link))
      const own = state.link === siteFile('default') || state.link === '../sites-available/default'
      return own ? (planUnlink(link, state, model) ?? OK) : OK
    },
  }
}

/** What Debian's nginx packages bring, for planning before they are installed (nginx-common's postinst). */
export function nginxPackageBrings(): readonly FactUpdate[] {
  const present = { content: Buffer.alloc(0), owner: 'root:root', ctime: 0 } as const
  return [
    becomes(fileAt(SITES_ENABLED), { type: 'directory', mode: '0755', ...present }),
    becomes(fileAt(`${SITES_ENABLED}/default`), {
      type: 'file',
      link: siteFile('default'),
      mode: '0644',
      ...present,
    }),
  ]
}

function planSite(path: string, link: string, inner: Resource, model: Model): Plan {
  const conf = model.get(fileAt(NGINX_CONF))
  if (conf.type === 'file' && !conf.content.includes('sites-enabled')) {
    return {
      kind: 'blocked',
      reason: `${NGINX_CONF} does not include ${SITES_ENABLED}`,
      hint: `add to its http block: include ${SITES_ENABLED}/*;`,
    }
  }
  const linked = model.get(fileAt(link))
  if (linked.link === undefined && linked.type !== 'absent') {
    return { kind: 'blocked', reason: `${link} exists and is not a symbolic link`, hint: 'move it away' }
  }
  const write = inner.plan(model)
  if (write.kind === 'blocked' || write.kind === 'unknown') return write
  const changes: Change[] = write.kind === 'change' ? [...write.changes] : []
  if (linked.link !== path) changes.push({ summary: `link ${link} → ${path}` })
  if (changes.length === 0) return OK
  const after = write.kind === 'change' ? write.after : []
  return {
    kind: 'change',
    changes,
    script: siteScript(path, link, linked.link, write.kind === 'change' ? write.script : sh`:`),
    after: [...after, ...linkUpdates(link, { ...linkTarget(path, after, model), link: path }, model)],
  }
}

function siteScript(path: string, link: string, before: string | undefined, write: Script): Script {
  const back = before === undefined ? sh`rm -f -- ${link}` : sh`ln -sfn -- ${before} ${link}`
  const enable = sh`pv_backup ${link}
[ -d ${dirname(link)} ] || mkdir -p -- ${dirname(link)}
ln -sfn -- ${path} ${link}`
  const linked = before === path
  return sh`pv_save_undo "$(pv_real ${path})"
${write}
${linked ? sh`:` : enable}
if ! pv_out=$(${NGINX_TEST} 2>&1); then
	${linked ? sh`:` : back}
	pv_undo ${path}
	printf '%s\n' "$pv_out" >&2
	pv_fail ${`nginx -t rejects the new ${path}; the previous state is back`}
fi`
}

/** State of the file the link leads to, as it will be. */
function linkTarget(path: string, after: readonly FactUpdate[], model: Model): FileState {
  return (after.find(({ ref }) => ref.id === path)?.state as FileState | undefined) ?? model.get(fileAt(path))
}

function linkUpdates(link: string, state: FileState, model: Model): readonly FactUpdate[] {
  const directory = model.get(fileAt(SITES_ENABLED))
  const touched: FileState =
    directory.type === 'directory'
      ? { ...directory, ctime: model.soon }
      : { type: 'directory', content: Buffer.alloc(0), mode: '0755', owner: 'root:root', ctime: model.soon }
  return [becomes(fileAt(link), state), becomes(fileAt(SITES_ENABLED), touched), ...listed(link, state, model)]
}

/** What becomes of the list of enabled sites, for those who look at it. */
function listed(link: string, state: FileState, model: Model): readonly FactUpdate[] {
  const ref = filesIn(SITES_ENABLED)
  if (!model.has(ref)) return []
  const others = model.get(ref).filter(({ path }) => path !== link)
  return [becomes(ref, state.type === 'file' ? [...others, { path: link, content: state.content }] : others)]
}

function planUnlink(link: string, state: FileState, model: Model): (Plan & { kind: 'change' }) | undefined {
  if (state.link === undefined) return undefined
  return {
    kind: 'change',
    changes: [{ summary: `remove the link ${link} → ${state.link}` }],
    script: sh`[ ! -L ${link} ] || { pv_backup ${link}; rm -f -- ${link}; }`,
    after: linkUpdates(link, { type: 'absent' }, model),
  }
}

function both(first: Plan & { kind: 'change' }, second: Plan): Plan {
  if (second.kind !== 'change') return second.kind === 'ok' ? first : second
  return {
    ...second,
    changes: [...first.changes, ...second.changes],
    script: joinScripts([first.script, second.script]),
    after: [...first.after, ...second.after],
  }
}
