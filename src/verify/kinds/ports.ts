/** Ports of the node: those that lead to guests, and those that must not answer. */
import { type Cause, firewallCause, forwardingCause, linkCause, seatName, seatProblem } from '../causes.ts'
import type { ClosedCheck, ForwardCheck } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import { reasonOf } from '../outside/http.ts'
import type { Seen } from '../probe/plan.ts'
import { type Evidence, failed, type HostView, type Outside, type Prover, passed, skipped } from '../prover.ts'

/** Proves {@link ForwardCheck}. */
export const forward: Prover<ForwardCheck> = {
  title: ({ protocol, address, port, to, from }, host) =>
    `${protocol} port ${port} of ${address ?? host.address} leads to ${end(to)}${from === 'outside' ? '' : ', also for guests'}`,
  proves: 'a connection to the port of the node comes to the guest; of UDP, that the rule is there',
  probe({ protocol, address, port, from }, host) {
    if (from === 'outside' || protocol === 'udp') return undefined
    return { kind: 'tcp', seat: from, host: address ?? host.address, port }
  },
  outside: async ({ protocol, address, port, from }, _, ask) =>
    from === 'outside' && protocol === 'tcp' ? knock(ask, port, address) : {},
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
    if (seen.open !== undefined) return passed('connected')
    const guest = evidence.node.fact(guestFact(check.to).id)
    if (guest.open === undefined) return skipped(`${end(check.to)} does not answer the node either (${shown(guest)})`)
    return failed(shown(seen), blockedForward(check, evidence))
  },
}

/** Proves {@link ClosedCheck}. */
export const closed: Prover<ClosedCheck> = {
  title: ({ port, from }) =>
    `port ${port} is closed to ${from === 'outside' ? 'this machine' : `guests of ${seatName(from)}`}`,
  proves: 'nothing answers at the port, though the node itself can be reached from there',
  probe: ({ port, from }) => (from === 'outside' ? undefined : { kind: 'tcp', seat: from, port }),
  outside: async ({ port, from }, _, ask) => (from === 'outside' ? knock(ask, port) : {}),
  judge({ port, from }, { seen, outside, node, host }) {
    const problem = from === 'outside' ? undefined : seatProblem(from, seen)
    if (problem !== undefined) return problem
    const answer = from === 'outside' ? outside : seen
    const down = from === 'outside' ? undefined : linkCause(node, from)
    if (down !== undefined) return skipped(down.cause)
    // Silence of an address proves nothing unless it is known to be the node's.
    if (
      answer.open === undefined &&
      from === 'outside' &&
      host.address !== host.target.address &&
      answer.error !== REFUSED
    )
      return skipped(`${host.address}: ${shown(answer)}; nobody knows whether that is the node`)
    if (answer.open === undefined && answer.error === undefined && answer.silence === undefined)
      return skipped('nothing was seen')
    if (answer.open === undefined) return passed(shown(answer))
    const [listener = ''] = node.listeners('tcp', port)
    const who = /"([^"]+)"/.exec(listener)?.[1]
    return failed('it answers', {
      cause: `${who ?? 'a program'} listens there, and no firewall keeps anybody out`,
      hint: `let a firewall refuse port ${port}, or bind ${who ?? 'the program'} to another address`,
    })
  },
}

/** As {@link reasonOf} says it. */
const REFUSED = 'connection refused'

function end({ address, port }: ForwardCheck['to']): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function guestFact({ address, port }: ForwardCheck['to']) {
  return { id: `tcp ${address}:${port}`, kind: 'tcp' as const, args: [address, port] }
}

async function knock(ask: Outside, port: number, address?: string): Promise<Seen> {
  try {
    const stream = await ask.dial(port, address)
    stream.on('error', () => {}).destroy()
    return { open: 1 }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

function shown({ open, error, silence }: Seen): string {
  if (open !== undefined) return 'connected'
  if (error !== undefined) return String(error).toLowerCase()
  return silence === undefined ? 'nothing seen' : 'no answer'
}

function incoming({ protocol, address, port, from }: ForwardCheck, { node, host }: Evidence): Packet {
  const inner = from === 'outside' ? undefined : node.link(from)
  return {
    family: 4,
    hook: 'forward',
    protocol,
    from: inner?.ifname ?? node.defaultRoute.dev ?? '',
    source: inner?.addr_info[0]?.local ?? (node.controller === '' ? '192.0.2.1' : node.controller),
    destination: address ?? ownAddress(host),
    port,
    sourcePort: 40_000,
  }
}

function ownAddress({ address }: HostView): string {
  return address
}

/** A rule that leads elsewhere, or none at all. */
function wrongTarget(check: ForwardCheck, evidence: Evidence): Cause | undefined {
  const translation = evidence.node.destinationTranslation(incoming(check, evidence))
  const apply = 'pvectl apply puts it right'
  if (translation === undefined) return { cause: `no DNAT rule leads port ${check.port} anywhere`, hint: apply }
  const { address, port } = translation
  if (address === check.to.address && (port ?? check.port) === check.to.port) return undefined
  return {
    cause: `wrong DNAT: the rule leads to ${address}${port === undefined ? '' : `:${port}`} (${translation.how})`,
    hint: apply,
  }
}

function blockedForward(check: ForwardCheck, evidence: Evidence): Cause {
  const { node } = evidence
  const before = incoming(check, evidence)
  const inner = node.link({ network: `${check.to.address}/32` })?.ifname ?? ''
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
    forwardingCause(node, [before.from, inner]) ??
    firewallCause(node, packet) ??
    firewallCause(node, back) ?? {
      cause:
        check.from === 'outside'
          ? 'something between this machine and the node stops it, or the guest answers by another way'
          : 'the answer goes straight to the guest that asked: the rule for hairpin is missing (POSTROUTING, ctstate DNAT)',
      hint: 'pvectl check shows a difference',
    }
  )
}
