/** `pve_user`: an account of Proxmox VE, in one of its realms. */
import { z } from 'zod'
import { Secret } from '../connection/secret.ts'
import { pveUser, pveUserAbsent } from '../resources/pve-user.ts'
import { oneLine, stateField } from './fields.ts'
import { groupId, userId } from './pve-fields.ts'
import { defineTask } from './task-type.ts'

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** An account with its groups; what it may do is given by `pve_acl`. */
export const pveUserTask = defineTask({
  name: 'pve_user',
  summary: 'create, adjust or remove an account of Proxmox VE, in any of its realms',
  params: z
    .strictObject({
      userid: userId.describe('account with its realm: `alice@pve`, `bob@pam`, `carol@ldap`'),
      comment: oneLine.max(2048).optional().describe('what the account is for'),
      email: z.email().max(254).optional().describe('address for notifications'),
      firstname: oneLine.max(1024).optional().describe('first name'),
      lastname: oneLine.max(1024).optional().describe('last name'),
      enabled: z.boolean().optional().describe('whether it may log in; a new account may'),
      expires: z
        .union([z.literal('never'), z.string().regex(DAY)], { error: 'must be a day such as 2027-01-31, or never' })
        .refine((value) => value === 'never' || !Number.isNaN(Date.parse(value)), 'is no day of the calendar')
        .optional()
        .describe('day (UTC) from which on it may not log in any more, or `never`'),
      groups: z
        .array(groupId)
        .optional()
        .describe('groups to be in; groups that are not there are made, other memberships stay'),
      password: z
        .string()
        .min(8)
        .max(64)
        .regex(/^[^\n\r\0]*$/, 'must not contain a line break')
        .optional()
        .describe(
          'first password of an account of the realm `pve`; one that has a password keeps it. Encrypt it: see the guide on secrets',
        ),
      state: stateField,
    })
    .superRefine(({ userid, state, enabled, password }, context) => {
      const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
      if (userid === 'root@pam' && state === 'absent') issue('state', 'root@pam cannot be removed')
      if (userid === 'root@pam' && enabled === false) issue('enabled', 'root@pam is not disabled by pvectl')
      if (password !== undefined && !userid.endsWith('@pve'))
        issue('password', 'only accounts of the realm pve have a password of Proxmox VE')
    }),
  shorthand: 'userid',
  example: `pve_user:
  userid: alice@pve
  comment: runs the web servers
  groups: [web]
  expires: 2027-06-30
  password: "<%= vars.alice_password %>"
`,
  resources({ state, password, expires, ...account }) {
    if (state === 'absent') return [pveUserAbsent(account.userid)]
    const expire = expires === undefined ? undefined : expires === 'never' ? 0 : Date.parse(expires) / 1000
    return [pveUser({ ...account, expire, password: password === undefined ? undefined : new Secret(password) })]
  },
})
