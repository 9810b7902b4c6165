/** Parameters that the three firewall tasks have in common. */
import { z } from 'zod'
import { MAX_GROUP_NAME, MAX_SET_NAME } from '../../pve-firewall/addresses.ts'
import { CONNTRACK_HELPERS, LOG_LEVELS, OPTIONS, type OptionForm, RATE_LIMIT } from '../../pve-firewall/options.ts'
import type { FileKind } from '../../pve-firewall/sections.ts'
import { oneLine } from '../fields.ts'

const comment = oneLine.regex(/^\S(.*\S)?$/, 'must be one line without blanks at its ends')

/** Name of a set; PVE reads those in lower case. */
export const setName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]+$/, 'must be 2 or more of a-z, 0-9, _ and -, beginning with a letter')
  .max(MAX_SET_NAME)

/** Name of a security group; PVE reads those in lower case. */
export const groupName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]+$/, 'must be 2 or more of a-z, 0-9, _ and -, beginning with a letter')
  .max(MAX_GROUP_NAME)

/** Name of an alias. */
export const aliasName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]+$/, 'must be 2 or more letters, digits, _ and -, beginning with a letter')
  .max(MAX_SET_NAME)

const ports = z
  .union([z.number().int().min(0).max(65535), z.string(), z.array(z.union([z.number().int(), z.string()])).min(1)], {
    error: 'must be a port, a range such as 8000:8010, or a list of those',
  })
  .transform((value) => [value].flat().join(','))

const addresses = z
  .union([z.string(), z.array(z.string()).min(1)], { error: 'must be an address, or a list of those' })
  .transform((value) => [value].flat().join(','))

const ruleObject = z.strictObject({
  direction: z.enum(['in', 'out', 'forward']).default('in').describe('Which packets it looks at.'),
  action: z.enum(['ACCEPT', 'DROP', 'REJECT']).optional().describe('What happens to them. Default ACCEPT.'),
  group: groupName.optional().describe('Brings in the rules of this security group; only `iface` may go with it.'),
  macro: z.string().optional().describe('Protocol and ports by name: `SSH`, `Web`, `Ceph`, `Ping`, …'),
  iface: z.string().optional().describe('Interface: `vmbr0` of a node, `net0` of a guest.'),
  source: addresses.optional().describe('Address, network, range, list of those, `+set` or alias.'),
  dest: addresses.optional().describe('The same, for where packets go.'),
  proto: z
    .union([z.string(), z.number().int().transform(String)])
    .optional()
    .describe('`tcp`, `udp`, `icmp`, `icmpv6`, or the number of a protocol.'),
  dport: ports.optional().describe('Port, range `8000:8010`, or list of those; numbers only.'),
  sport: ports.optional().describe('The same, for where packets come from.'),
  icmp_type: z.string().optional().describe('Type of ICMP: `echo-request`.'),
  log: z.enum(LOG_LEVELS).optional().describe('Log what matches, at this level.'),
  comment: comment.optional().describe('What it is for; shown in the web interface.'),
  enabled: z.boolean().default(true).describe('`false` keeps the rule without effect.'),
  state: z.enum(['present', 'absent']).default('present').describe('`absent` takes rules of this meaning out.'),
})

/** A rule, in words or as a line of PVE. */
export const ruleField = z.union([z.string(), ruleObject], {
  error: 'must be a rule: a mapping, or a line such as "IN SSH(ACCEPT) -source +management"',
})

/** What {@link ruleField} reads. */
export type RuleParams = z.output<typeof ruleField>

/** Rules in order. */
export const rulesField = z
  .array(ruleField)
  .describe(
    'Rules in their order; the first one that matches decides. Rules of others stay, below these unless `position` says otherwise.',
  )

/** Where new rules go. */
export const positionField = z
  .enum(['first', 'last'])
  .default('first')
  .describe('Where new rules go among those of others: before them, as in the web interface, or after them.')

const setEntry = z.union(
  [
    z.string(),
    z.strictObject({
      address: z.string().describe('Address, network or alias.'),
      nomatch: z.boolean().optional().describe('Takes it out of a wider member of the set.'),
      comment: comment.optional().describe('What it is.'),
    }),
  ],
  { error: 'must be an address, network or alias' },
)

