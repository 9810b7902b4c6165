/** `pve_role`: a set of privileges by name. */
import { z } from 'zod'
import { pveRole, pveRoleAbsent } from '../resources/pve-role.ts'
import { stateField } from './fields.ts'
import { roleId } from './pve-fields.ts'
import { defineTask } from './task-type.ts'

/** A role that holds no more than it says. */
export const pveRoleTask = defineTask({
  name: 'pve_role',
  summary: 'create, adjust or remove a role of Proxmox VE: privileges by name',
  params: z
    .strictObject({
      role: roleId
        .regex(/^(?!pve)/i, 'must not begin with PVE, which Proxmox VE keeps for its own roles')
        .refine((role) => role !== 'Administrator' && role !== 'NoAccess', 'is a role of Proxmox VE itself')
        .describe('name of the role'),
      privs: z
        .array(z.string().regex(/^[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+$/, 'must be a privilege, such as VM.PowerMgmt'))
        .min(1)
        .optional()
        .describe('privileges, such as `VM.Audit`; checked against those that the version of the node has'),
      append: z.boolean().default(false).describe('keep privileges that the role has beyond these'),
      state: stateField,
    })
    .superRefine(({ privs, state }, context) => {
      if (state === 'present' && privs === undefined)
        context.addIssue({
          code: 'custom',
          path: ['privs'],
          message: 'is missing: a role without privileges is NoAccess',
        })
    }),
  example: `pve_role:
  role: GuestOperator
  privs: [VM.Audit, VM.Console, VM.PowerMgmt, VM.Snapshot]
`,
  resources({ role: roleid, privs = [], append, state }) {
    return [state === 'absent' ? pveRoleAbsent(roleid) : pveRole({ roleid, privs, append })]
  },
})
