import { z } from 'zod'
import { formatIp, parseIpv4Cidr } from '../net/ip-cidr.ts'
import { isWithin, parseIpv4, parseSubnet } from '../net/subnet.ts'
import { hostsEntry } from '../resources/hosts-entry.ts'
import { managementLive, managementStanza } from '../resources/management-network.ts'
import type { Check } from '../verify/check.ts'
import { interfaceName, portNumber } from './fields.ts'
import { hostCidr } from './interface-fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

const params = z.strictObject({
  interface: interfaceName.describe(
    'link that is to have the management address: a card, VLAN, bond or bridge that is there, or that a task above makes',
  ),
  address: hostCidr.describe('address of the node with prefix; usually the one it has'),
  gateway: z.ipv4().describe('default gateway'),
  from: interfaceName
    .optional()
    .describe(
      'link that has address and gateway now; default: the one with the gateway. The second run of a change of address names the old link, which has no gateway any more',
    ),
  keep: z
    .boolean()
    .default(false)
    .describe('`true`: the old link keeps its address, only the gateway moves. For a change of address in two runs'),
  names: z
    .array(z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'must be a host name'))
    .default([])
    .describe('names of the node, the full one first: /etc/hosts gets them at the new address'),
  closed: z
    .array(interfaceName)
    .default([])
    .describe("guests' bridges on which `pvectl verify` sees that neither SSH nor the web interface answers"),
  closed_ports: z.array(portNumber).default([22, 8006]).describe('ports of the node that must not answer there'),
})

/** `management_network`: the way to the node itself, apart from the guests. */
export const managementNetworkTask = defineTask({
  name: 'management_network',
  summary: 'move the management address of a node to a link of its own, without losing the node',
  params,
  example: `management_network:
  interface: eno2
  address: 192.0.2.11/24
  gateway: 192.0.2.1
  closed: [vmbr0]
`,
  resources({ interface: name, address, gateway, from, keep, names }, host) {
    const cidr = parseIpv4Cidr(address)
    const via = parseIpv4(gateway)
    const subnet = parseSubnet(address)
    if (cidr === undefined || via === undefined || subnet === undefined)
      throw new ParamProblem(['address'], 'is no address')
    if (!isWithin(via, subnet)) throw new ParamProblem(['gateway'], `${gateway} is not in the network of ${address}`)
    if (via === subnet.address) throw new ParamProblem(['gateway'], `${gateway} is the address of the node itself`)
    if (from === name) throw new ParamProblem(['from'], `names ${name} itself`)
    refuseBlindMove(formatIp(cidr), keep, host.inventory?.hosts[host.name]?.address)
    const desired = { name, address: cidr, gateway: via, from, keep, namesFollow: names.length > 0 }
    const entry = { address: formatIp(cidr), names, state: 'present' } as const
    return [managementStanza(desired), managementLive(desired), ...(names.length > 0 ? [hostsEntry(entry)] : [])]
  },
  checks: ({ closed, closed_ports: ports }): readonly Check[] =>
    closed.flatMap((bridge) => ports.map((port) => ({ kind: 'closed', port, from: { interface: bridge } }) as const)),
})

/** The run is confirmed by a new connection to the address of the inventory, which must not be the one that goes. */
function refuseBlindMove(address: string, keep: boolean, reached: string | undefined): void {
  if (keep || reached === undefined || parseIpv4(reached) === undefined || reached === address) return
  throw new ParamProblem(
    ['address'],
    `${address} is not the address by which the inventory reaches the node (${reached}), so nobody could confirm the change`,
    `run once with \`keep: true\`, put ${address} into the inventory, and run again with \`from\`, the old link, instead`,
  )
}
