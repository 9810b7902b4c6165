/** Adopts who may do what in Proxmox VE: roles, accounts and permissions. Passwords and tokens are neither read nor written. */
import { type Listed, type PveUser, pvePermissionsRef, pveRolesRef, pveUsersRef } from '../../facts/pve-access.ts'
import type { Adopter, Finding, LeftOver, TaskDraft } from '../adopter.ts'

/** `pve_role`, `pve_user`, `pve_acl`. */
export const pveAccessAdopter: Adopter = {
  title: 'Permissions of Proxmox VE',
  reads: [pveUsersRef, pveRolesRef, pvePermissionsRef],
  adopt({ model }) {
    const users = rows(model.get(pveUsersRef)).filter(({ userid }) => userid !== 'root@pam')
    const roles = rows(model.get(pveRolesRef)).filter(({ special }) => !special)
    const acls = rows(model.get(pvePermissionsRef))
    return {
      findings: [
        ...roles.map(({ roleid, privs }) =>
          finding(`role ${roleid}`, 'pve_role', { role: roleid, privs: [...privs].sort() }),
        ),
        ...users.map((user) => finding(`account ${user.userid}`, 'pve_user', userParams(user))),
        ...acls.map(({ path, type, who, roleid, propagate }) =>
          finding(`${roleid} for ${who} on ${path}`, 'pve_acl', {
            path,
            roles: [roleid],
            [`${type}s`]: [who],
            ...(propagate ? {} : { propagate: false }),
          }),
        ),
      ],
      leftOvers: users.flatMap(secretsOf),
    }
  },
}

function finding(what: string, type: string, params: TaskDraft['params']): Finding {
  return { what, ways: [{ tasks: [{ name: `${what.charAt(0).toUpperCase()}${what.slice(1)}`, type, params }] }] }
}

function userParams({
  userid,
  comment,
  email,
  firstname,
  lastname,
  enabled,
  expire,
  groups,
}: PveUser): TaskDraft['params'] {
  const texts = Object.entries({ comment, email, firstname, lastname }).filter(([, text]) => text !== '')
  return {
    userid,
    ...Object.fromEntries(texts),
    ...(enabled ? {} : { enabled: false }),
    ...(expire === 0 ? {} : { expires: new Date(expire * 1000).toISOString().slice(0, 10) }),
    ...(groups.length === 0 ? {} : { groups }),
  }
}

function secretsOf({ userid, hasPassword, tokens }: PveUser): readonly LeftOver[] {
  return [
    ...(hasPassword ? [{ what: `password of ${userid}`, why: 'passwords are neither read nor written' }] : []),
    ...tokens.map((token) => ({ what: `API token ${token}`, why: 'its secret is known to who made it only' })),
  ]
}

/** Nothing where there is no Proxmox VE, and where it does not answer. */
function rows<Row>(listed: Listed<Row>): readonly Row[] {
  return 'rows' in listed ? listed.rows : []
}
