/** What of a node belongs to Proxmox VE's software-defined network, and is changed there only. */
import type { Model } from '../facts/model.ts'
import { sdnRef } from '../facts/sdn.ts'
import { formatIpCidr, type IpCidr, ipContains, ipNetworkOf, ipOverlaps } from '../net/ip-cidr.ts'
import type { PlanBlocked } from './resource.ts'

/** Facts that the checks of this file read. */
export const SDN_READS = [sdnRef] as const

/** Why a link cannot have this name: SDN makes one of it, now or when its configuration is applied. */
export function sdnNameBlocked(name: string, model: Model): PlanBlocked | undefined {
  const vnet = model.get(sdnRef).vnets.find((one) => one.name === name)
  return vnet === undefined ? undefined : ownedBlocked(`vnet ${name} (zone ${vnet.zone})`)
}

/** How a link of SDN is refused. */
export function ownedBlocked(what: string): PlanBlocked {
  return {
    kind: 'blocked',
    reason: `SDN owns ${what}, and writes it anew whenever its configuration is applied`,
    hint: 'change it in Datacenter → SDN, or choose another name here',
  }
}

/** Why a link cannot get an address: the node has or gets others of its network by SDN. */
export function sdnAddressBlocked(name: string, address: IpCidr, model: Model): PlanBlocked | undefined {
  const found = model.get(sdnRef).subnets.find(({ network }) => ipOverlaps(network, address))
  return found === undefined
    ? undefined
    : {
        kind: 'blocked',
        reason: `${formatIpCidr(address)} of ${name} overlaps ${formatIpCidr(found.network)}, a subnet of vnet ${found.vnet} of SDN`,
        hint: 'choose another network, or change that subnet in Datacenter → SDN → VNets',
      }
}

/** Why the node need not translate addresses of a network: its guests are SDN's. */
export function sdnNatBlocked(source: IpCidr, model: Model): PlanBlocked | undefined {
  const found = model.get(sdnRef).subnets.find(({ network }) => ipContains(network, source))
  if (found === undefined) return undefined
  const own = `SDN owns ${formatIpCidr(ipNetworkOf(source))} (vnet ${found.vnet})`
  return found.snat
    ? {
        kind: 'blocked',
        reason: `${own} and translates its addresses itself`,
        hint: 'take this task out; the rules come with the vnet',
      }
    : {
        kind: 'blocked',
        reason: `${own}, and can translate its addresses itself`,
        hint: 'tick SNAT of the subnet in Datacenter → SDN → VNets and apply it, and take this task out',
      }
}
