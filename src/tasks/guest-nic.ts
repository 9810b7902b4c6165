import { z } from 'zod'
import { type IpFamily, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { guestNic, guestNicGone } from '../resources/guest-nic.ts'
import { interfaceName, stateField } from './fields.ts'
import { unicastMac } from './guest-nic/fields.ts'
import { defineTask } from './task-type.ts'

const TAG = 'must be 1 to 4094, or none'
const RATE = 'must be a positive number, or none'
const MTU = 'must be 64 to 65520, 1 or none'

const params = z
  .strictObject({
    guest: z.number().int().min(100).max(999_999_999).describe('number of the VM or container'),
    nic: z.number().int().min(0).max(31).default(0).describe('number of the card: 0 is net0'),
    bridge: interfaceName.optional().describe('bridge that the card is plugged into; a new card needs one'),
    tag: z
      .union([z.number().int().min(1, TAG).max(4094, TAG), z.literal('none')], { error: TAG })
      .optional()
      .describe('VLAN of the card; `none`: untagged'),
    mac: unicastMac.optional().describe('hardware address; a new card gets one from Proxmox VE'),
    firewall: z.boolean().optional().describe('whether the firewall of Proxmox VE filters the card'),
    rate: z
      .union([z.number().positive(RATE), z.literal('none')], { error: RATE })
      .optional()
      .describe('limit in megabytes per second; `none`: no limit'),
    mtu: z
      .union([z.literal(1), z.number().int().min(64, MTU).max(65520, MTU), z.literal('none')], { error: MTU })
      .optional()
      .describe('MTU that the guest is told; of VMs, `1` is that of the bridge; `none`: the default'),
    model: z
      .enum(['virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3'])
      .optional()
      .describe('of VMs: the card that they see; a new one is virtio'),
    name: interfaceName.optional().describe('of containers: name of the interface within; a new one is eth and `nic`'),
    ip: z
      .string()
      .optional()
      .describe('IPv4 address with prefix, or dhcp; of VMs by cloud-init, which they read when they restart'),
    gateway: z.string().optional().describe('IPv4 gateway; needs `ip`'),
    ip6: z.string().optional().describe('IPv6 address with prefix, dhcp, or auto for router advertisements'),
    gateway6: z.string().optional().describe('IPv6 gateway; needs `ip6`'),
    state: stateField.describe('`absent` takes the card out'),
  })
  .superRefine(({ ip, gateway, ip6, gateway6 }, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
    for (const [field, given, family, words] of [
      ['ip', ip, 4, ['dhcp', 'manual']],
      ['ip6', ip6, 6, ['dhcp', 'auto', 'manual']],
    ] as const) {
      if (given !== undefined && !words.some((word) => word === given) && !isHost(given, family))
        issue(field, `must be an IPv${family} address with prefix, or ${words.slice(0, -1).join(', ')}`)
    }
    for (const [field, given, address, family] of [
      ['gateway', gateway, ip, 4],
      ['gateway6', gateway6, ip6, 6],
    ] as const) {
      if (given === undefined) continue
      if (parseIp(given)?.family !== family) issue(field, `must be an IPv${family} address`)
      if (address?.includes('/') !== true)
        issue(field, 'needs a fixed address beside it: Proxmox VE refuses it otherwise')
    }
  })

/** `guest_nic`: a network card of a VM or container. */
export const guestNicTask = defineTask({
  name: 'guest_nic',
  summary:
    'a network card of a VM or container: bridge, VLAN, hardware address, firewall, and what it is told by cloud-init',
  params,
  example: `guest_nic:
  guest: 101
  bridge: vmbr1
  firewall: true
  ip: 10.10.10.20/24
  gateway: 10.10.10.1
`,
  resources({ guest, nic, state, ...card }) {
    const wish = { guest, index: nic, ...card }
    return [state === 'absent' ? guestNicGone(wish) : guestNic(wish)]
  },
})

function isHost(text: string, family: IpFamily): boolean {
  return text.includes('/') && parseIpCidr(text)?.family === family
}
