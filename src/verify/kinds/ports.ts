/** Ports of the node that lead to guests. */
import { type IpFamily, parseIp } from '../../net/ip-cidr.ts'
import { type Cause, firewallCause, forwardingCause, seatProblem } from '../causes.ts'
import type { ForwardCheck } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import { reasonOf } from '../outside/http.ts'
import type { FactWish, Seen } from '../probe/plan.ts'
import {
  type Evidence,
  failed,
  type HostView,
  type Outside,
  type Prover,
  passed,
  skipped,
  type Verdict,
} from '../prover.ts'

/** Proves {@link ForwardCheck}. */
export const forward: Prover<ForwardCheck> = {
  title: ({ protocol, address, port, to, from }, host) =>
    `${protocol} port ${port} of ${address ?? host.address} leads to ${end(to)}${from === 'outside' ? '' : ', also for guests'}`,
  proves: 'a connection to the port of the node comes to the guest; of UDP, that the node passes it on to the guest',
  probe(check, host) {
    const { protocol, port, from, to } = check
    if (from === 'outside') return undefined
    const at = entrance(check, host) ?? 'uplink6'
    if (protocol === 'tcp') return { kind: 'tcp', seat: from, host: at, port }
    return { kind: 'udp', seat: from, host: at, port, text: datagram(check), to: to.address, to_port: to.port }
  },
  async outside(check, host, ask) {
    if (check.from !== 'outside') return {}
    if (entrance(check, host) === undefined) return { no_uplink6: 1 }
    return check.protocol === 'tcp' ? knock(ask, check.port, check.address) : shower(ask, check)
  },
  facts: (check) => [
    guestFact(check.to),
    ...(check.protocol === 'udp' && check.from === 'outside' ? [watchFact(check)] : []),
  ],
  judge(check, evidence) {
    const { protocol, from } = check
    const problem = from === 'outside' ? undefined : seatProblem(from, evidence.seen)
    if (problem !== undefined) return problem
    const wrong = wrongTarget(check, evidence)
    if (protocol === 'udp') return judgeUdp(check, wrong, evidence)
    const seen = from === 'outside' ? evidence.outside : evidence.seen
    if (wrong !== undefined) return failed(shown(seen), wrong)
    if (seen.no_uplink6 !== undefined) return skipped(NO_ENTRANCE)
    if (seen.open !== undefined) return passed('connected')
    const guest = evidence.node.fact(guestFact(check.to).id)
    if (guest.open === undefined) return skipped(`${end(check.to)} does not answer the node either (${shown(guest)})`)
    const why = blockedForward(check, evidence)
    // Without a word about IPv6 from this machine's own network, nobody knows which end is to blame.
    if (why === undefined && familyOf(check) === 6 && NO_WAY.test(shown(seen)))
      return skipped(`${shown(seen)}, though nothing on the node is in the way: has this machine a way out by IPv6?`)
    return failed(shown(seen), why ?? unexplained(check))
  },
}

const NO_ENTRANCE = 'the rule is there; which IPv6 address outsiders use is not known: name it in `address`'

/** What a datagram says: to whom it may concern, and whose it is. */
function datagram({ address = '', port, from }: ForwardCheck): string {
  return `pvectl verify: udp ${port} ${address}${from === 'outside' ? ' from outside' : ' from a guest'}\n`
}

/** Looks on the node for what {@link shower} sends. */
function watchFact(check: ForwardCheck): FactWish {
  const text = datagram(check)
  return { id: `udp ${text}`, kind: 'udp', args: [text, check.to.address, check.to.port] }
}

