import { z } from 'zod'
import { pveRepository } from '../resources/pve-repository.ts'
import { defineTask } from './task-type.ts'

/** `pve_repository`: where updates of Proxmox VE come from. */
export const pveRepositoryTask = defineTask({
  name: 'pve_repository',
  summary: 'choose the package repository of Proxmox VE, and switch the others off',
  params: z.strictObject({
    channel: z
      .enum(['auto', 'enterprise', 'no-subscription', 'test'])
      .default('auto')
      .describe('`auto`: the enterprise repository with an active subscription, else the one that needs none'),
  }),
  shorthand: 'channel',
  example: `pve_repository:
  channel: no-subscription
`,
  resources: ({ channel }) => [pveRepository(channel)],
})
