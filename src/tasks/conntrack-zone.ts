import { z } from 'zod'
import { conntrackZone, conntrackZoneGone } from '../resources/conntrack-zone.ts'
import { interfaceName, stateField } from './fields.ts'
import { defineTask } from './task-type.ts'

const params = z.strictObject({
  bridge: interfaceName
    .optional()
    .describe('interface whose stanza carries the rule; default: the one with the masquerading'),
  interfaces: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_.-]{0,13}\+?$/, 'must be the name of an interface, or its beginning and +')
    .default('fwbr+')
    .describe('interfaces that packets come in by; `fwbr+` are the firewall bridges of all guests'),
  zone: z.number().int().min(1).max(65535).default(1).describe('number of the zone; 0 is that of all other packets'),
  ipv6: z.boolean().default(false).describe('the same for IPv6, for guests behind NAT66'),
  state: stateField,
})

/** `conntrack_zone`: NAT for guests that have the firewall of Proxmox VE. */
export const conntrackZoneTask = defineTask({
  name: 'conntrack_zone',
  summary: 'NAT for guests with a firewall: their firewall bridges get a connection tracking zone of their own',
  params,
  example: `conntrack_zone:
  bridge: vmbr1
`,
  resources({ bridge, interfaces, zone, ipv6, state }) {
    const families = ipv6 ? ([4, 6] as const) : ([4] as const)
    return families.map((family) => {
      const rule = { kind: 'zone', family, in: interfaces, zone } as const
      return state === 'absent' ? conntrackZoneGone(rule) : conntrackZone(rule, bridge)
    })
  },
})
