import { z } from 'zod'
import { command } from '../resources/command.ts'
import { absolutePath } from './fields.ts'
import { defineTask } from './task-type.ts'

/** `command`: whatever there is no task type for. */
export const commandTask = defineTask({
  name: 'command',
  summary: 'run a shell command, unless it has been done already',
  params: z.strictObject({
    run: z.string().min(1).describe('shell text, run by sh as root'),
    creates: absolutePath.optional().describe('path that exists once the command has run; then it does not run again'),
    unless: z
      .string()
      .min(1)
      .optional()
      .describe('shell text that succeeds once the command has run; may only read, also in check mode; at most 30 s'),
    chdir: absolutePath.optional().describe('directory to run it in'),
    touches: z
      .array(z.string().min(1))
      .optional()
      .describe(
        'files (from `/`) and units (`nginx.service`) that it changes; without it, tasks that follow are `unknown` in check mode',
      ),
  }),
  shorthand: 'run',
  example: `command:
  run: pveam update
  creates: /var/lib/pve-manager/apl-info/download.proxmox.com
`,
  resources: (params) => [command(params)],
})
