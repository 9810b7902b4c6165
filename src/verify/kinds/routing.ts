/** The way of guests to the outside. */
import { type Cause, firewallCause, forwardingCause, linkCause, seatName, seatProblem } from '../causes.ts'
import type { ForwardingCheck, MtuCheck, NatCheck, Seat } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import type { Seen } from '../probe/plan.ts'
import { type Evidence, failed, type Prover, passed, skipped, type Verdict } from '../prover.ts'

/** MTU of guests whose bridge says nothing else. */
const USUAL_MTU = 1500

/** Proves {@link NatCheck}. */
export const nat: Prover<NatCheck> = {
  title: ({ seat, out }, { settings }) =>
    `guests of ${seatName(seat)} reach ${settings.nat_target ?? 'the gateway'} by ${out}`,
  proves: 'packets of guests get out with an address of the node, and the answers come back',
  probe: ({ seat }, { settings: { nat_target: target } }) => ({
    kind: 'nat',
    seat,
    ...(target === undefined ? {} : { target }),
  }),
  facts: (_, { settings }) => [
    { id: 'reach', kind: 'reach', args: settings.nat_target === undefined ? [] : [settings.nat_target] },
  ],
  judge(check, evidence) {
    const { seen, node } = evidence
    const problem = seatProblem(check.seat, seen)
    if (problem !== undefined) return problem
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
  title: ({ seat }) => `the node routes for guests of ${seatName(seat)}`,
  proves: 'the node passes packets of guests on, as a router (it answers one without hops left)',
  probe: ({ seat }, { settings: { nat_target: target } }) => ({
    kind: 'forwarding',
    seat,
    ...(target === undefined ? {} : { target: target.replace(/:\d+$/, '') }),
  }),
  judge({ seat }, { seen, node }) {
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    if (seen.error === 'time exceeded') return passed(`${seen.from} answers as a router`)
    if (seen.error === 'network unreachable' && seen.from !== undefined)
      return passed(`${seen.from} routes, and has no route to ${seen.target}`)
    const cause = linkCause(node, seat) ?? forwardingCause(node, [node.link(seat)?.ifname ?? ''])
    return failed(
      shown(seen),
      cause ?? {
        cause: 'a firewall drops the packet before it is routed',
        hint: 'iptables-save -t raw; iptables-save -t mangle; nft list ruleset',
      },
    )
  },
}

/** Proves {@link MtuCheck}. */
export const mtu: Prover<MtuCheck> = {
  title: ({ seat, mtu: size = USUAL_MTU }) => `packets of ${size} bytes pass ${seatName(seat)}`,
  proves: 'a packet of the full size of guests gets through unfragmented',
  probe: ({ seat, mtu: size = USUAL_MTU }) => ({ kind: 'mtu', seat, size }),
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
    const blocked = firewallCause(node, packet)
    if (blocked !== undefined) return skipped(`the node answers no ping: ${blocked.cause}`)
    return failed(shown(seen), tooSmall(node, seat, size))
  },
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

function throughPacket({ seat, out }: NatCheck, { seen, node, host }: Evidence): Packet {
  const [target = '', port] = String(seen.target ?? '').split(':')
  return {
    family: 4,
    hook: 'forward',
    protocol: host.settings.nat_target?.includes(':') ? 'tcp' : 'icmp',
    from: node.link(seat)?.ifname ?? '',
    to: out,
    source: String(seen.from ?? ''),
    destination: target,
    ...(port === undefined ? {} : { port: Number(port) }),
  }
}

function noRule({ seat, out, to }: NatCheck): Cause {
  const how = to === undefined ? 'MASQUERADE' : `SNAT --to-source ${to}`
  return {
    cause: `no NAT rule hides ${seat.network ?? seatName(seat)} behind ${out}`,
    hint: `pvectl apply, or: iptables -t nat -A POSTROUTING -s ${seat.network ?? 'NETWORK'} -o ${out} -j ${how}`,
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
    forwardingCause(node, [packet.from, check.out]) ??
    firewallCause(node, packet) ??
    firewallCause(node, back) ??
    (translation === undefined ? noRule(check) : undefined)
  if (cause !== undefined) return failed(shown(seen), cause)
  if (!answered(node.fact('reach'))) {
    const target = String(seen.target)
    if (host.settings.nat_target === undefined)
      return skipped(`${target} does not answer the node either; name another target in verify.nat_target`)
    return failed(shown(seen), {
      cause: `${target} does not answer the node either`,
      hint: 'is it there, and does the node have a route to it?',
    })
  }
  const other = node.defaultRoute.dev
  if (host.settings.nat_target === undefined && other !== undefined && other !== check.out)
    return failed(shown(seen), { cause: `the default route leaves by ${other}, and the NAT rule is for ${check.out}` })
  return failed(shown(seen), {
    cause: `the answer does not come back, though ${String(seen.target)} answers the node`,
    hint: `NAT as seen: ${translation}`,
  })
}
