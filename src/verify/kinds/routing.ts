/** The way of guests to the outside. */
import { type IpFamily, parseIp } from '../../net/ip-cidr.ts'
import {
  type Cause,
  exchangeCause,
  firewallCause,
  forwardingCause,
  linkCause,
  seatFamily,
  seatName,
  seatProblem,
} from '../causes.ts'
import type { ForwardingCheck, MtuCheck, NatCheck, Seat } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import type { Seen } from '../probe/plan.ts'
import { type Evidence, failed, type Prover, passed, skipped, type Verdict } from '../prover.ts'
import { answerCause, passageCause, routeFact } from '../routes.ts'
import type { VerifySettings } from '../settings.ts'

/** MTU of guests whose bridge says nothing else. */
const USUAL_MTU = 1500

/** Proves {@link NatCheck}. */
export const nat: Prover<NatCheck> = {
  title: ({ seat, out }, { settings }) =>
    `guests of ${seatName(seat)} reach ${targetOf(seat, settings) ?? `the ${seatFamily(seat) === 6 ? 'IPv6 ' : ''}gateway`} by ${out}`,
  proves: 'packets of guests get out with an address of the node, and the answers come back',
  probe({ seat }, { settings }) {
    const target = targetOf(seat, settings)
    return { kind: 'nat', seat, ...(target === undefined ? {} : { target }) }
  },
  facts({ seat }, { settings }) {
    const target = targetOf(seat, settings)
    const reach = reachOf(seat)
    const ask = { id: reach, kind: reach, args: target === undefined ? [] : [target] }
    return [ask, routeFact(seat, target === undefined ? undefined : splitTarget(target)[0])]
  },
  judge(check, evidence) {
    const { seen, node } = evidence
    const problem = seatProblem(check.seat, seen)
    if (problem !== undefined) return problem
    if (seen.no_target !== undefined && seatFamily(check.seat) === 6) return noTarget6(check, node)
    if (seen.no_target !== undefined && node.defaultRoute.dev === undefined)
      return failed('no way out', {
        cause: 'the node has no default route',
        hint: 'ip route; the gateway of the uplink in /etc/network/interfaces',
      })
    if (seen.no_target !== undefined)
      return skipped('the node has no default gateway; name a target in verify.nat_target')
    const translation = node.sourceTranslation(throughPacket(check, evidence))
    if (!answered(seen)) return outOfReach(check, evidence, translation)
    if (translation === undefined) return failed(`${seen.target} answers, but not by NAT`, noRule(check))
    return passed(`${seen.target} answers ${seen.from}`)
  },
}

/** Proves {@link ForwardingCheck}. */
export const forwarding: Prover<ForwardingCheck> = {
  title: ({ seat, family }) => `the node routes${family === 6 ? ' IPv6' : ''} for guests of ${seatName(seat)}`,
  proves: 'the node passes packets of guests on, as a router (it answers one without hops left)',
  probe: ({ seat, family }, { settings: { nat_target: target } }) => ({
    kind: 'forwarding',
    seat,
    ...(family === undefined ? {} : { family }),
    ...(target === undefined || family === 6 ? {} : { target: target.replace(/:\d+$/, '') }),
  }),
  facts: ({ seat, family }, { settings }) => (family === 6 ? [] : [routeFact(seat, routedTo(settings))]),
  judge({ seat, family }, { seen, node, host }) {
    // A bridge that has no address of IPv6 has no guests of it either.
    if (family === 6 && seen.no_address !== undefined)
      return skipped(`${seatName(seat)} has no IPv6 address for guests to know`)
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    if (seen.error === 'time exceeded') return passed(`${seen.from} answers as a router`)
    if (seen.error === 'network unreachable' && seen.from !== undefined)
      return passed(`${seen.from} routes, and has no route to ${seen.target}`)
    const target = routedTo(host.settings)
    const cause =
      linkCause(node, seat) ??
      forwardingCause(node, [node.link(seat)?.ifname ?? ''], family) ??
      routerCause(node, seat, seen, family) ??
      (family === 6 ? undefined : (answerCause(node, seat, target) ?? passageCause(node, seat, target)))
    return failed(
      shown(seen),
      cause ?? {
        cause:
          'the packet is lost before it is routed, or what the node says of it is, by no rule that can be told from here',
        hint: `${tables(family)}-save -t raw; ${tables(family)}-save -t mangle; nft list ruleset`,
      },
    )
  },
}