const fromInventory = z.strictObject({
  group: z.string().default('all').describe('Group of the inventory whose hosts are meant.'),
  addresses: z
    .array(z.string())
    .min(1)
    .default(['address'])
    .describe(
      '`address` is that of the inventory; any other name is a variable of the hosts, such as `corosync_address`.',
    ),
})

const setObject = z.strictObject({
  entries: z.array(setEntry).default([]).describe('Addresses, networks and aliases.'),
  from_inventory: fromInventory.optional().describe('Adds addresses of hosts of the inventory.'),
  comment: comment.optional().describe('What the set is for.'),
  exclusive: z.boolean().default(false).describe('Take out members that are not described.'),
  state: z.enum(['present', 'absent']).default('present').describe('`absent` takes the whole set out.'),
})

/** Sets of addresses by name. */
export const ipsetsField = z
  .record(setName, z.union([z.array(setEntry), setObject], { error: 'must be a list of addresses, or a mapping' }))
  .describe('Sets of addresses by name, as a list or a mapping. Members that others have put in stay.')

/** What {@link ipsetsField} reads of one set. */
export type SetParams = z.output<typeof ipsetsField>[string]

const aliasObject = z.strictObject({
  address: z.string().describe('Address or network.'),
  comment: comment.optional().describe('What it is.'),
})

/** Aliases by name. */
export const aliasesField = z
  .record(aliasName, z.union([z.string(), aliasObject, z.null()], { error: 'must be an address or network' }))
  .describe('Names for addresses and networks. `null` takes one out.')

const groupObject = z.strictObject({
  rules: z.array(ruleField).default([]).describe('Rules of the group, in order.'),
  comment: comment.optional().describe('What the group is for.'),
  exclusive: z.boolean().default(false).describe('Take out rules that are not described.'),
  state: z.enum(['present', 'absent']).default('present').describe('`absent` takes the whole group out.'),
})

/** Security groups by name. */
export const groupsField = z
  .record(groupName, z.union([z.array(ruleField), groupObject], { error: 'must be a list of rules, or a mapping' }))
  .describe('Security groups by name: rules that nodes and guests bring in by `group`.')

/** What {@link groupsField} reads of one group. */
export type GroupParams = z.output<typeof groupsField>[string]

/** Take out what is not described. */
export const exclusiveField = z
  .boolean()
  .default(false)
  .describe(
    'Parts that are described hold nothing else: what others have put there goes. Parts that are left out stay.',
  )

/** Write what would shut pvectl out. */
export const lockoutField = z
  .boolean()
  .default(false)
  .describe(
    "Write even what would refuse pvectl's own connection, or DHCP and DNS to guests. The guard still takes it back when nobody can confirm it.",
  )

/** Options of a kind of file, each with its own form. */
export function optionsField(file: FileKind) {
  const fields = Object.entries(OPTIONS[file]).map(([name, { form, what }]) => [
    name,
    formSchema(form)
      .optional()
      .describe(`${what[0]?.toUpperCase()}${what.slice(1)}.`),
  ])
  return z.strictObject(Object.fromEntries(fields) as Record<string, z.ZodOptional<z.ZodType<string>>>)
}

/** Each option comes out as PVE writes it. */
function formSchema(form: OptionForm): z.ZodType<string> {
  switch (form.kind) {
    case 'switch':
      return z.boolean().transform((value) => (value ? '1' : '0'))
    case 'level':
      return z.enum(LOG_LEVELS)
    case 'number': {
      const number = z.number().int().min(form.least)
      return (form.most === undefined ? number : number.max(form.most)).transform(String)
    }
    case 'words':
      return z.enum(form.words as readonly [string, ...string[]])
    case 'helpers':
      return z
        .array(z.enum(CONNTRACK_HELPERS))
        .min(1)
        .transform((list) => list.join(','))
    case 'rate':
      return z.string().regex(RATE_LIMIT, 'must look like enable=1,rate=1/second,burst=5')
  }
}
