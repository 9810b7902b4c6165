import { z } from 'zod'
import { debianPackage } from '../resources/package.ts'
import { asList, oneOrMany, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'must be the name of a Debian package')

/** `package`: Debian packages are installed, or not. */
export const packageTask = defineTask({
  name: 'package',
  summary: 'install or remove Debian packages',
  params: z.strictObject({
    name: oneOrMany(packageName, 'the name of a Debian package').describe('name of the package, or a list of names'),
    state: stateField,
  }),
  shorthand: 'name',
  example: `package: [nginx-light, dnsmasq]
`,
  resources: ({ name, state }) => [...new Set(asList(name))].map((each) => debianPackage({ name: each, state })),
})
