import { parseSubnet } from '../net/subnet.ts'
import { nftTable, nftTableAbsent } from '../resources/nft-table.ts'
import { linkOf } from './partition/checks.ts'
import { type Flow, parseFlow } from './partition/flows.ts'
import { type PartitionParams, partitionParams } from './partition/params.ts'
import { isAbsent, partsOf } from './partition/parts.ts'
import { partitionChecks } from './partition/proofs.ts'
import { PARTITION_TABLE, partitionTable, type RoutedNetwork } from './partition/ruleset.ts'
import { defineTask } from './task-type.ts'

/** `partition`: the inside of a node as a list of networks, and what may pass between them. */
export const partitionTask = defineTask({
  name: 'partition',
  summary:
    'the networks of a node as one list: a bridge or VLAN each, with DHCP, DNS and NAT, kept apart but for what is allowed',
  params: partitionParams,
  example: `partition:
  uplink: vmbr0
  domain: lab.internal
  networks:
    - { name: web, address: 10.20.1.1/24 }
    - { name: db, address: 10.20.2.1/24, nat: false }
    - { name: admin, address: 10.20.9.1/24 }
  allow:
    - web -> db:5432
    - admin -> web
    - admin -> db
`,
  expand: (params) => partsOf(params),
  resources(params) {
    const networks = routed(params)
    if (params.router !== undefined && params.isolate === undefined) return []
    if (params.isolate === false || networks.length < 2) return nftTableAbsent(PARTITION_TABLE)
    return nftTable(partitionTable(networks, flowsOf(params)))
  },
  checks(params) {
    const apart = params.router === undefined && params.isolate !== false
    return apart ? partitionChecks(routed(params), flowsOf(params)) : []
  },
})

function flowsOf({ allow }: PartitionParams): readonly Flow[] {
  return allow.map(parseFlow).filter((flow) => typeof flow !== 'string')
}

function routed(params: PartitionParams): readonly RoutedNetwork[] {
  return params.networks.flatMap((network) => {
    const subnet = parseSubnet(network.address ?? '')
    if (subnet === undefined || isAbsent(network, params)) return []
    return [{ name: network.name, link: linkOf(network, params.trunk), subnet }]
  })
}