async function shower(ask: Outside, check: ForwardCheck): Promise<Seen> {
  try {
    if (ask.over !== undefined) await ask.datagrams(datagram(check), check.port, check.address, ask.over)
    return {}
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** A guest need not answer a datagram that means nothing to it, so what counts is that the node sends it on to there. */
function judgeUdp(check: ForwardCheck, wrong: Cause | undefined, evidence: Evidence): Verdict {
  const { from, to } = check
  const { outside, node } = evidence
  const seen = from === 'outside' ? node.fact(watchFact(check).id) : evidence.seen
  const blocker = outside.error ?? seen.error
  const saw = seen.arrived === undefined ? 'nothing arrives' : `it arrives on ${seen.arrived}, and nothing leaves`
  if (wrong !== undefined) return failed(blocker === undefined ? saw : String(blocker), wrong)
  if (outside.no_uplink6 !== undefined || seen.no_uplink6 !== undefined) return skipped(NO_ENTRANCE)
  if (blocker !== undefined) return skipped(`${String(blocker).toLowerCase()}; the rule is there`)
  if (seen.left !== undefined && isUnanswerable(check, evidence))
    return failed(`it leaves for ${end(to)} by ${seen.left} as from ${seen.source}`, unexplained(check))
  if (seen.left !== undefined) return passed(`it leaves for ${end(to)} by ${seen.left}`)
  const cause = blockedForward(check, evidence)
  if (cause !== undefined) return failed(saw, cause)
  const guest = node.fact(guestFact(to).id)
  // As with TCP below: nobody knows which end is to blame, and UDP says nothing of a way that is not there.
  if (seen.arrived === undefined && familyOf(check) === 6)
    return skipped(`${saw}, though nothing on the node is in the way: has this machine a way out by IPv6?`)
  if (seen.arrived === undefined && from === 'outside') return failed(saw, unexplained(check))
  if (/no route to host|silence/i.test(`${guest.error ?? ''} ${guest.silence === undefined ? '' : 'silence'}`))
    return skipped(`${end(to)} does not answer the node either (${shown(guest)}); the rule is there`)
  return failed(saw, {
    cause: 'the node takes it in and sends it nowhere',
    hint: 'ip route; ip rule; nft list ruleset',
  })
}

/** True when a guest would get its answer from an address that it did not ask. */
function isUnanswerable({ from }: ForwardCheck, { seen }: Evidence): boolean {
  return from !== 'outside' && seen.source === seen.from && seen.bridged_nat !== 1
}

/** As {@link reasonOf} says it, when it may be this machine that knows no way. */
const NO_WAY = /^(network|host) unreachable$/

function end({ address, port }: ForwardCheck['to']): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function guestFact({ address, port }: ForwardCheck['to']) {
  return { id: `tcp ${address}:${port}`, kind: 'tcp' as const, args: [address, port] }
}

/** Whether a port answers to this machine. */
export async function knock(ask: Outside, port: number, address?: string): Promise<Seen> {
  try {
    const stream = await ask.dial(port, address)
    stream.on('error', () => {}).destroy()
    return { open: 1 }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

/** What came of knocking, in words. */
export function shown({ open, error, silence }: Seen): string {
  if (open !== undefined) return 'connected'
  if (error !== undefined) return String(error).toLowerCase()
  return silence === undefined ? 'nothing seen' : 'no answer'
}

/** Version of IP of a forward: that of its guest. */
function familyOf({ to }: ForwardCheck): IpFamily {
  return to.address.includes(':') ? 6 : 4
}

/** The address that visitors use; undefined where the node alone knows: of IPv6, when the inventory has one of IPv4. */
function entrance(check: ForwardCheck, host: HostView): string | undefined {
  const address = check.address ?? host.address
  return familyOf(check) === 6 && !address.includes(':') ? undefined : address
}

/** The address of the interface with the default route. */
function firstAddress(node: NodeView, family: IpFamily): string | undefined {
  const link = node.links.find(({ ifname }) => ifname === (node.routeOut(family).dev ?? node.defaultRoute.dev))
  return link?.addr_info.find((own) => own.family === (family === 6 ? 'inet6' : 'inet') && own.scope === 'global')
    ?.local
}

function sourceOutside(family: IpFamily, { controller }: NodeView): string {
  const stranger = family === 4 ? '192.0.2.1' : '2001:db8::1'
  return parseIp(controller)?.family === family ? controller : stranger
}

function incoming(check: ForwardCheck, { node, host }: Evidence): Packet {
  const { protocol, port, from } = check
  const family = familyOf(check)
  const inner = from === 'outside' ? undefined : node.link(from)
  const own = inner?.addr_info.find((one) => one.family === (family === 6 ? 'inet6' : 'inet') && one.scope === 'global')
  return {
    family,
    hook: 'forward',
    protocol,
    from: inner?.ifname ?? node.routeOut(family).dev ?? node.defaultRoute.dev ?? '',
    source: own?.local ?? sourceOutside(family, node),
    destination: entrance(check, host) ?? firstAddress(node, family) ?? '',
    port,
    sourcePort: 40_000,
  }
}

/** A rule that leads elsewhere, or none at all. */
function wrongTarget(check: ForwardCheck, evidence: Evidence): Cause | undefined {
  const translation = evidence.node.destinationTranslation(incoming(check, evidence))
  const apply = 'pvectl apply puts it right'
  if (translation === undefined) return { cause: `no DNAT rule leads port ${check.port} anywhere`, hint: apply }
  const { address, port } = translation
  if (samePlace(address, check.to.address) && (port ?? check.port) === check.to.port) return undefined
  return {
    cause: `wrong DNAT: the rule leads to ${address}${port === undefined ? '' : `:${port}`} (${translation.how})`,
    hint: apply,
  }
}

function samePlace(one: string, other: string): boolean {
  const [a, b] = [parseIp(one), parseIp(other)]
  return a !== undefined && b !== undefined && a.family === b.family && a.address === b.address
}

function blockedForward(check: ForwardCheck, evidence: Evidence): Cause | undefined {
  const { node } = evidence
  const before = incoming(check, evidence)
  const inner = node.link({ network: `${check.to.address}/${before.family === 4 ? 32 : 128}` })?.ifname ?? ''
  const packet: Packet = { ...before, to: inner, destination: check.to.address, port: check.to.port }
  const back: Packet = {
    ...packet,
    from: inner,
    to: before.from,
    source: packet.destination,
    destination: packet.source,
    port: 40_000,
    sourcePort: check.to.port,
    state: 'established',
  }
  return (
    forwardingCause(node, [before.from, inner], before.family) ??
    firewallCause(node, { ...before, hook: 'prerouting' }) ??
    firewallCause(node, packet) ??
    firewallCause(node, back) ??
    nobodysAddress(check, node)
  )
}

function unexplained({ from }: ForwardCheck): Cause {
  return {
    cause:
      from === 'outside'
        ? 'something between this machine and the node stops it, or the guest answers by another way'
        : 'the answer goes straight to the guest that asked: the rule for hairpin is missing (POSTROUTING, ctstate DNAT)',
    hint: 'pvectl check shows a difference',
  }
}

/** An address that no interface has works only where somebody routes it to the node. */
function nobodysAddress({ address, from }: ForwardCheck, node: NodeView): Cause | undefined {
  if (from !== 'outside' || address === undefined || node.hasAddress(address)) return undefined
  return {
    cause: `no interface of the node has ${address}`,
    hint: 'give one the address, unless the provider routes it to the node',
  }
}
