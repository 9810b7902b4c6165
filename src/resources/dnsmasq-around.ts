/** What on a node keeps dnsmasq from serving a bridge: others at its ports, the firewall, SDN. */
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import { SDN_INTERFACES, sdnRef } from '../facts/sdn.ts'
import { type ListeningSocket, socketsRef, takesAddress } from '../facts/sockets.ts'
import { parseLines } from '../interfaces/lines.ts'
import { definedElsewhere } from './interfaces-file.ts'
import { CLUSTER_FW, HOST_FW } from './pve-firewall-file.ts'
import { LOCKOUT_READS, localNetwork } from './pve-firewall-lockout.ts'
import { refused, type Serving } from './pve-firewall-served.ts'
import { OK, type PlanBlocked, type Resource } from './resource.ts'

/** What is to be served, and by which file. */
export interface DnsmasqService extends Serving {
  /** The node's address on the bridge, which dnsmasq binds to. */
  readonly address: string
  /** File of the task; where it is there already, what the firewall does is only told. */
  readonly path: string
}

/**
 * Ensures, by blocking, that dnsmasq can have its ports on the bridge, that SDN does not serve it, and that the firewall
 * of the node, if it is on, lets guests in.
 */
export function dnsmasqAround(service: DnsmasqService): Resource {
  const { iface, path } = service
  const own = fileAt(path)
  return {
    kind: 'dnsmasq_around',
    key: `dnsmasq-around:${iface}`,
    title: `nothing keeps dnsmasq from serving ${iface}`,
    reads: [
      own,
      fileAt(CLUSTER_FW),
      fileAt(HOST_FW),
      ...LOCKOUT_READS,
      socketsRef,
      sdnRef,
      interfacesRef,
    ] as readonly FactRef<unknown>[],
    notices: (model) =>
      shutOut(service, model).map(
        ({ what, rule }) =>
          `guests on ${iface} get no ${what}: the firewall lets nobody in; add to pve_firewall_host: ${rule}`,
      ),
    plan(model) {
      const isNew = model.get(own).type === 'absent'
      return (
        sdnBlocked(iface, model) ??
        portBlocked(service, model) ??
        (isNew ? shutOutBlocked(service, model) : undefined) ??
        OK
      )
    },
  }
}

function sdnBlocked(name: string, model: Model): PlanBlocked | undefined {
  const vnet = model.get(sdnRef).vnets.find((one) => one.name === name)
  if (vnet === undefined && definedElsewhere(model.get(interfacesRef), name) !== SDN_INTERFACES) return undefined
  return {
    kind: 'blocked',
    reason: `SDN owns ${vnet === undefined ? name : `vnet ${name} (zone ${vnet.zone})`}, and hands out its addresses itself`,
    hint: 'set automatic DHCP and the ranges in Datacenter → SDN, or serve another bridge here',
  }
}

const PORTS = [
  { protocol: 'udp', port: 53, use: 'dns' },
  { protocol: 'tcp', port: 53, use: 'dns' },
  { protocol: 'udp', port: 67, use: 'dhcp' },
  { protocol: 'udp', port: 547, use: 'dhcp6' },
] as const

function portBlocked(service: DnsmasqService, model: Model): PlanBlocked | undefined {
  const inTheWay = model.get(socketsRef).filter((socket) => {
    const wanted = PORTS.find(({ protocol, port }) => socket.protocol === protocol && socket.port === port)
    return wanted !== undefined && service[wanted.use] && standsInTheWay(socket, service)
  })
  // One socket of each process: the others go with it.
  const found = inTheWay.filter(({ process }, i) => inTheWay.findIndex((one) => one.process === process) === i)
  if (found.length === 0) return undefined
  const sockets = found.map(
    ({ process, address, protocol, port }) => `${process} listens on ${address} ${protocol} port ${port}`,
  )
  const remedies = found.map(({ process }) => remedyOf(process, service))
  const ports = [...new Set(found.map(({ port }) => `sport = :${port}`))].join(' or ')
  return {
    kind: 'blocked',
    reason: `${sockets.join(', and ')}, which dnsmasq needs on ${service.iface}`,
    hint: `${remedies.join('; ')}; \`ss -Hlnp ${ports}\` on the node shows who has it`,
  }
}

/** DHCP is asked for by broadcast, so that dnsmasq needs its port on all addresses of the bridge. */
function standsInTheWay(socket: ListeningSocket, { iface, address }: DnsmasqService): boolean {
  if (socket.process === 'dnsmasq' || (socket.device !== undefined && socket.device !== iface)) return false
  return socket.port === 547 ? ['*', '::'].includes(socket.address) : takesAddress(socket, address)
}

function remedyOf(process: string, { address }: DnsmasqService): string {
  if (/^systemd-resolve/.test(process))
    return 'take `DNSStubListenerExtra` out of resolved.conf, and restart systemd-resolved'
  if (process === 'named') return `leave ${address} out of \`listen-on\` in named.conf, or stop it`
  if (/^unbound/.test(process)) return `leave ${address} out of \`interface\` in unbound.conf, or stop it`
  return `stop ${process}, or keep it off ${address}`
}

function shutOut(service: DnsmasqService, model: Model) {
  const linesOf = (path: string) => {
    const state = model.get(fileAt(path))
    return parseLines(state.type === 'file' ? state.content : Buffer.alloc(0))
  }
  return refused([service], model, {
    cluster: linesOf(CLUSTER_FW),
    host: linesOf(HOST_FW),
    localNetwork: localNetwork(model),
  })
}

function shutOutBlocked(service: DnsmasqService, model: Model): PlanBlocked | undefined {
  const lost = shutOut(service, model)
  if (lost.length === 0) return undefined
  return {
    kind: 'blocked',
    reason: `the firewall of the node is on and keeps guests on ${service.iface} from ${lost.map(({ what }) => what).join(' and ')}: no rule lets them in`,
    hint: `add to pve_firewall_host, in a task before this one: ${lost.map(({ rule }) => rule).join(', ')}`,
  }
}
