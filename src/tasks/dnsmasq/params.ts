/** Parameters of `dnsmasq`. */
import { z } from 'zod'
import { absolutePath, interfaceName, oneLine, oneOrMany, stateField } from '../fields.ts'
import { problemsOf } from './checks.ts'

const ipv4 = z.ipv4({ error: 'must be an IPv4 address' })
const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, 'must be a name of letters, digits and hyphens, without dots')
const domainName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i,
    'must be a domain name',
  )
const recordName = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i,
    'must be a domain name, or `*.` and one',
  )
const recordAddress = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' })
// dnsmasq reads a quote as the begin of a text, and what follows a # after a blank as a comment.
const optionText = oneLine
  .min(1)
  .regex(/^(?!#)[^"]*$/, 'must have no quotes')
  .regex(/^(?!.*\s#)/, 'must have no # after a blank')
const optionValue = z.union([z.number(), optionText])

const range = z.strictObject({
  start: ipv4.describe('first address'),
  end: ipv4.describe('last address'),
  lease: z
    .string()
    .regex(/^([1-9]\d*[smhdw]?|infinite)$/, 'must be a time such as 45m, 12h or 7d, or infinite')
    .default('12h')
    .describe('how long a lease lasts: a number with s, m, h, d or w, or `infinite`; dnsmasq takes at least 2 minutes'),
})

const reservation = z.strictObject({
  mac: z
    .string()
    .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'must be a hardware address such as bc:24:11:aa:bb:cc')
    .describe('hardware address'),
  ip: ipv4.describe('the address it always gets'),
  name: label.optional().describe('host name, known to DNS at once'),
})

const dhcpOption = z.strictObject({
  option: z
    .union([z.number().int().min(1).max(254), z.string().regex(/^[a-z0-9-]+$/, 'must be the name of an option')])
    .describe('name as `dnsmasq --help dhcp` lists it, or number'),
  value: oneOrMany(optionValue, 'a number or one line of text').describe('value, or a list of them'),
})

const ipv6 = z.ipv6({ error: 'must be an IPv6 address' })

const advertisements = z.strictObject({
  subnet: z
    .string()
    .optional()
    .describe("the node's own IPv6 address on the bridge: `fd00:10::1/64`; with it, `domain` is for IPv6 names too"),
  dns: z.array(ipv6).min(1).optional().describe("name servers of the guests; default: the node's address"),
  router: z
    .boolean()
    .default(true)
    .describe('whether the node is the default router; `false` for a prefix that leads nowhere'),
})

/** What a playbook may say about dnsmasq on one bridge. */
export const dnsmasqParams = z
  .strictObject({
    interface: interfaceName.describe('bridge to serve; nothing is answered on others'),
    subnet: z
      .string()
      .optional()
      .describe("the node's own address on the bridge with the prefix length: `10.0.0.1/16`; required unless `absent`"),
    ranges: z.array(range).default([]).describe('addresses handed out by DHCP'),
    reservations: z.array(reservation).default([]).describe('guests that always get the same address'),
    router: z
      .union([ipv4, z.literal(false)])
      .optional()
      .describe("default gateway of the guests; default: the node's address; `false`: none"),
    dns: z.array(ipv4).min(1).optional().describe("name servers of the guests; default: the node's address"),
    domain: domainName.optional().describe('domain of the guests; answered here, never asked for upstream'),
    records: z
      .record(recordName, oneOrMany(recordAddress, 'an IP address'))
      .default({})
      .describe(
        'names and their addresses; one without a dot is in `domain` too; `*.apps.lab` means every name below `apps.lab`',
      ),
    aliases: z
      .record(domainName, domainName)
      .default({})
      .describe('further names of names that this dnsmasq knows (CNAME)'),
    upstream: z
      .array(
        z
          .string()
          .regex(/^[0-9a-f.:]+(#\d{1,5})?$/i, 'must be an address, with `#PORT` if it is not 53')
          .refine((text) => /^[\d.]+(#|$)/.test(text) === z.ipv4().safeParse(text.split('#')[0]).success, {
            error: 'must be an address',
          })
          .refine((text) => !text.includes('#') || isPort(/#(\d+)$/.exec(text)?.[1] ?? ''), {
            error: 'must have a port of 1 to 65535',
          }),
      )
      .default([])
      .describe('name servers to ask; default: those of the node (/etc/resolv.conf)'),
    options: z.array(dhcpOption).default([]).describe('further DHCP options for the guests'),
    authoritative: z
      .boolean()
      .default(true)
      .describe(
        'the only DHCP server of the network: guests get a new lease without waiting for an old one to run out',
      ),
    ipv6_ra: z
      .union([z.boolean(), advertisements], { error: 'must be true, false, or a mapping' })
      .default(false)
      .describe(
        'router advertisements and stateless DHCPv6 for the static IPv6 prefix (/64) of the bridge: guests choose their addresses, and learn router, name server and domain',
      ),
    extra: z.array(oneLine.min(1)).default([]).describe('further lines of dnsmasq.conf, as they are'),
    replace: z
      .array(absolutePath.regex(/^\/etc\/dnsmasq\.d\/[^/]+$/, 'must be a file in /etc/dnsmasq.d'))
      .default([])
      .describe('hand-made files whose place this task takes: they are removed, and a rollback brings them back'),
    state: stateField,
  })
  .superRefine((params, context) => {
    for (const { path, message } of problemsOf(params)) context.addIssue({ code: 'custom', path: [...path], message })
  })

/** Parameters of a `dnsmasq` task, checked. */
export type DnsmasqParams = z.output<typeof dnsmasqParams>

function isPort(text: string): boolean {
  return Number(text) >= 1 && Number(text) <= 65535
}
