/** Facts about Proxmox VE's software-defined network, as far as it makes links and addresses of a node. */
import { type Script, sh } from '../connection/script.ts'
import { type IpCidr, parseIpCidr } from '../net/ip-cidr.ts'
import type { FactKind, FactRef } from './fact.ts'

/** The file that SDN generates anew whenever a configuration is applied (pve-network, PVE::Network::SDN::Zones). */
export const SDN_INTERFACES = '/etc/network/interfaces.d/sdn'

/** A virtual network: on nodes of its zone a bridge of that name. */
export interface SdnVnet {
  readonly name: string
  readonly zone: string
}

/** A subnet in which SDN gives the node an address. */
export interface SdnSubnet {
  readonly network: IpCidr
  readonly vnet: string
  /** SDN translates addresses of its guests. */
  readonly snat: boolean
}

/** What is configured, applied or not. */
export interface SdnState {
  /** Of all zones: Proxmox VE takes the name for that of a virtual network on every node. */
  readonly vnets: readonly SdnVnet[]
  /** Of zones that this node is in and that route; in others a subnet is a note for IPAM. */
  readonly subnets: readonly SdnSubnet[]
}

/** One instance: the id is always empty. */
export const sdnFact: FactKind<SdnState> = {
  name: 'sdn',
  observe: (_ids, mark): Script => sh`for pv_name in zones vnets subnets; do
	pv_file=/etc/pve/sdn/$pv_name.cfg
	if [ -f "$pv_file" ] && [ -r "$pv_file" ]; then cat -- "$pv_file"; fi
	echo; echo ${mark}
done
read -r pv_name < /proc/sys/kernel/hostname
echo "$pv_name"`,
  parse(output, ids, mark) {
    const state = readState(output.toString('utf8').split(`${mark}\n`))
    return ids.map(() => state)
  },
}

/** The one reference to this fact. */
export const sdnRef: FactRef<SdnState> = { kind: sdnFact, id: '' }

interface Section {
  readonly type: string
  readonly id: string
  readonly options: ReadonlyMap<string, string>
}

/** Zones whose subnets have a gateway on each node (PVE::Network::SDN::Zones, SimplePlugin and EvpnPlugin). */
const ROUTED = ['simple', 'evpn']

function readState([zoneText = '', vnetText = '', subnetText = '', host = '']: readonly string[]): SdnState {
  const [node = ''] = host.trim().split('.')
  const zones = new Map(readSections(zoneText).map((zone) => [zone.id, zone]))
  const vnets = readSections(vnetText).map(({ id, options }) => ({ name: id, zone: options.get('zone') ?? '' }))
  const subnets = readSections(subnetText).flatMap(({ id, options }): SdnSubnet[] => {
    const vnet = vnets.find(({ name }) => name === options.get('vnet'))
    const network = networkOf(id)
    if (vnet === undefined || network === undefined || !options.has('gateway')) return []
    return isRouted(zones.get(vnet.zone), node) ? [{ network, vnet: vnet.name, snat: options.get('snat') === '1' }] : []
  })
  return { vnets, subnets }
}

function isRouted(zone: Section | undefined, node: string): boolean {
  if (zone === undefined || !ROUTED.includes(zone.type)) return false
  const nodes = zone.options.get('nodes')
  return nodes === undefined || nodes.split(',').includes(node)
}

/** From `ZONE-10.0.0.0-24`; names of zones have no hyphen. */
function networkOf(id: string): IpCidr | undefined {
  const [, address, prefix] = /^[^-]+-(.+)-(\d+)$/.exec(id) ?? []
  return address === undefined ? undefined : parseIpCidr(`${address}/${prefix}`)
}

/** `TYPE: ID` and indented options, as PVE::SectionConfig has them. */
function readSections(text: string): readonly Section[] {
  const sections: { type: string; id: string; options: Map<string, string> }[] = []
  for (const line of text.split('\n')) {
    const [, type, id] = /^([^\s:#]+):\s*(\S+)\s*$/.exec(line) ?? []
    const [, name, value = ''] = /^\s+(\S+)\s*(.*?)\s*$/.exec(line) ?? []
    if (type !== undefined && id !== undefined) sections.push({ type, id, options: new Map() })
    else if (name !== undefined) sections.at(-1)?.options.set(name, value)
  }
  return sections
}
