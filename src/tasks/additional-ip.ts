import { z } from 'zod'
import { formatIpCidr, type IpCidr, ipNetworkOf, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { bridgedIp, routedIp, routedIpGone } from '../resources/additional-ip.ts'
import { interfaceName, stateField } from './fields.ts'
import { unicastMac } from './guest-nic/fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

const params = z
  .strictObject({
    address: z.string().describe('address of a guest, or the subnet of several: `203.0.113.9`, `203.0.113.16/29`'),
    bridge: interfaceName.describe('bridge that the guest is plugged into'),
    mode: z
      .enum(['routed', 'bridged'])
      .describe(
        '`routed`: the hoster sends its packets to the node, which passes them on; `bridged`: the guest has a hardware address that the hoster knows',
      ),
    mac: unicastMac.optional().describe('`bridged`: the virtual MAC of the address, from the panel of the hoster'),
    gateway: z
      .string()
      .refine((text) => parseIp(text) !== undefined, 'must be an IP address')
      .optional()
      .describe("`bridged`: gateway of the guest; default: the node's own, as at Hetzner and OVH"),
    state: stateField,
  })
  .superRefine(({ mode, mac, gateway, state }, context) => {
    const issue = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
    if (mode === 'bridged' && mac === undefined && state === 'present')
      issue('mac', 'is needed: without the virtual MAC of the address, hosters block the port of the server')
    if (mode === 'routed' && mac !== undefined) issue('mac', 'is for `bridged` only: a routed address has none')
    if (mode === 'routed' && gateway !== undefined) issue('gateway', 'is for `bridged` only: the node is the gateway')
  })

/** `additional_ip`: a public address of the hoster for a guest. */
export const additionalIpTask = defineTask({
  name: 'additional_ip',
  summary: 'an additional public address for a guest: routed through the node, or bridged with a virtual MAC',
  params,
  example: `additional_ip:
  address: 203.0.113.9
  mode: routed
  bridge: vmbr1
`,
  resources({ address, bridge, mode, mac, gateway, state }) {
    const network = networkFrom(address)
    if (mode === 'routed')
      return [state === 'absent' ? routedIpGone({ network, bridge }) : routedIp({ network, bridge })]
    // Bridged addresses leave nothing on the node.
    return state === 'absent' || mac === undefined ? [] : [bridgedIp({ network, bridge, mac, gateway })]
  },
})

function networkFrom(text: string): IpCidr {
  const cidr = parseIpCidr(text)
  if (cidr === undefined || cidr.prefix === 0) throw new ParamProblem(['address'], `${text} is no address or subnet`)
  const network = ipNetworkOf(cidr)
  if (formatIpCidr(network) !== formatIpCidr(cidr))
    throw new ParamProblem(
      ['address'],
      `${text} is an address within ${formatIpCidr(network)}`,
      `write ${text.split('/')[0]} for the address alone, or ${formatIpCidr(network)} for all of the subnet`,
    )
  return network
}
