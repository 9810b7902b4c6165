import { z } from 'zod'
import { knownHost } from '../resources/known-host.ts'
import { absolutePath, asList, oneOrMany, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

const hostName = z.string().regex(/^[^\s,*?!|#@]+$/, 'must be a name or address, or [ADDRESS]:PORT')
const publicKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$/,
    'must be a public key: its type and base64',
  )

/** `known_host`: host keys by which a node recognizes another one. */
export const knownHostTask = defineTask({
  name: 'known_host',
  summary: 'let a node know the SSH host keys of another machine',
  params: z
    .strictObject({
      names: oneOrMany(hostName, 'a name or address').describe(
        'names and addresses of the machine, as ssh is called with',
      ),
      keys: oneOrMany(publicKey, 'a public key')
        .optional()
        .describe('public host keys, as in /etc/ssh/ssh_host_*_key.pub; other keys of the same types go'),
      file: absolutePath.default('/root/.ssh/known_hosts').describe('the known_hosts file on the node'),
      state: stateField,
    })
    .superRefine(({ keys, state }, context) => {
      if ((keys === undefined) === (state === 'present'))
        context.addIssue({
          code: 'custom',
          path: ['keys'],
          message: state === 'present' ? 'is missing: by which keys?' : 'does not go with `state: absent`',
        })
    }),
  example: `known_host:
  names: [pve2, 192.0.2.12]
  keys: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU
`,
  resources: ({ names, keys, file }) => [
    knownHost({
      file,
      names: asList(names).map((name) => name.toLowerCase()),
      keys: asList(keys ?? []).map((key) => key.split(' ').slice(0, 2).join(' ')),
    }),
  ],
})
