import { isIP } from 'node:net'
import { z } from 'zod'
import { hostsEntry } from '../resources/hosts-entry.ts'
import { asList, oneOrMany, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

const hostName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
    'must be a host name',
  )

/** `hosts_entry`: what names stand for in /etc/hosts. */
export const hostsEntryTask = defineTask({
  name: 'hosts_entry',
  summary: 'let names stand for an address in /etc/hosts, and for no other',
  params: z.strictObject({
    address: z
      .string()
      .refine((text) => isIP(text) !== 0, 'must be an IP address')
      .describe('IPv4 or IPv6 address'),
    names: oneOrMany(hostName, 'a host name').describe(
      'name or names, the full one first; lines in which they stand for a loopback address or another one of the same family lose them',
    ),
    state: stateField,
  }),
  example: `hosts_entry:
  address: 192.0.2.11
  names: [pve1.example.org, pve1]
`,
  resources: ({ address, names, state }) => [
    hostsEntry({ address: address.toLowerCase(), names: asList(names).map((name) => name.toLowerCase()), state }),
  ],
})
