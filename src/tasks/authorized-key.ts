import { z } from 'zod'
import { authorizedKeys } from '../resources/authorized-keys.ts'
import { keyProblem, parseKeyLine } from '../resources/key-line.ts'
import { accountName, asList, oneOrMany, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

/** `authorized_key`: public keys that may log in as a user. */
export const authorizedKeyTask = defineTask({
  name: 'authorized_key',
  summary: "add public keys to a user's ~/.ssh/authorized_keys, or remove them",
  params: z
    .strictObject({
      user: accountName.default('root').describe('whose file it is'),
      key: oneOrMany(z.string(), 'a public key').describe(
        'public key as in a .pub file, options before it if need be, or a list of such',
      ),
      exclusive: z.boolean().default(false).describe('remove every other key from the file'),
      state: stateField,
    })
    .superRefine(({ key, exclusive, state }, context) => {
      const keys = asList(key)
      for (const [i, text] of keys.entries()) {
        const path = Array.isArray(key) ? ['key', i] : ['key']
        const message = keyProblem(text)
        if (message !== undefined) context.addIssue({ code: 'custom', path, message })
      }
      if (exclusive && state === 'absent')
        context.addIssue({ code: 'custom', path: ['exclusive'], message: 'means nothing with `state: absent`' })
    }),
  shorthand: 'key',
  example: `authorized_key:
  user: root
  key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU ada@laptop
`,
  resources: ({ user, key, exclusive, state }) => [
    authorizedKeys({ user, exclusive, state, keys: asList(key).flatMap((text) => parseKeyLine(text) ?? []) }),
  ],
})
