import { z } from 'zod'
import type { BridgeSettings } from '../interfaces/bridge.ts'
import { parseCidr } from '../net/cidr.ts'
import { bridgeAbsent } from '../resources/bridge-absent.ts'
import { bridgeLink } from '../resources/bridge-link.ts'
import { interfacesStanza } from '../resources/interfaces-stanza.ts'
import { interfaceName, stateField } from './fields.ts'
import { bridgeName, commentText, hostCidr } from './interface-fields.ts'
import { defineTask } from './task-type.ts'

const params = z
  .strictObject({
    name: bridgeName.describe('`vmbr1`; PVE before 8 accepts only vmbr and a number'),
    address: z
      .union([hostCidr, z.literal('none')])
      .optional()
      .describe(
        'IPv4 address with prefix; `none` takes it away. Left out: a new bridge gets none, another keeps its own',
      ),
    ports: z
      .array(interfaceName)
      .optional()
      .describe('interfaces that are plugged in. Left out: a new bridge gets none, another keeps its own'),
    stp: z.boolean().optional().describe('spanning tree; a new bridge gets `false`, another keeps its own'),
    fd: z
      .number()
      .min(0)
      .max(30)
      .optional()
      .describe('forward delay in seconds; a new bridge without spanning tree gets 0, another keeps its own'),
    comment: commentText
      .optional()
      .describe('shown in the web interface, one line; empty removes it, left out keeps what is there'),
    autostart: z.boolean().optional().describe('up at boot; a new bridge gets `true`, another keeps its own'),
    state: stateField.describe(
      '`absent` takes away the bridge, its stanza and its NAT rules, unless guests are plugged in',
    ),
  })
  .superRefine(({ name, ports = [], stp, fd }, context) => {
    if (new Set(ports).size < ports.length)
      context.addIssue({ code: 'custom', path: ['ports'], message: 'names a port twice' })
    if (ports.includes(name))
      context.addIssue({
        code: 'custom',
        path: ['ports'],
        message: `names ${name} itself, which cannot be its own port`,
      })
    if (stp === true && fd !== undefined && fd < 2)
      context.addIssue({ code: 'custom', path: ['fd'], message: 'must be 2 to 30 with spanning tree' })
  })

/** `bridge`: a Linux bridge, in the file as PVE writes it and live. */
export const bridgeTask = defineTask({
  name: 'bridge',
  summary: 'a Linux bridge for guests, as the web interface would write it, live without a reload of the network',
  params,
  example: `bridge:
  name: vmbr1
  address: 10.10.10.1/24
  comment: Internal network
`,
  resources({ name, address, ports, stp, fd, comment, autostart, state }) {
    const settings: BridgeSettings = {
      name,
      address: address === undefined || address === 'none' ? address : parseCidr(address),
      ports,
      stp,
      forwardDelay: fd,
      comment,
      autostart,
    }
    if (state === 'absent') return bridgeAbsent(name)
    return [interfacesStanza(settings), bridgeLink(settings)]
  },
  checks: ({ name, address, state }) =>
    state === 'absent' || address === undefined || address === 'none'
      ? []
      : [{ kind: 'mtu', seat: { interface: name, network: address } }],
})
