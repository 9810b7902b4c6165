/** Roles of Proxmox VE: sets of privileges by name. */
import { sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { pvePermissionsRef, pveRolesRef } from '../facts/pve-access.ts'
import { suggestion } from '../suggest.ts'
import { enumerate, refused, rowsOf, unanswered } from './pve-access.ts'
import { OK, type PlanBlocked, type Resource } from './resource.ts'

/** A role as it should be. */
export interface PveRoleDesired {
  readonly roleid: string
  readonly privs: readonly string[]
  /** Privileges that it has beyond these stay. */
  readonly append?: boolean | undefined
}

/** Ensures a role with these privileges. */
export function pveRole({ roleid, privs, append = false }: PveRoleDesired): Resource {
  return {
    kind: 'pve_role',
    key: `pve-role:${roleid}`,
    title: `Proxmox VE role ${roleid}`,
    reads: [pveRolesRef as FactRef<unknown>],
    plan(model) {
      const why = unanswered(model, [pveRolesRef])
      if (why !== undefined) return why
      const roles = rowsOf(model, pveRolesRef) ?? []
      const present = roles.find((role) => role.roleid === roleid)
      if (present?.special === true) return refused(`${roleid} is a role of Proxmox VE itself, and cannot be changed`)
      const unknown = unknownPrivilege(privs, roles.find((role) => role.roleid === 'Administrator')?.privs ?? privs)
      if (unknown !== undefined) return unknown
      const wanted = [...new Set([...privs, ...(append ? (present?.privs ?? []) : [])])].sort()
      const added = wanted.filter((priv) => present?.privs.includes(priv) !== true)
      const gone = (present?.privs ?? []).filter((priv) => !wanted.includes(priv))
      if (present !== undefined && added.length + gone.length === 0) return OK
      const list = wanted.join(',')
      const lines = [
        ...(added.length > 0 ? [`privileges of ${roleid}: + ${added.join(', ')}`] : []),
        ...(gone.length > 0 ? [`privileges of ${roleid}: - ${gone.join(', ')}`] : []),
      ]
      return {
        kind: 'change',
        changes: (present === undefined ? [`create the role ${roleid}: ${wanted.join(', ')}`] : lines).map(
          (summary) => ({
            summary,
          }),
        ),
        script:
          present === undefined
            ? sh`pv_o=$(pveum role add ${roleid} --privs ${list} 2>&1) || case $pv_o in
*'already exists'*) pveum role modify ${roleid} --privs ${list} ;;
*) pv_fail "$pv_o" ;;
esac`
            : sh`pveum role modify ${roleid} --privs ${list}`,
        after: [
          becomes(pveRolesRef, {
            rows: [...roles.filter((role) => role !== present), { roleid, privs: wanted, special: false }],
          }),
        ],
      }
    },
  }
}

/** Ensures that there is no such role. One that is in use is not removed: its permissions would point to nothing. */
export function pveRoleAbsent(roleid: string): Resource {
  return {
    kind: 'pve_role',
    key: `pve-role:${roleid}`,
    title: `no Proxmox VE role ${roleid}`,
    reads: [pveRolesRef, pvePermissionsRef] as FactRef<unknown>[],
    plan(model) {
      const why = unanswered(model, [pveRolesRef, pvePermissionsRef])
      if (why !== undefined) return why
      const roles = rowsOf(model, pveRolesRef) ?? []
      const present = roles.find((role) => role.roleid === roleid)
      if (present === undefined) return OK
      if (present.special) return refused(`${roleid} is a role of Proxmox VE itself, and cannot be removed`)
      const users = (rowsOf(model, pvePermissionsRef) ?? []).filter((permission) => permission.roleid === roleid)
      if (users.length > 0)
        return refused(
          `the role ${roleid} is in use: ${enumerate(users.map(({ who, path }) => `${who} on ${path}`))}`,
          'take those permissions away first (pve_acl with state: absent)',
        )
      return {
        kind: 'change',
        changes: [{ summary: `remove the role ${roleid}` }],
        script: sh`pv_o=$(pveum role delete ${roleid} 2>&1) || case $pv_o in
*'does not exist'*) ;;
*) pv_fail "$pv_o" ;;
esac`,
        after: [becomes(pveRolesRef, { rows: roles.filter((role) => role !== present) })],
      }
    },
  }
}

/** `Administrator` has all privileges that the node's version knows. */
function unknownPrivilege(privs: readonly string[], known: readonly string[]): PlanBlocked | undefined {
  const wrong = privs.find((priv) => !known.includes(priv))
  if (wrong === undefined) return undefined
  return refused(`this version of Proxmox VE has no privilege ${wrong}`, suggestion(wrong, known, 'it has', 60))
}
