import { z } from 'zod'
import type { BridgeSettings } from '../interfaces/bridge.ts'
import { bridgeLink } from '../resources/bridge-link.ts'
import { bridgeVlans } from '../resources/bridge-vlans.ts'
import { file, fileAbsent } from '../resources/file.ts'
import { interfacesStanza } from '../resources/interfaces-stanza.ts'
import { bridgeAbsent } from '../resources/link-absent.ts'
import { acceptsAdvertisements, noAdvertisements } from '../resources/no-advertisements.ts'
import type { Resource } from '../resources/resource.ts'
import { interfaceName, stateField } from './fields.ts'
import {
  address6Field,
  addressField,
  autostartField,
  bridgeName,
  commentField,
  mtuField,
  readAddresses,
  vidsField,
} from './interface-fields.ts'
import { sysctlFileContent, sysctlFilePath } from './sysctl-file.ts'
import { defineTask } from './task-type.ts'

const params = z
  .strictObject({
    name: bridgeName.describe('`vmbr1`, or a word such as `dmz`; PVE before 8 accepts only vmbr and a number'),
    address: addressField,
    address6: address6Field,
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
    vlan_aware: z
      .boolean()
      .optional()
      .describe('guests may have VLANs of their own on it; a new bridge gets `false`, another keeps its own'),
    vids: vidsField
      .optional()
      .describe(
        'VLANs that may pass its ports, with `vlan_aware`: a list of numbers and ranges. A new bridge gets 2-4094, another keeps its own',
      ),
    mtu: mtuField.describe(
      'bytes of a packet; network cards among the ports are raised to it. A new bridge gets that of its ports, another keeps its own',
    ),
    link_local: z
      .boolean()
      .optional()
      .describe(
        '`false`: no IPv6 link-local address and none that guests advertise, so that they cannot reach the node over a bridge without address. A new bridge gets `true`, another keeps its own',
      ),
    comment: commentField,
    autostart: autostartField,
    state: stateField.describe(
      '`absent` takes away the bridge, its stanza and its NAT rules, unless guests are plugged in',
    ),
  })
  .superRefine(({ name, ports = [], stp, fd, vlan_aware, vids }, context) => {
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
    if (vids !== undefined && vlan_aware !== true)
      context.addIssue({ code: 'custom', path: ['vids'], message: 'needs `vlan_aware: true`' })
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
  resources({ name, address, address6, ports, stp, fd, vlan_aware, vids, mtu, link_local, comment, autostart, state }) {
    const settings: BridgeSettings = {
      name,
      ...readAddresses({ address, address6 }),
      ports,
      stp,
      forwardDelay: fd,
      vlanAware: vlan_aware,
      vids,
      mtu,
      linkLocal: link_local,
      comment,
      autostart,
    }
    if (state === 'absent') return [...bridgeAbsent(name), fileAbsent(sysctlOf(name))]
    const isSecluded = link_local === false && (address6 === undefined || address6 === 'none')
    return [
      interfacesStanza(settings),
      bridgeLink(settings),
      ...(vlan_aware === true ? [bridgeVlans(name, vids)] : []),
      ...(isSecluded ? secluded(name) : []),
    ]
  },
  // Without an address there is nobody on the node who could answer a guest.
  checks: ({ name, address, mtu, state }) =>
    state === 'absent' || address === undefined || address === 'none'
      ? []
      : [{ kind: 'mtu', seat: { interface: name, network: address }, ...(mtu === undefined ? {} : { mtu }) }],
})

/** Without a link-local address the node would still take one that a guest advertises, as a router does. */
function secluded(name: string): readonly Resource[] {
  const content = sysctlFileContent([{ name: acceptsAdvertisements(name), value: '0', optional: true }])
  return [file({ path: sysctlOf(name), content, mode: '0644', owner: 'root:root' }), noAdvertisements(name)]
}

/** The file that keeps a secluded bridge from believing routers at boot. */
function sysctlOf(name: string): string {
  return sysctlFilePath(`bridge-${name}`)
}