/** Proves {@link MtuCheck}. */
export const mtu: Prover<MtuCheck> = {
  title: ({ seat, mtu: size = USUAL_MTU }) => `packets of ${size} bytes pass ${seatName(seat)}`,
  proves: 'a packet of the full size of guests gets through unfragmented',
  probe: ({ seat, mtu: size = USUAL_MTU }) => ({ kind: 'mtu', seat, size }),
  facts: ({ seat }) => [routeFact(seat)],
  judge({ seat, mtu: size = USUAL_MTU }, { seen, node }) {
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    const link = node.link(seat)
    if (seen.reply !== undefined) return passed(`${seen.target} answers`)
    const down = linkCause(node, seat)
    if (down !== undefined) return failed(shown(seen), down)
    const packet: Packet = {
      family: 4,
      hook: 'input',
      protocol: 'icmp',
      from: link?.ifname ?? '',
      source: String(seen.from ?? seen.target),
      destination: String(seen.target),
    }
    const blocked = exchangeCause(node, packet)
    if (blocked !== undefined) return skipped(`the node answers no ping: ${blocked.cause}`)
    const astray = answerCause(node, seat)
    if (astray !== undefined) return failed(shown(seen), astray)
    const small = seen.small as Seen | undefined
    if (small !== undefined && small.reply === undefined)
      return failed(`${shown(seen)}, whatever the size`, {
        cause: `${link?.ifname} is up and nothing on the node stops the packets: something on the way over the bridge does`,
        hint: 'bridge link; bridge vlan; nft list ruleset; ebtables-save',
      })
    return failed(shown(seen), tooSmall(node, seat, size))
  },
}

/** Who stops a packet before the node routes it, or what the node then says of it. */
function routerCause(node: NodeView, seat: Seat, seen: Seen, family: IpFamily = 4): Cause | undefined {
  const bridge = node.link(seat)?.ifname ?? ''
  const [source, destination] = [String(seen.from ?? ''), String(seen.target ?? '')]
  const own = node.link(seat)?.addr_info.find((one) => one.family === (family === 4 ? 'inet' : 'inet6'))?.local ?? ''
  const packet = { family, protocol: 'icmp' } as const
  return (
    firewallCause(node, { ...packet, hook: 'prerouting', from: bridge, source, destination }) ??
    firewallCause(node, {
      ...packet,
      hook: 'output',
      from: '',
      to: bridge,
      source: own,
      destination: source,
      state: 'related',
    })
  )
}

function tooSmall(node: NodeView, seat: Seat, size: number): Cause {
  const link = node.link(seat)
  const ports = node.links.filter(({ master, mtu: own }) => master === link?.ifname && own < size)
  const small = ports.map(({ ifname, mtu: own }) => `${ifname} ${own}`).join(', ')
  return {
    cause: `${link?.ifname} has an MTU of ${link?.mtu}${small === '' ? '' : `; ports with less: ${small}`}`,
    hint: `guests send ${size} bytes; say \`mtu\` in the bridge task if less is meant. A bridge takes the smallest MTU of its ports`,
  }
}

function answered({ reply, open, error }: Seen): boolean {
  // A refusal comes from the target as well.
  return reply !== undefined || open !== undefined || error === 'Connection refused'
}

function shown({ error, from, target }: Seen): string {
  if (error === undefined) return `no answer from ${target}`
  return `${target}: ${String(error)}${from === undefined ? '' : ` (says ${from})`}`
}

function throughPacket({ seat, out }: NatCheck, { seen, node }: Evidence): Packet {
  const [target, port] = splitTarget(String(seen.target ?? ''))
  return {
    family: seatFamily(seat),
    hook: 'forward',
    protocol: port === undefined ? 'icmp' : 'tcp',
    from: node.link(seat)?.ifname ?? '',
    to: out,
    source: String(seen.from ?? ''),
    destination: target,
    ...(port === undefined ? {} : { port: Number(port) }),
  }
}

function tables(family: IpFamily = 4): 'iptables' | 'ip6tables' {
  return family === 4 ? 'iptables' : 'ip6tables'
}

/** Where the packets go whose passage is tried; undefined: to the gateway. */
function routedTo({ nat_target: target }: VerifySettings): string | undefined {
  return target === undefined ? undefined : splitTarget(target)[0]
}

/** What the inventory names as the outside; undefined for the gateway. */
function targetOf(seat: Seat, settings: VerifySettings): string | undefined {
  return seatFamily(seat) === 4 ? settings.nat_target : settings.nat_target6
}

/** The fact that tells whether the node itself reaches it. */
function reachOf(seat: Seat): 'reach' | 'reach6' {
  return seatFamily(seat) === 4 ? 'reach' : 'reach6'
}

