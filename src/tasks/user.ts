import { z } from 'zod'
import { amongGroups } from '../resources/account-missing.ts'
import { user, userAbsent } from '../resources/user.ts'
import { absolutePath, accountName, oneLine, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

/** `user`: an account of the node's operating system (not one of Proxmox VE's realms). */
export const userTask = defineTask({
  name: 'user',
  summary: 'create, adjust or remove a system account',
  params: z
    .strictObject({
      name: accountName.describe('login name'),
      system: z.boolean().optional().describe('a new account gets a number below 1000, no home directory and no shell'),
      shell: absolutePath.optional().describe('login shell; default /bin/bash for a new account'),
      home: absolutePath.optional().describe('home directory; default /home/NAME for a new account'),
      create_home: z.boolean().optional().describe('make the home directory of a new account'),
      comment: oneLine
        .regex(/^[^:]*$/, 'must not contain a colon')
        .optional()
        .describe('full name or purpose'),
      groups: z.array(accountName).optional().describe('groups to be in; other memberships stay'),
      state: stateField,
    })
    .superRefine(({ name, state, shell = '' }, context) => {
      if (state === 'present' && name === 'root' && /\/(nologin|false)$/.test(shell))
        context.addIssue({
          code: 'custom',
          path: ['shell'],
          message: 'must be a shell: root could not log in any more',
        })
      if (state === 'absent' && name === 'root')
        context.addIssue({ code: 'custom', path: ['state'], message: 'root cannot be removed' })
    }),
  shorthand: 'name',
  example: `user:
  name: backup-reader
  comment: reads backups
  groups: [adm]
`,
  resources({ state, create_home, ...account }) {
    return state === 'absent'
      ? [userAbsent(account.name)]
      : [amongGroups(account.name, account.groups ?? [], user({ ...account, createHome: create_home }))]
  },
})
