/** The nft table that keeps the networks of a partition apart. Pure. */
import { formatIpv4, type Ipv4Subnet, isWithin, parseIpv4 } from '../../net/subnet.ts'
import type { NftTable } from '../../resources/nft-table.ts'
import { type Flow, isGuest, type Service } from './flows.ts'

/** A network that the node routes. */
export interface RoutedNetwork {
  readonly name: string
  /** Bridge or VLAN interface that has the node's address. */
  readonly link: string
  readonly subnet: Ipv4Subnet
}

/** Name of the table, of its file below /etc/pvectl and of the unit that loads it at boot. */
export const PARTITION_TABLE = 'pvectl-partition'

/**
 * Between any two networks everything is dropped but what is allowed, and answers. A table of its own: what it drops
 * no other table can let through, and what it lets pass the firewall of Proxmox VE may still drop (nft(8), base chains).
 */
export function partitionTable(networks: readonly RoutedNetwork[], flows: readonly Flow[]): NftTable {
  const accepts = flows.flatMap((flow) => acceptRules(flow, networks))
  const drops = networks.flatMap(({ link }) => {
    const others = networks.filter((other) => other.link !== link).map((other) => quote(other.link))
    return others.length === 0 ? [] : [`iifname ${quote(link)} oifname { ${others.join(', ')} } drop`]
  })
  return {
    name: PARTITION_TABLE,
    chains: [
      {
        name: 'forward',
        hook: 'type filter hook forward priority filter; policy accept;',
        rules: ['ct state established,related accept', ...accepts, ...drops],
      },
    ],
  }
}

/** The network that the target of a flow is, or is in. */
export function targetNetwork(target: string, networks: readonly RoutedNetwork[]): RoutedNetwork | undefined {
  const address = isGuest(target) ? parseIpv4(target) : undefined
  return networks.find(({ name, subnet }) => (address === undefined ? name === target : isWithin(address, subnet)))
}

function acceptRules({ source, target, services }: Flow, networks: readonly RoutedNetwork[]): readonly string[] {
  const to = targetNetwork(target, networks)
  if (to === undefined) return []
  const from = networks.filter(({ name }) => name !== to.name && (source === '*' || source === name))
  const address = isGuest(target) ? ` ip daddr ${formatIpv4(parseIpv4(target) ?? 0)}` : ''
  return from.flatMap(({ link }) =>
    services.map((service) => `iifname ${quote(link)} oifname ${quote(to.link)}${address}${portsOf(service)} accept`),
  )
}

function portsOf(service: Service): string {
  if (service.protocol === 'all') return ''
  const { protocol, from, to } = service
  return ` ${protocol} dport ${from === to ? from : `${from}-${to}`}`
}

function quote(link: string): string {
  return `"${link}"`
}
