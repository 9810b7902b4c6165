/** Likely causes that several kinds of checks have in common. */
import { type IpFamily, parseIpCidr } from '../net/ip-cidr.ts'
import type { Seat } from './check.ts'
import type { Packet } from './firewall/packet.ts'
import type { NodeView } from './node.ts'
import type { FactWish, Seen } from './probe/plan.ts'
import { failed, skipped, type Verdict } from './prover.ts'

/** What is wrong, and the remedy. */
export interface Cause {
  readonly cause: string
  readonly hint?: string
}

/** How people call the place of a guest: `vmbr1`, `vmbr1 tag 50`, `10.10.10.0/24`. */
export function seatName({ interface: name, network, vlan }: Seat): string {
  const place = name ?? network ?? 'a bridge'
  return vlan === undefined ? place : `${place} tag ${vlan}`
}

/** Version of IP of a seat: that of its network. */
export function seatFamily({ network = '' }: Seat): IpFamily {
  return parseIpCidr(network)?.family ?? 4
}

/** The fact that {@link unitCause} needs. */
export function unitFact(unit: string): FactWish {
  return { id: `unit ${unit}`, kind: 'units', args: [unit] }
}

/** Why a service does not run; undefined when it does. */
export function unitCause(node: NodeView, name: string): Cause | undefined {
  const unit = node.unit(name)
  if (unit === undefined || unit.active === 'active' || unit.active === 'reloading') return undefined
  const short = name.replace(/\.service$/, '')
  if (unit.load === 'not-found') return { cause: `${short} is not installed`, hint: 'run the playbook: pvectl apply' }
  if (unit.load === 'masked' || unit.file === 'masked')
    return { cause: `${name} is masked and not running`, hint: `systemctl unmask ${short}; systemctl start ${short}` }
  if (unit.active === 'failed')
    return { cause: [`${name} failed`, ...complaint(unit.log)].join(': '), hint: `journalctl -u ${short}` }
  return { cause: `${name} is not running (${unit.active})`, hint: `systemctl start ${short}` }
}

/** The line of a log that says what is wrong, without the name of the program. */
function complaint(log: string): readonly string[] {
  const lines = log
    .split('\n')
    .filter((line) => line !== '' && !/^(\S+\.service: |(Failed|Stopp|Start)\w* )/.test(line))
  const telling = lines.find((line) => /emerg|bad |error|fatal|fail|cannot|illegal|invalid/i.test(line)) ?? lines.at(-1)
  return telling === undefined ? [] : [telling.replace(/^\w+: /, '').trim()]
}

/** Why nothing can be reached over the interface of a seat; undefined when it is up. */
export function linkCause(node: NodeView, seat: Seat): Cause | undefined {
  const link = node.link(seat)
  if (link === undefined) return undefined
  if (!link.flags.includes('UP')) return { cause: `${link.ifname} is down`, hint: `ip link set ${link.ifname} up` }
  // Links without neighbours, as tunnels are, have none to ask for.
  if (!link.flags.includes('NOARP') || !link.flags.includes('BROADCAST')) return undefined
  return { cause: `${link.ifname} does not use ARP (NOARP)`, hint: `ip link set ${link.ifname} arp on` }
}

/** Why packets of these interfaces are not forwarded; undefined when they are. */
export function forwardingCause(
  node: NodeView,
  interfaces: readonly string[],
  family: IpFamily = 4,
): Cause | undefined {
  const off = node.forwardingOff(interfaces, family)
  if (off === undefined) return undefined
  return {
    cause: `IPv${family} forwarding is off (${off} = 0)`,
    hint: `sysctl -w ${off}=1, and the ip_forwarding task for good`,
  }
}

