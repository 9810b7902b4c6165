import { z } from 'zod'
import { file, fileAbsent } from '../resources/file.ts'
import { liveSysctl } from '../resources/sysctl.ts'
import { sysctlLasting } from '../resources/sysctl-lasting.ts'
import { absolutePath, oneLine, stateField } from './fields.ts'
import { sysctlFileContent, sysctlFilePath } from './sysctl-file.ts'
import { defineTask } from './task-type.ts'

const parameterName = z
  .string()
  .regex(/^[A-Za-z0-9_-]+([./][A-Za-z0-9_:@/-]+)+$/, 'must be the name of a kernel parameter, e.g. vm.swappiness')

/** `sysctl`: kernel parameters, now and after a reboot. */
export const sysctlTask = defineTask({
  name: 'sysctl',
  summary: 'set kernel parameters, live and for the next boot',
  params: z
    .strictObject({
      settings: z
        .record(parameterName, z.union([z.number(), oneLine.min(1)]))
        .describe('parameter and value; an interface with a dot in its name is written `net.ipv4.conf.eno1/50.…`'),
      file: absolutePath
        .regex(/^\/etc\/sysctl\.d\/[^/]+\.conf$/, 'must be /etc/sysctl.d/NAME.conf')
        .default(sysctlFilePath('settings'))
        .describe('file that keeps the values; a second `sysctl` task of a host needs one of its own'),
      state: stateField.describe('`absent` removes the file; the live values stay until the next boot'),
    })
    .superRefine(({ settings }, context) => {
      if (Object.keys(settings).length === 0)
        context.addIssue({ code: 'custom', path: ['settings'], message: 'must name at least one parameter' })
    }),
  example: `sysctl:
  settings:
    vm.swappiness: 10
    net.core.rmem_max: 16777216
`,
  resources({ settings, file: path, state }) {
    if (state === 'absent') return [fileAbsent(path)]
    const list = Object.entries(settings).map(([name, value]) => ({
      name,
      value: String(value).trim().replace(/\s+/g, ' '),
    }))
    return [
      sysctlLasting(path, list),
      file({ path, content: sysctlFileContent(list), mode: '0644', owner: 'root:root' }),
      ...list.map(({ name, value }) => liveSysctl(name, value)),
    ]
  },
})
