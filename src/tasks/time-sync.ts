import { z } from 'zod'
import { file } from '../resources/file.ts'
import { debianPackage } from '../resources/package.ts'
import { timeService } from '../resources/time-service.ts'
import { unit } from '../resources/unit.ts'
import { asList, oneOrMany } from './fields.ts'
import { defineTask } from './task-type.ts'

const server = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'must be an address or name')
const SOURCES = '/etc/chrony/sources.d/pvectl.sources'

/** `time_sync`: the clock is kept right. */
export const timeSyncTask = defineTask({
  name: 'time_sync',
  summary: 'keep the clock of the node right',
  params: z.strictObject({
    servers: oneOrMany(server, 'an address or name')
      .optional()
      .describe(
        'time servers of your own, asked in addition to those of Debian; default: none, and any time service will do',
      ),
  }),
  example: `time_sync:
  servers: [ntp1.example.org, ntp2.example.org]
`,
  resources({ servers }) {
    if (servers === undefined) return timeService()
    const lines = asList(servers).map((name) => `server ${name} iburst\n`)
    return [
      debianPackage({ name: 'chrony', state: 'present', units: ['chrony.service'] }),
      file({ path: SOURCES, content: Buffer.from(lines.join('')) }),
      unit({
        unit: 'chrony.service',
        running: true,
        enabled: true,
        watch: { paths: [SOURCES], verb: 'restart' },
      }),
    ]
  },
})
