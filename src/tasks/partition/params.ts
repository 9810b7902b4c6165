/** Parameters of `partition`. */
import { z } from 'zod'
import { interfaceName, stateField } from '../fields.ts'
import { unicastMac } from '../guest-nic/fields.ts'
import { bridgeName, commentText, hostCidr, vlanId } from '../interface-fields.ts'
import { problemsOf } from './checks.ts'

const networkName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,31}$/, 'must be a word of a-z, 0-9 and _, at most 32 characters')

const network = z.strictObject({
  name: networkName.describe('what it is for: `web`, `db`, `customers`'),
  address: hostCidr
    .optional()
    .describe("the node's own address in it with the prefix length: `10.20.1.1/24`; not with `router`"),
  bridge: bridgeName.optional().describe('bridge of its own; default: the name of the network'),
  vlan: vlanId.optional().describe('VLAN on the bridge of `trunk` instead of a bridge of its own'),
  comment: commentText.optional().describe('shown in the web interface; default: the name'),
  nat: z.boolean().optional().describe('guests reach the outside behind the address of `uplink`; default: `true`'),
  dhcp: z
    .union([
      z.literal(false),
      z.strictObject({
        start: z.ipv4().describe('first address'),
        end: z.ipv4().describe('last address'),
        lease: z.string().optional().describe('as in `dnsmasq`'),
      }),
    ])
    .optional()
    .describe('addresses handed out; default: the upper half of the network. `false`: neither DHCP nor DNS'),
  domain: z.string().optional().describe('domain of its guests; default: the name of the network in `domain`'),
  reservations: z.array(z.unknown()).default([]).describe('as in `dnsmasq`'),
  state: stateField,
})

/** What a playbook may say about the networks of a node. */
export const partitionParams = z
  .strictObject({
    uplink: interfaceName.default('vmbr0').describe('interface to the outside'),
    domain: z.string().optional().describe('domain in which each network has one of its own: `web.lab.internal`'),
    trunk: z
      .strictObject({
        bridge: bridgeName.describe('VLAN-aware bridge that carries the networks with `vlan`'),
        ports: z.array(interfaceName).optional().describe('its cards, where VLANs go on to other nodes'),
      })
      .optional()
      .describe('where networks with `vlan` are'),
    networks: z.array(network).min(1).describe('one subnet an application, a kind of service, or a mix of both'),
    allow: z
      .array(z.string())
      .default([])
      .describe(
        'what may pass between the networks, and nothing else may: `web -> db:5432`, `* -> dns:udp/53,tcp/53`, `admin -> web`, `web -> 10.20.2.5:8000-8010`',
      ),
    isolate: z
      .boolean()
      .optional()
      .describe('keep the networks apart but for `allow`; default: `true`, and `false` with `router`'),
    router: z
      .strictObject({
        vm: z
          .number()
          .int()
          .min(100)
          .optional()
          .describe('its number; its network devices are attached as listed here'),
        model: z
          .enum(['virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3'])
          .optional()
          .describe('of its network devices, as in `guest_nic`'),
        uplink_mac: unicastMac
          .optional()
          .describe('hardware address of its first device: the virtual MAC that the hoster gave'),
      })
      .optional()
      .describe(
        'a router VM (pfSense, OPNsense) owns the inside: the node has no address in the networks, and hands out nothing',
      ),
    state: stateField,
  })
  .superRefine((params, context) => {
    for (const { path, message } of problemsOf(params)) context.addIssue({ code: 'custom', path: [...path], message })
  })

/** Parameters of a `partition` task, checked. */
export type PartitionParams = z.output<typeof partitionParams>

/** One of its networks. */
export type PartitionNetwork = PartitionParams['networks'][number]
