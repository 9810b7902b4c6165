import { z } from 'zod'
import type { FactRef } from '../facts/fact.ts'
import { installation } from '../facts/installation.ts'
import { unitNamed } from '../facts/unit.ts'
import { debianPackage, type PackageDesired } from '../resources/package.ts'
import type { Resource } from '../resources/resource.ts'
import { asList, oneOrMany, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'must be the name of a Debian package')
const unitName = z
  .string()
  .regex(/^[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|path)$/, 'must be a unit with its suffix, such as chrony.service')

/** Without any of these nobody logs in, or no link comes up at the next boot; a revert brings no package back. */
const WAY_IN: ReadonlySet<string> = new Set(['openssh-server', 'ifupdown2', 'iproute2', 'proxmox-ve', 'pve-manager'])

/** `package`: Debian packages are installed, or not. */
export const packageTask = defineTask({
  name: 'package',
  summary: 'install or remove Debian packages',
  params: z
    .strictObject({
      name: oneOrMany(packageName, 'the name of a Debian package').describe('name of the package, or a list of names'),
      units: z
        .array(unitName)
        .optional()
        .describe(
          'units that the packages bring and later tasks start: they are held back meanwhile, so that none runs with a default configuration, and check mode knows them on a fresh node',
        ),
      state: stateField,
    })
    .superRefine(({ name, state }, context) => {
      const needed = asList(name).filter((each) => state === 'absent' && WAY_IN.has(each))
      for (const each of needed)
        context.addIssue({
          code: 'custom',
          path: ['name'],
          message: `must not be ${each}, without which nobody reaches the node`,
        })
    }),
  shorthand: 'name',
  example: `package: [nginx-light, dnsmasq]
`,
  resources: ({ name, units, state }) =>
    [...new Set(asList(name))].map((each) =>
      units === undefined ? guessing({ name: each, state }) : debianPackage({ name: each, state, units }),
    ),
})

/** Whatever an installation brings is unknown, and a removal may take the unit of the same name away. */
function guessing(desired: PackageDesired): Resource {
  const resource = debianPackage(desired)
  const disturbs: readonly FactRef<unknown>[] = [
    desired.state === 'present' ? installation : (unitNamed(`${desired.name}.service`) as FactRef<unknown>),
  ]
  return {
    ...resource,
    plan(model) {
      const plan = resource.plan(model)
      if (plan.kind !== 'change' || plan.disturbs === 'anything') return plan
      return { ...plan, disturbs: [...(plan.disturbs ?? []), ...disturbs] }
    },
  }
}
