/** Shape of inventory files. */
import { isIP } from 'node:net'
import { z } from 'zod'

const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const DOMAIN_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/
const JUMP = /^(?:[^@\s,]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s,:@[\]]+)(?::\d{1,5})?$/

/** True for an IPv4 or IPv6 address or a name that DNS could know. */
export function isAddress(text: string): boolean {
  if (isIP(text) !== 0) return true
  return DOMAIN_NAME.test(text) && !/^[\d.]+$/.test(text)
}

const address = z
  .string()
  .refine(isAddress, { error: ({ input }) => addressComplaint(String(input)) })
  .describe('IP address or DNS name to connect to; default: the name of the host')

function addressComplaint(text: string): string {
  const reason = text.includes('/')
    ? ', without prefix length'
    : /^[^:]+:\d+$/.test(text)
      ? '; the port goes into `port`'
      : text.includes('@')
        ? '; the user goes into `user`'
        : ''
  return `must be an IP address or a DNS name${reason}, not ${JSON.stringify(text)}`
}

const pathOrPaths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])

const connectionFields = {
  user: z
    .string()
    .regex(/^[^\s:@]+$/, 'must be a user name')
    .optional()
    .describe('login user; default root'),
  port: z.number().int().min(1).max(65535).optional().describe('port of sshd; default 22'),
  key: pathOrPaths
    .optional()
    .describe(
      'private key file or files; ~ and paths relative to the inventory are allowed; default: the agent and the usual files in ~/.ssh',
    ),
  known_hosts: pathOrPaths
    .optional()
    .describe(
      'known_hosts file or files that vouch for the host; default ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts',
    ),
  jump: z
    .union([z.string().regex(JUMP, 'must be a host of the inventory or [user@]address[:port]'), z.literal(false)])
    .optional()
    .describe('host to connect through: the name of another host, or [user@]address[:port]; false for none'),
  become: z.boolean().optional().describe('run as root by sudo, for users other than root; default false'),
  connect_timeout: z
    .number()
    .positive()
    .max(600)
    .optional()
    .describe('seconds for connecting and logging in; default 15'),
}

const vars = z.record(z.string(), z.unknown()).nullable().optional().describe('variables, as plain data')

const host = z
  .strictObject({ address: address.optional(), ...connectionFields, vars })
  .nullable()
  .describe('a host; may be left empty')

const hostName = z
  .string()
  .regex(HOST_NAME, 'must consist of letters, digits, `.`, `_` and `-` (a range such as node[1:3] is not expanded)')
const groupName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'must consist of letters, digits, `_` and `-`, and not begin with a digit')

interface GroupShape {
  readonly connection?: unknown
  readonly vars?: unknown
  readonly hosts?: unknown
  readonly children?: unknown
}

const group: z.ZodType<GroupShape | null> = z
  .strictObject({
    connection: z
      .strictObject(connectionFields)
      .nullable()
      .optional()
      .describe('how to connect to the hosts of this group'),
    vars,
    hosts: z.record(hostName, host).nullable().optional().describe('hosts that belong to this group directly'),
    get children() {
      return z.record(groupName, group).nullable().optional().describe('groups within this group')
    },
  })
  .nullable()
  .meta({ id: 'group', description: 'a group of hosts' })

/** An inventory file: its groups, usually only `all`. */
export const inventorySchema = z.record(groupName, group)
