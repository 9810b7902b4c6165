/** Ports of the node that lead to guests. */
import { type IpFamily, parseIp } from '../../net/ip-cidr.ts'
import { type Cause, firewallCause, forwardingCause, seatProblem } from '../causes.ts'
import type { ForwardCheck } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import { reasonOf } from '../outside/http.ts'
import type { Seen } from '../probe/plan.ts'
import { type Evidence, failed, type HostView, type Outside, type Prover, passed, skipped } from '../prover.ts'

/** Proves {@link ForwardCheck}. */
export const forward: Prover<ForwardCheck> = {
  title: ({ protocol, address, port, to, from }, host) =>
    `${protocol} port ${port} of ${address ?? host.address} leads to ${end(to)}${from === 'outside' ? '' : ', also for guests'}`,
  proves: 'a connection to the port of the node comes to the guest; of UDP, that the rule is there',
  probe(check, host) {
    const { protocol, port, from } = check
    if (from === 'outside' || protocol === 'udp') return undefined
    return { kind: 'tcp', seat: from, host: entrance(check, host) ?? 'uplink6', port }
  },
  async outside(check, host, ask) {
    if (check.from !== 'outside' || check.protocol !== 'tcp') return {}
    return entrance(check, host) === undefined ? { no_uplink6: 1 } : knock(ask, check.port, check.address)
  },
  facts: ({ protocol, to }) => (protocol === 'udp' ? [] : [guestFact(to)]),
  judge(check, evidence) {
    const { protocol, from } = check
    const problem = from === 'outside' ? undefined : seatProblem(from, evidence.seen)
    if (problem !== undefined) return problem
    const wrong = wrongTarget(check, evidence)
    if (protocol === 'udp') {
      return wrong === undefined ? skipped('UDP gives no answer to look for; the rule is there') : failed('UDP', wrong)
    }
    const seen = from === 'outside' ? evidence.outside : evidence.seen
    if (wrong !== undefined) return failed(shown(seen), wrong)
    if (seen.no_uplink6 !== undefined)
      return skipped(`the rule is there; which IPv6 address outsiders use is not known: name it in \`address\``)
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
