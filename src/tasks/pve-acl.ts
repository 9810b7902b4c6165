/** `pve_acl`: permissions of accounts, groups and API tokens. */
import { z } from 'zod'
import { pveAcl } from '../resources/pve-acl.ts'
import { asList, oneOrMany, stateField } from './fields.ts'
import { groupId, roleId, tokenId, userId } from './pve-fields.ts'
import { defineTask } from './task-type.ts'

/** Paths that permissions can be given on (PVE::AccessControl::check_path). */
const PATH =
  /^\/$|^\/(access(\/(groups|realm)(\/[\w.-]+)?)?|nodes(\/[\w.-]+)?|pool(\/[\w.-]+){0,3}|sdn(\/(zones(\/[\w.-]+){0,2}(\/[1-9]\d{0,3})?|(controllers|dns|fabrics|ipams|prefix-lists|route-maps)(\/[\w-]+)?))?|storage(\/[\w.-]+)?|vms(\/[1-9]\d{2,})?|mapping(\/[\w.-]+){0,2})$/

/** Who may do what, where. */
export const pveAclTask = defineTask({
  name: 'pve_acl',
  summary: 'give or take away permissions: who has which role on which path',
  params: z
    .strictObject({
      path: z
        .string()
        .regex(
          PATH,
          'must be a path of permissions: /, /vms/100, /pool/NAME, /storage/NAME, /nodes/NAME, /sdn/zones/NAME, …',
        )
        .describe('what it is about'),
      roles: oneOrMany(roleId, 'a role').describe('role or roles'),
      users: z.array(userId).default([]).describe('accounts'),
      groups: z.array(groupId).default([]).describe('groups'),
      tokens: z.array(tokenId).default([]).describe('API tokens, such as `alice@pve!ci`'),
      propagate: z.boolean().default(true).describe('it holds for everything below the path too'),
      exclusive: z.boolean().default(false).describe('take away all other roles that these have on the path'),
      state: stateField,
    })
    .superRefine(({ users, groups, tokens }, context) => {
      if (users.length + groups.length + tokens.length === 0)
        context.addIssue({ code: 'custom', message: 'needs at least one of `users`, `groups` and `tokens`' })
      const root = users.indexOf('root@pam')
      if (root >= 0)
        context.addIssue({ code: 'custom', path: ['users', root], message: 'root@pam may do everything anyway' })
    }),
  example: `pve_acl:
  path: /pool/web
  roles: [PVEVMUser]
  groups: [web]
`,
  resources({ roles, users, groups, tokens, ...rest }) {
    const subjects = [
      ...users.map((who) => ({ type: 'user' as const, who })),
      ...groups.map((who) => ({ type: 'group' as const, who })),
      ...tokens.map((who) => ({ type: 'token' as const, who })),
    ]
    return [pveAcl({ ...rest, roles: asList(roles), subjects })]
  },
})
