/** Parameters of `jump_user`. */
import { z } from 'zod'
import { keyProblem, parseKeyLine } from '../../resources/key-line.ts'
import { accountName, oneLine, portNumber, stateField } from '../fields.ts'

const destination = z
  .string()
  .regex(
    /^(\[[0-9a-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:([1-9]\d{0,4}))?$/i,
    'must be an address or name, with `:PORT` or without; an IPv6 address stands in brackets',
  )

/** What a playbook may say about a jump user. */
export const jumpUserParams = z
  .strictObject({
    name: accountName
      .refine((name) => name !== 'root', { error: 'must not be root, who would then have no shell' })
      .default('jump')
      .describe('login name'),
    keys: z
      .array(z.string())
      .default([])
      .describe('public keys that may log in, as in a .pub file; required unless `absent`'),
    exclusive: z
      .boolean()
      .default(false)
      .describe('only these keys: what stands in ~/.ssh/authorized_keys of the account no longer counts'),
    permit_open: z
      .array(destination)
      .default([])
      .describe(
        'where it may go: `10.0.0.20:22`, `[fd00::20]:22`, `web1.lab.internal`. sshd compares the text that the client asks for and knows no subnets; required unless `absent`',
      ),
    ports: z.array(portNumber).min(1).default([22]).describe('ports of the entries of `permit_open` that name none'),
    comment: oneLine
      .regex(/^[^:]*$/, 'must not contain a colon')
      .default('jump host access, no shell')
      .describe('purpose, as in /etc/passwd'),
    state: stateField.describe('`absent` removes account, keys and settings'),
  })
  .superRefine((params, context) => {
    const add = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (params.state === 'absent') return
    if (params.keys.length === 0) add(['keys'], 'must name at least one public key')
    if (params.permit_open.length === 0) add(['permit_open'], 'must name at least one address')
    for (const [i, text] of params.permit_open.entries()) {
      if (Number(/:(\d+)$/.exec(text)?.[1] ?? 1) > 65535) add(['permit_open', i], 'has a port beyond 65535')
    }
    const blobs = params.keys.map((key) => parseKeyLine(key)?.blob)
    for (const [i, key] of params.keys.entries()) {
      const first = blobs.indexOf(blobs[i])
      const problem = keyProblem(key)
      if (problem !== undefined) add(['keys', i], problem)
      else if (parseKeyLine(key)?.options !== '')
        add(['keys', i], 'must have no options: this task sets what it may do')
      else if (first !== i) add(['keys', i], `is key ${first + 1} again`)
    }
  })

/** Parameters of a `jump_user` task, checked. */
export type JumpUserParams = z.output<typeof jumpUserParams>

/** Every `host:port` that the user may reach, as sshd's PermitOpen spells it. */
export function permittedDestinations({ permit_open: given, ports }: JumpUserParams): readonly string[] {
  const all = given.flatMap((text) =>
    /(^[^:[]+|\]):\d+$/.test(text) ? [text] : ports.map((port) => `${text}:${port}`),
  )
  return [...new Set(all)]
}
