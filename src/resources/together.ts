/** Several files that only make sense together: written in one step, and all put back when the whole is refused. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactUpdate } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import { type Change, OK, type Plan, type PlanChange, type Resource } from './resource.ts'

/** Files of one group. */
export interface FileGroup {
  readonly key: string
  readonly title: string
  /** Each with the path that it owns. */
  readonly members: readonly { readonly path: string; readonly resource: Resource }[]
  /** Command that must accept them; `what` names it: `nginx -t`. */
  readonly validate?: { readonly what: string; readonly command: Script } | undefined
  readonly risk?: 'link' | undefined
}

/** Ensures all files of a group, or changes none of them. */
export function filesTogether(group: FileGroup): Resource {
  return {
    kind: 'file',
    key: group.key,
    title: group.title,
    claims: group.members.map(({ path }) => `file:${path}`),
    reads: group.members.flatMap(({ resource }) => resource.reads),
    plan: (model) => planGroup(group, model),
  }
}

function planGroup({ members, validate, risk }: FileGroup, model: Model): Plan {
  const paths: string[] = []
  const parts: PlanChange[] = []
  let current = model
  for (const { path, resource } of members) {
    const plan = resource.plan(current)
    if (plan.kind === 'blocked' || plan.kind === 'unknown') return plan
    if (plan.kind === 'ok') continue
    paths.push(path)
    parts.push(plan)
    current = current.with(plan.after)
  }
  if (parts.length === 0) return OK
  const changes = parts.flatMap((part, i) => part.changes.map((change) => naming(change, paths[i] ?? '')))
  const after: FactUpdate[] = parts.flatMap((part) => part.after)
  const risky = risk ?? parts.find((part) => part.risk !== undefined)?.risk
  return {
    kind: 'change',
    changes,
    script: joinScripts([
      joinScripts(paths.map((path) => sh`pv_save_undo ${path}`)),
      joinScripts(parts.map((part) => part.script)),
      ...(paths.some((path) => path.startsWith('/etc/systemd/')) ? [sh`systemctl daemon-reload`] : []),
      ...(validate === undefined ? [] : [refuse(paths, validate)]),
    ]),
    after,
    ...(risky === undefined ? {} : { risk: risky }),
  }
}

function naming(change: Change, path: string): Change {
  return change.summary.includes(path) ? change : { ...change, summary: `${path}: ${change.summary}` }
}

function refuse(paths: readonly string[], { what, command }: NonNullable<FileGroup['validate']>): Script {
  const undo = paths.map(
    (path) => sh`pv_undo_at ${path}
	rm -f -- ${path}
	if [ -e "$pv_u" ] || [ -L "$pv_u" ]; then cp -a -- "$pv_u" ${path}; fi`,
  )
  return sh`if ! pv_out=$(${command} 2>&1); then
	${joinScripts(undo, '\n\t')}
	printf '%s\n' "$pv_out" >&2
	pv_fail ${`${what} rejects the files; all of them are back as they were`}
fi`
}
