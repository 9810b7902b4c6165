import { z } from 'zod'
import { unit } from '../resources/unit.ts'
import { absolutePath } from './fields.ts'
import { defineTask } from './task-type.ts'

const UNIT_SUFFIX = /\.(service|socket|timer|path|target|mount|automount|swap|slice|scope)$/

/**
 * `service`: a systemd unit runs and is enabled, or not. There is no `restarted`, since that is not a state: a run
 * could not tell whether it has been done. `restart_on` and `reload_on` say what a restart is for instead.
 */
export const serviceTask = defineTask({
  name: 'service',
  summary: 'start, stop, enable, disable a systemd unit, and restart it when its files have changed',
  params: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9:_.\\@-]+$/, 'must be the name of a unit')
        .describe('the unit; without a suffix, `.service` is meant'),
      state: z.enum(['started', 'stopped']).optional().describe('whether it runs; default: as it is'),
      enabled: z.boolean().optional().describe('whether it starts at boot; default: as it is'),
      restart_on: z
        .array(absolutePath)
        .optional()
        .describe('files whose change makes a running unit restart: those newer than its start'),
      reload_on: z.array(absolutePath).optional().describe('as `restart_on`, for a unit that can reload'),
    })
    .superRefine((params, context) => {
      if (Object.keys(params).length === 1)
        context.addIssue({ code: 'custom', message: 'says nothing about the unit: give `state` or `enabled`' })
      if (params.restart_on !== undefined && params.reload_on !== undefined)
        context.addIssue({ code: 'custom', path: ['reload_on'], message: 'give `restart_on` or `reload_on`, not both' })
    }),
  shorthand: 'name',
  example: `service:
  name: nginx
  state: started
  enabled: true
  reload_on: [/etc/nginx/nginx.conf]
`,
  resources({ name, state, enabled, restart_on, reload_on }) {
    const paths = restart_on ?? reload_on
    const verb = restart_on === undefined ? ('reload' as const) : ('restart' as const)
    return [
      unit({
        unit: UNIT_SUFFIX.test(name) ? name : `${name}.service`,
        running: state === undefined ? undefined : state === 'started',
        enabled,
        watch: paths === undefined ? undefined : { paths, verb },
      }),
    ]
  },
})
