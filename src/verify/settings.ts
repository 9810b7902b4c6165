/** The variable `verify` of a host: what checks need to know and no task says. */
import { z } from 'zod'
import { type Problem, PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { parseIp } from '../net/ip-cidr.ts'
import { explainIssues } from '../yaml/explain.ts'

const port = z.int().min(1).max(65535)
const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'must be a host name')

function isTarget6(text: string): boolean {
  const [, bracketed, port] = /^\[([\da-f:.]+)\]:(\d{1,5})$/i.exec(text) ?? []
  if (port !== undefined && Number(port) > 65535) return false
  return parseIp(bracketed ?? text)?.family === 6
}

const schema = z.strictObject({
  nat_target: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.\d+(:\d{1,5})?$/, 'must be an IPv4 address, with `:PORT` to use TCP in place of ping')
    .optional()
    .describe('what guests must reach outside; default: the gateway of the node, by ping'),
  nat_target6: z
    .string()
    .refine(isTarget6, 'must be an IPv6 address, or `[ADDRESS]:PORT` to use TCP in place of ping')
    .optional()
    .describe('the same for IPv6; default: the IPv6 gateway of the node, unless it is link-local, by ping'),
  outside_name: name
    .optional()
    .describe('a name of the world outside that guests must be able to look up; default debian.org'),
  address: z.string().min(1).optional().describe('where sites and forwards answer; default: the address of the host'),
  jump_key: z
    .string()
    .min(1)
    .optional()
    .describe('private key file for the jump account; default: the keys of the login to the host'),
  websocket_paths: z
    .record(z.string(), z.string().regex(/^\/\S*$/, 'must be a path from /'))
    .default({})
    .describe('path of the WebSocket of a site, by name of the site; default `/`'),
  closed_ports: z.array(port).default([]).describe('TCP ports of the node that must not answer to this machine'),
  closed_to_guests: z.array(port).default([]).describe('TCP ports of the node that must not answer to guests'),
})

/** The settings of one host, defaults filled in. */
export type VerifySettings = z.output<typeof schema>

/**
 * Settings of all hosts; `given` are those of plays and the command line, which come before those of the inventory.
 * Throws INVENTORY_INVALID with everything that is wrong.
 */
export function readSettings(
  hosts: readonly Host[],
  given: ReadonlyMap<string, unknown> = new Map(),
): ReadonlyMap<string, VerifySettings> {
  const settings = new Map<string, VerifySettings>()
  const problems: Problem[] = []
  for (const host of hosts) {
    const input = given.get(host.name) ?? host.vars.verify ?? {}
    const parsed = schema.safeParse(input)
    if (parsed.success) settings.set(host.name, parsed.data)
    else problems.push(...problemsOf(host, input, parsed.error, given.has(host.name)))
  }
  if (problems.length > 0) throw PvectlError.of('INVENTORY_INVALID', problems)
  return settings
}

function problemsOf(host: Host, input: unknown, error: z.ZodError, isGiven: boolean): Problem[] {
  const from = isGiven ? 'variables of the play' : host.origins.get('verify')?.from
  return explainIssues(error.issues, { schema, input, subject: 'verify' }).map(({ message, hint }) => ({
    message: `${host.name}: ${message}${from === undefined ? '' : ` (${from})`}`,
    ...(hint === undefined ? {} : { hint }),
  }))
}