/** Who stops a packet; undefined when nobody seems to. */
export function firewallCause(node: NodeView, packet: Packet): Cause | undefined {
  const blocked = node.blocked(packet)
  if (blocked === undefined) return undefined
  const what = packet.port === undefined ? packet.protocol : `${packet.protocol} port ${packet.port}`
  const way = {
    input: `${what} is not let in on ${packet.from}`,
    prerouting: `${what} is not let in on ${packet.from}`,
    forward: `${what} is not passed on from ${packet.from}`,
    output: `answers of the node do not leave by ${packet.to} (${packet.protocol}${packet.sourcePort === undefined ? '' : ` from port ${packet.sourcePort}`})`,
  }[packet.hook]
  if (!blocked.pve)
    return { cause: `a firewall: ${way} (${blocked.by})`, hint: `let it through, or see who made the rule` }
  const port = packet.port === undefined ? '' : ` -dport ${packet.port}`
  return {
    cause: `the Proxmox VE firewall is on: ${way} (${blocked.by})`,
    ...(packet.hook === 'input'
      ? { hint: `allow it on the node: IN ACCEPT -i ${packet.from} -p ${packet.protocol}${port}` }
      : {}),
  }
}

/** Who stops a packet to the node, or the answer of the node to it; undefined when nobody seems to. */
export function exchangeCause(node: NodeView, packet: Packet): Cause | undefined {
  return firewallCause(node, packet) ?? firewallCause(node, answerTo(node, packet))
}

/** What the node sends back. To a broadcast it is the first packet of a connection of its own. */
function answerTo(node: NodeView, packet: Packet): Packet {
  const { family, protocol, from, source, destination, port, sourcePort } = packet
  const isBroadcast = destination === '255.255.255.255'
  const own = node.link({ interface: from })?.addr_info.find((one) => one.family === 'inet')?.local
  return {
    ...{ family, hook: 'output', protocol, from: '', to: from },
    source: isBroadcast ? (own ?? destination) : destination,
    destination: isBroadcast ? destination : source,
    ...(sourcePort === undefined ? {} : { port: sourcePort }),
    ...(port === undefined ? {} : { sourcePort: port }),
    state: isBroadcast ? 'new' : 'established',
  }
}

/** Why a service on a port of the node does not answer guests of a seat; the first of what can be wrong. */
export function serviceCause(
  node: NodeView,
  seat: Seat,
  service: { readonly unit: string; readonly protocol: 'tcp' | 'udp'; readonly port: number; readonly packet: Packet },
): Cause | undefined {
  const { unit, protocol, port, packet } = service
  const short = unit.replace(/\.service$/, '')
  const silent =
    node.listeners(protocol, port).length > 0
      ? undefined
      : { cause: `nothing listens on ${protocol} port ${port}, though ${short} runs`, hint: `journalctl -u ${short}` }
  return linkCause(node, seat) ?? unitCause(node, unit) ?? silent ?? exchangeCause(node, packet)
}

/** The verdict where there is no place for a guest to ask from; undefined when there was one. */
export function seatProblem(
  seat: Seat,
  { place, setup, uplink, no_address, no_free_address, error }: Seen,
): Verdict | undefined {
  const name = seatName(seat)
  const { missing, no_bridge, interface: which, network } = (place ?? {}) as Readonly<Record<string, unknown>>
  if (missing !== undefined) {
    if (which === undefined)
      return failed(`no interface has an address in ${network}`, {
        cause: 'its bridge is missing or has another address',
        hint: 'ip address; ifup the bridge, or pvectl apply',
      })
    return failed(`there is no ${which} on the node`, {
      cause: `${which} is not set up`,
      hint: `ifup ${which}, or pvectl apply`,
    })
  }
  if (no_bridge === 'openvswitch')
    return skipped(`${which} belongs to Open vSwitch, whose ports outlive a probe that is killed`)
  if (no_bridge !== undefined) return skipped(`${which} is no bridge, so no guest can be put there`)
  if (uplink !== undefined) return skipped(`${name} is the uplink, whose guests have a router of their own`)
  if (no_address !== undefined)
    return failed(
      `${name} has no IPv${seatFamily(seat)} address${seat.network === undefined ? '' : ' of its network'}`,
      {
        cause: 'its address was taken away',
        hint: 'ifup the bridge, or pvectl apply',
      },
    )
  if (no_free_address !== undefined) return skipped(`no free address in the network of ${name} to try it from`)
  if (setup !== undefined) return skipped(`a guest cannot be put on ${name}: ${String(setup).trim()}`)
  if (error === 'no result' || error === 'no answer in time' || error === 'the probe broke off')
    return skipped(`the probe did not end: ${error}`)
  return undefined
}
