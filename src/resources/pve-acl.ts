/** Permissions of Proxmox VE: who has which role on which path. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import { type PvePermission, pveGroupsRef, pvePermissionsRef, pveRolesRef, pveUsersRef } from '../facts/pve-access.ts'
import { enumerate, refused, rowsOf, unanswered } from './pve-access.ts'
import { type Change, OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

/** Somebody who may have permissions. */
export interface Subject {
  readonly type: PvePermission['type']
  readonly who: string
}

/** Permissions as they should be. */
export interface PveAclDesired {
  /** Normalized: no slash at the end, but for `/`. */
  readonly path: string
  readonly roles: readonly string[]
  readonly subjects: readonly Subject[]
  readonly propagate: boolean
  /** These subjects have no other roles on the path. */
  readonly exclusive?: boolean | undefined
  readonly state: 'present' | 'absent'
}

/** Ensures permissions. Those of others stay. */
export function pveAcl(desired: PveAclDesired): Resource {
  const { path, roles, subjects, state } = desired
  const names = subjects.map(({ type, who }) => `${type} ${who}`).join(', ')
  return {
    kind: 'pve_acl',
    key: `pve-acl:${path} ${[...roles].sort().join(',')} ${names}`,
    title: `${state === 'absent' ? 'no ' : ''}permission ${roles.join(', ')} on ${path} for ${subjects.map(({ who }) => who).join(', ')}`,
    claims: desired.exclusive === true ? subjects.map(({ who }) => `all roles of ${who} on:${path}`) : [],
    reads: [pvePermissionsRef, pveRolesRef, pveUsersRef, pveGroupsRef] as FactRef<unknown>[],
    plan(model) {
      const why = unanswered(model, [pvePermissionsRef, pveRolesRef, pveUsersRef, pveGroupsRef])
      return why ?? (state === 'present' ? unknownNames(desired, model) : undefined) ?? planAcl(desired, model)
    },
  }
}

function planAcl(desired: PveAclDesired, model: Model): Plan {
  const { path, roles, subjects, propagate, state } = desired
  const rows = rowsOf(model, pvePermissionsRef) ?? []
  const mine = (row: PvePermission) => row.path === path && subjects.some((one) => isOf(row, one))
  const wanted = subjects.flatMap((one) => roles.map((roleid) => ({ path, ...one, roleid, propagate })))
  const added = state === 'absent' ? [] : wanted.filter((row) => !rows.some((other) => same(row, other)))
  const gone = rows.filter(
    (row) =>
      mine(row) &&
      (state === 'absent' ? roles.includes(row.roleid) : desired.exclusive === true && !roles.includes(row.roleid)),
  )
  if (added.length + gone.length === 0) return OK
  const kept = rows.filter((row) => !gone.includes(row) && !added.some((other) => samePlace(row, other)))
  return {
    kind: 'change',
    changes: [
      ...added.map((row) => ({ summary: `${row.who} gets ${row.roleid} on ${path}${reach(row)}` })),
      ...gone.map((row) => ({ summary: `${row.who} loses ${row.roleid} on ${path}` })),
      ...broad(added),
    ],
    script: joinScripts([
      ...byRole(added).map(
        ([roleid, who]) => sh`pveum acl modify ${path} ${who} --roles ${roleid} --propagate ${propagate ? 1 : 0}`,
      ),
      ...byRole(gone).map(([roleid, who]) => sh`pveum acl delete ${path} ${who} --roles ${roleid}`),
    ]),
    after: [becomes(pvePermissionsRef, { rows: [...kept, ...added] })],
  }
}

/** One call a role, with all its subjects. */
function byRole(rows: readonly PvePermission[]): readonly (readonly [string, Script])[] {
  const roles = [...new Set(rows.map(({ roleid }) => roleid))]
  return roles.map((roleid) => {
    const of = (type: Subject['type']) =>
      rows.filter((row) => row.roleid === roleid && row.type === type).map(({ who }) => who)
    const [users, groups, tokens] = [of('user'), of('group'), of('token')]
    const options = [
      ...(users.length > 0 ? [sh`--users ${users.join(',')}`] : []),
      ...(groups.length > 0 ? [sh`--groups ${groups.join(',')}`] : []),
      ...(tokens.length > 0 ? [sh`--tokens ${tokens.join(',')}`] : []),
    ]
    return [roleid, joinScripts(options, ' ')]
  })
}

function unknownNames({ roles, subjects }: PveAclDesired, model: Model): PlanBlocked | undefined {
  const users = rowsOf(model, pveUsersRef) ?? []
  const known: Record<Subject['type'], readonly string[]> = {
    user: users.map(({ userid }) => userid),
    group: rowsOf(model, pveGroupsRef) ?? [],
    token: users.flatMap(({ tokens }) => tokens),
  }
  const missing = subjects.filter(({ type, who }) => !known[type].includes(who))
  if (missing.length > 0)
    return refused(
      `there is no ${enumerate(missing.map(({ type, who }) => `${type} ${who}`))} in this cluster`,
      'create it first: pve_user makes accounts and their groups',
    )
  const roleids = (rowsOf(model, pveRolesRef) ?? []).map(({ roleid }) => roleid)
  const role = roles.find((one) => !roleids.includes(one))
  if (role === undefined) return undefined
  return refused(`there is no role ${role} in this cluster`, 'create it first by pve_role, or see `pveum role list`')
}

function broad(added: readonly PvePermission[]): readonly Change[] {
  const all = added.filter(({ path, roleid, propagate }) => path === '/' && roleid === 'Administrator' && propagate)
  return all.map(({ who }) => ({
    summary: `note: ${who} may then do everything in the whole cluster, as root@pam does`,
  }))
}

function reach({ propagate }: PvePermission): string {
  return propagate ? '' : ', not below it'
}

function isOf(row: PvePermission, { type, who }: Subject): boolean {
  return row.type === type && row.who === who
}

function samePlace(a: PvePermission, b: PvePermission): boolean {
  return a.path === b.path && a.roleid === b.roleid && isOf(a, b)
}

function same(a: PvePermission, b: PvePermission): boolean {
  return samePlace(a, b) && a.propagate === b.propagate
}
