/** `template`: a file rendered from an EJS template. */
import { z } from 'zod'
import { file as fileResource } from '../resources/file.ts'
import { checkWith, fileMode, fileOwner, filePath, fourDigits, validateCommand } from './file/fields.ts'
import { defineTask } from './task-type.ts'

const params = z.strictObject({
  path: filePath.describe('Absolute path on the node. Missing directories above it are made.'),
  template: z
    .string()
    .min(1)
    .describe(
      'Template (EJS) beside the playbook or in its `templates` folder. It gets the variables of the host as `vars`; ' +
        'a name that is not defined is an error.',
    ),
  vars: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name such as listen_port'), z.unknown())
    .default({})
    .describe('Further values for this template, available under their own names.'),
  mode: fileMode,
  owner: fileOwner,
  sensitive: z.boolean().default(false).describe('Never show the content: the plan says only that it differs.'),
  validate: validateCommand,
})

/** A file on the node, rendered on the controller. */
export const templateTask = defineTask({
  name: 'template',
  summary: 'a file rendered from an EJS template',
  params,
  example: `template:
  path: /etc/issue
  template: issue.ejs
  vars: { contact: ops@example.org }
`,
  resources: ({ path, template, vars, mode, owner, sensitive, validate }, host) => [
    fileResource({
      path,
      content: Buffer.from(host.template(template, vars)),
      mode: fourDigits(mode),
      owner,
      sensitive,
      validate: checkWith(validate, path),
    }),
  ],
})
