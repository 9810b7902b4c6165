/** The tasks that a partition stands for, with their parameters as a playbook would have them. Pure. */
import { formatIpv4, type Ipv4Subnet, parseSubnet } from '../../net/subnet.ts'
import { sysctlFilePath } from '../sysctl-file.ts'
import { linkOf } from './checks.ts'
import type { PartitionNetwork, PartitionParams } from './params.ts'

/** One task of the expansion. */
export interface Part {
  /** Name of the task type. */
  readonly type: string
  readonly params: Readonly<Record<string, unknown>>
}

/** In the order in which they must run: what carries a network before what serves it, and the other way to take it away. */
export function partsOf(params: PartitionParams): readonly Part[] {
  const present = params.networks.filter((network) => !isAbsent(network, params))
  const absent = params.networks.filter((network) => isAbsent(network, params))
  return [
    ...absent.flatMap((network) => partsGone(network, params)),
    ...trunkPart(present, params),
    ...present.flatMap((network) => [...linkPart(network, params)]),
    ...forwardingPart(present, params),
    ...present.flatMap((network) => servicesOf(network, params)),
    ...routerParts(present, params),
  ]
}

/** True when a network, or all of them, are to go. */
export function isAbsent(network: PartitionNetwork, { state }: PartitionParams): boolean {
  return state === 'absent' || network.state === 'absent'
}

function trunkPart(present: readonly PartitionNetwork[], { trunk }: PartitionParams): readonly Part[] {
  const vlans = present.flatMap(({ vlan }) => (vlan === undefined ? [] : [vlan]))
  if (trunk === undefined || vlans.length === 0) return []
  const { bridge, ports } = trunk
  const params = { name: bridge, vlan_aware: true, link_local: false, ...(ports === undefined ? {} : { ports }) }
  return [{ type: 'bridge', params }]
}

function linkPart(network: PartitionNetwork, { trunk, router }: PartitionParams): readonly Part[] {
  const { name, address, vlan, comment = name } = network
  const link = linkOf(network, trunk)
  if (router !== undefined)
    return vlan === undefined ? [{ type: 'bridge', params: { name: link, link_local: false, comment } }] : []
  return [{ type: vlan === undefined ? 'bridge' : 'vlan', params: { name: link, address, comment } }]
}

function forwardingPart(
  present: readonly PartitionNetwork[],
  { uplink, trunk, router }: PartitionParams,
): readonly Part[] {
  if (router !== undefined || present.length === 0) return []
  const interfaces = [uplink, ...present.map((network) => linkOf(network, trunk))]
  return [{ type: 'ip_forwarding', params: { ipv4: true, interfaces, file: sysctlFilePath('partition') } }]
}

function servicesOf(network: PartitionNetwork, params: PartitionParams): readonly Part[] {
  const subnet = parseSubnet(network.address ?? '')
  if (params.router !== undefined || subnet === undefined) return []
  return [...natPart(network, subnet, params), ...dnsmasqPart(network, subnet, params)]
}

function natPart({ nat = true }: PartitionNetwork, subnet: Ipv4Subnet, { uplink }: PartitionParams): readonly Part[] {
  return nat ? [{ type: 'masquerade', params: { source: networkText(subnet), out: uplink } }] : []
}

function dnsmasqPart(
  network: PartitionNetwork,
  subnet: Ipv4Subnet,
  { trunk, domain }: PartitionParams,
): readonly Part[] {
  const { name, address, dhcp, reservations } = network
  if (dhcp === false) return []
  const own = network.domain ?? (domain === undefined ? undefined : `${name.replaceAll('_', '-')}.${domain}`)
  return [
    {
      type: 'dnsmasq',
      params: {
        interface: linkOf(network, trunk),
        subnet: address,
        ranges: [dhcp ?? upperHalf(subnet)],
        reservations,
        ...(own === undefined ? {} : { domain: own }),
      },
    },
  ]
}

function upperHalf({ first, last }: Ipv4Subnet) {
  const middle = first + Math.ceil((last - first) / 2)
  return { start: formatIpv4(middle), end: formatIpv4(last - 1) }
}

/** The devices of the router VM: the first one outside, then one a network, in their order. */
function routerParts(
  present: readonly PartitionNetwork[],
  { uplink, trunk, router }: PartitionParams,
): readonly Part[] {
  if (router?.vm === undefined) return []
  const { vm, model } = router
  const device = (index: number, more: object): Part => ({
    type: 'guest_nic',
    params: { guest: vm, nic: index, ...(model === undefined ? {} : { model }), ...more },
  })
  return [
    device(0, { bridge: uplink, ...(router.uplink_mac === undefined ? {} : { mac: router.uplink_mac }) }),
    ...present.map((network, i) =>
      device(
        i + 1,
        network.vlan === undefined ? { bridge: linkOf(network, trunk) } : { bridge: trunk?.bridge, tag: network.vlan },
      ),
    ),
  ]
}

function partsGone(network: PartitionNetwork, { uplink, trunk, router }: PartitionParams): readonly Part[] {
  const link = linkOf(network, trunk)
  const subnet = parseSubnet(network.address ?? '')
  const gone = { state: 'absent' }
  const served = router === undefined && subnet !== undefined
  const services: readonly Part[] = served
    ? [
        { type: 'dnsmasq', params: { interface: link, ...gone } },
        {
          type: 'masquerade',
          params: { source: networkText(subnet), out: uplink, bridge: link, ...gone },
        },
      ]
    : []
  if (network.vlan !== undefined && router !== undefined) return services
  return [...services, { type: network.vlan === undefined ? 'bridge' : 'vlan', params: { name: link, ...gone } }]
}

function networkText({ first, prefix }: Ipv4Subnet): string {
  return `${formatIpv4(first)}/${prefix}`
}
