import { z } from 'zod'
import { PHYSICAL } from '../interfaces/place.ts'
import { parseIpv4 } from '../net/subnet.ts'
import { linkGone } from '../resources/link-absent.ts'
import { vxlanLink, vxlanStanza } from '../resources/vxlan-link.ts'
import { stateField } from './fields.ts'
import {
  address6Field,
  addressField,
  autostartField,
  commentField,
  linkName,
  mtuField,
  readAddresses,
} from './interface-fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

/** `vxlan`: a network of guests that spans nodes, over a network that the nodes share. */
export const vxlanTask = defineTask({
  name: 'vxlan',
  summary: 'a tunnel between nodes (VXLAN), so that a bridge on each is one network of guests',
  params: z
    .strictObject({
      name: linkName
        .refine((name) => !name.includes('.'), 'must not look like a VLAN')
        .describe('`vxlan100`, or any word; name it as port of a bridge without VLANs'),
      id: z
        .number()
        .int()
        .min(1)
        .max(16777214)
        .optional()
        .describe('number of the network, the same on all nodes, 1 to 16777214'),
      peers: z
        .array(z.string().refine((text) => parseIpv4(text) !== undefined, 'must be an IPv4 address'))
        .min(1)
        .optional()
        .describe('IPv4 addresses of the nodes; one list may serve all, since a node leaves itself out'),
      address: addressField,
      address6: address6Field,
      mtu: mtuField.describe(
        'bytes of a packet, 50 less than those of the network between the nodes. A new tunnel gets 1450, another keeps its own',
      ),
      comment: commentField,
      autostart: autostartField,
      state: stateField,
    })
    .superRefine(({ peers }, context) => {
      if (peers !== undefined && new Set(peers).size < peers.length)
        context.addIssue({ code: 'custom', path: ['peers'], message: 'names an address twice' })
    }),
  example: `vxlan:
  name: vxlan100
  id: 100
  peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]
`,
  resources({ name, id, peers, address, address6, mtu, comment, autostart, state }) {
    if (state === 'absent') return linkGone({ name, what: 'VXLAN', kinds: ['vxlan'] })
    if (PHYSICAL.test(name) || /^bond\d+$/.test(name))
      throw new ParamProblem(['name'], `${name} is what PVE takes for a card or bond`, 'name it like vxlan100')
    if (id === undefined) throw new ParamProblem([], `${name} does not say which network it carries`, 'add `id`')
    if (peers === undefined) throw new ParamProblem([], `${name} does not say whom it sends to`, 'add `peers`')
    const settings = { name, id, peers, ...readAddresses({ address, address6 }), mtu, comment, autostart }
    return [vxlanStanza(settings), vxlanLink(settings)]
  },
})