/** `192.0.2.1:443`, `[2001:db8::1]:443`, or an address alone. */
function splitTarget(target: string): readonly [string, string | undefined] {
  const [, v6, v4, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(target) ?? []
  return [v6 ?? v4 ?? target, port]
}

/** Without a target nothing is proven; but a node that has an IPv6 address outside and no way from there is broken. */
function noTarget6({ seat, out }: NatCheck, node: NodeView): Verdict {
  const { dev, gateway } = node.defaultRoute6
  const name = 'name a target in verify.nat_target6'
  if (gateway !== undefined)
    return skipped(`the IPv6 gateway ${gateway} is link-local, which no guest can reach; ${name}`)
  if (dev !== undefined) return skipped(`the node has no IPv6 gateway; ${name}`)
  const outside = node
    .link({ interface: out })
    ?.addr_info.find((own) => own.family === 'inet6' && own.scope === 'global')
  if (outside === undefined)
    return skipped(`${out} has no IPv6 address, so ${seatName(seat)} has nothing to be hidden behind; ${name}`)
  return failed('no way out', {
    cause: `the node has no IPv6 default route, though ${out} has ${outside.local}`,
    hint: 'ip -6 route; a node that forwards ignores router advertisements without `accept_ra` (ip_forwarding)',
  })
}

function noRule({ seat, out, to }: NatCheck): Cause {
  const how = to === undefined ? 'MASQUERADE' : `SNAT --to-source ${to}`
  return {
    cause: `no NAT rule hides ${seat.network ?? seatName(seat)} behind ${out}`,
    hint: `pvectl apply, or: ${tables(seatFamily(seat))} -t nat -A POSTROUTING -s ${seat.network ?? 'NETWORK'} -o ${out} -j ${how}`,
  }
}

/** Routes and rules that lead packets of guests, or the answers to them, elsewhere. */
function astrayCause({ seat, out }: NatCheck, { node, host }: Evidence): Cause | undefined {
  const named = targetOf(seat, host.settings)
  const target = named === undefined ? undefined : splitTarget(named)[0]
  return answerCause(node, seat, target) ?? passageCause(node, seat, target, named === undefined ? undefined : out)
}

/** An address that the node does not have gets no answers, unless somebody routes them to it. */
function strangeSource(node: NodeView, translation = ''): Cause | undefined {
  const [, address] = /^SNAT (?:--to-source )?(\S+)/.exec(translation) ?? []
  if (address === undefined || parseIp(address) === undefined || node.hasAddress(address)) return undefined
  return {
    cause: `packets leave with ${address}, which no interface of the node has (NAT as seen: ${translation})`,
    hint: 'give one the address, unless the provider routes it to the node',
  }
}

function outOfReach(check: NatCheck, evidence: Evidence, translation: string | undefined): Verdict {
  const { node, seen, host } = evidence
  const packet = throughPacket(check, evidence)
  const back: Packet = {
    ...packet,
    from: check.out,
    to: packet.from,
    source: packet.destination,
    destination: packet.source,
    state: 'established',
  }
  const cause =
    linkCause(node, check.seat) ??
    linkCause(node, { interface: check.out }) ??
    forwardingCause(node, [packet.from, check.out], packet.family) ??
    firewallCause(node, packet) ??
    firewallCause(node, back) ??
    (translation === undefined ? noRule(check) : undefined) ??
    astrayCause(check, evidence) ??
    strangeSource(node, translation)
  if (cause !== undefined) return failed(shown(seen), cause)
  const named = targetOf(check.seat, host.settings)
  if (!answered(node.fact(reachOf(check.seat)))) {
    const target = String(seen.target)
    if (named === undefined)
      return skipped(
        `${target} does not answer the node either; name another target in verify.nat_target${packet.family === 4 ? '' : '6'}`,
      )
    return failed(shown(seen), {
      cause: `${target} does not answer the node either`,
      hint: 'is it there, and does the node have a route to it?',
    })
  }
  if (seen.error === 'network unreachable' && node.hasAddress(String(seen.from)))
    return failed(shown(seen), {
      cause: `the node has no route for packets of guests to ${String(seen.target)}, though it reaches it itself`,
      hint: `ip rule; ip route get ${String(seen.target)} from ADDRESS iif ${packet.from}; a rule of iptables may mark them (iptables-save -t mangle)`,
    })
  const other = node.routeOut(packet.family).dev
  if (named === undefined && other !== undefined && other !== check.out)
    return failed(shown(seen), { cause: `the default route leaves by ${other}, and the NAT rule is for ${check.out}` })
  return failed(shown(seen), {
    cause: `the answer does not come back, though ${String(seen.target)} answers the node`,
    hint: `NAT as seen: ${translation}`,
  })
}
