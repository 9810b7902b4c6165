/** What passes the node from one of its networks to another. */
import { type Cause, firewallCause, forwardingCause, linkCause, seatProblem } from '../causes.ts'
import type { BetweenCheck, BetweenTry } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import type { FactWish, Seen } from '../probe/plan.ts'
import { type Evidence, failed, type Prover, passed, skipped } from '../prover.ts'

/** What became of one connection. */
interface Outcome {
  readonly kind: 'right' | 'wrong' | 'unknown'
  readonly text: string
  readonly why?: Cause
}

/** Names that fit into a title. */
const MOST_NAMES = 3

/** Proves {@link BetweenCheck}. */
export const between: Prover<BetweenCheck> = {
  title({ name, tries }) {
    const open = tries.filter(({ passes }) => passes).map(endText)
    const shut = tries.filter(({ passes }) => !passes).map((one) => one.name)
    if (shut.length === 0) return `guests of ${name} reach ${listed(open)}`
    const others = shut.length > MOST_NAMES ? `${shut.length} other networks` : shut.join(', ')
    return open.length === 0
      ? `guests of ${name} reach nothing in ${others}`
      : `guests of ${name} reach ${listed(open)}, and nothing else in ${others}`
  },
  proves:
    'of what guests of a network send to the other networks of the node, what is allowed gets there and is answered, and a sample of what is not allowed is dropped',
  probe: ({ seat, tries }) => ({
    kind: 'between',
    seat,
    tries: tries.map(({ to, address, protocol, port }) => ({
      to,
      protocol,
      port,
      ...(address === undefined ? {} : { address }),
    })),
  }),
  facts: ({ tries }) => tries.flatMap((one) => (one.address === undefined ? [] : [guestFact(one.address, one.port)])),
  judge(check, evidence) {
    const problem = seatProblem(check.seat, evidence.seen)
    if (problem !== undefined) return problem
    const seen = (evidence.seen.tries ?? []) as readonly Seen[]
    const outcomes = check.tries.map((one, i) => outcomeOf(check, one, seen[i] ?? {}, evidence))
    const wrong = outcomes.filter(({ kind }) => kind === 'wrong')
    if (wrong.length > 0) return failed(texts(wrong), wrong[0]?.why)
    const unknown = outcomes.filter(({ kind }) => kind === 'unknown')
    return unknown.length > 0 ? skipped(texts(unknown)) : passed(texts(outcomes))
  },
}

function endText({ name, address, protocol, port, all }: BetweenTry): string {
  const service = protocol === 'tcp' ? `${port}` : `udp/${port}`
  return all === true ? name : `${address ?? name}:${service}`
}

function listed(names: readonly string[]): string {
  return names.length > MOST_NAMES ? `${names.slice(0, MOST_NAMES).join(', ')} …` : names.join(', ')
}

function texts(outcomes: readonly Outcome[]): string {
  return outcomes.map(({ text }) => text).join('; ')
}

function guestFact(address: string, port: number): FactWish {
  return { id: `tcp ${address}:${port}`, kind: 'tcp', args: [address, port] }
}

function outcomeOf(check: BetweenCheck, one: BetweenTry, seen: Seen, evidence: Evidence): Outcome {
  const { node } = evidence
  const end = `${one.address ?? one.name}:${one.protocol === 'udp' ? 'udp/' : ''}${one.port}`
  if (seen.open === undefined && seen.error === undefined && seen.silence === undefined)
    return { kind: 'unknown', text: `${end} not tried: ${String(seen.why ?? 'nothing was seen')}` }
  const packet = packetTo(check, one, seen, evidence)
  const answers = seen.open !== undefined || (one.address !== undefined && seen.error === 'Connection refused')
  if (!one.passes)
    return answers
      ? { kind: 'wrong', text: `${end} answers`, why: openCause(check, packet, node) }
      : shut(end, packet, evidence)
  if (answers) return { kind: 'right', text: `${end} answers` }
  const silent = `${end}: ${seen.error === undefined ? 'no answer' : String(seen.error).toLowerCase()}`
  const why = stopCause(check, one, packet, node)
  if (why !== undefined) return { kind: 'wrong', text: silent, why }
  const guest = one.address === undefined ? undefined : node.fact(guestFact(one.address, one.port).id)
  if (guest !== undefined && guest.open === undefined)
    return { kind: 'unknown', text: `${end} does not answer the node either` }
  return {
    kind: 'wrong',
    text: silent,
    why: { cause: `nothing on the node is seen to stop it on its way to ${one.name}` },
  }
}

/** Silence proves something only where what is allowed could pass. */
function shut(end: string, packet: Packet, { node, seen: { alive } }: Evidence): Outcome {
  if (alive === undefined)
    return { kind: 'unknown', text: `${end}: the node does not answer guests of ${packet.from} at all` }
  const off = forwardingCause(node, [packet.from, packet.to ?? ''])
  if (off !== undefined) return { kind: 'unknown', text: `${end}: ${off.cause}, so that nothing passes anyway` }
  return { kind: 'right', text: `${end} does not` }
}

function packetTo(
  { seat }: BetweenCheck,
  { to, address, protocol, port }: BetweenTry,
  seen: Seen,
  { seen: own, node }: Evidence,
): Packet {
  return {
    family: 4,
    hook: 'forward',
    protocol,
    from: node.link(seat)?.ifname ?? seat.interface ?? '',
    to: node.link(to)?.ifname ?? to.interface ?? '',
    source: String(own.from ?? seat.network?.replace(/\/\d+$/, '') ?? ''),
    destination: address ?? String(seen.address ?? ''),
    port,
    sourcePort: 40_000,
  }
}

const APPLY = 'pvectl apply puts it right'

/** Why something passes that must not. */
function openCause({ table }: BetweenCheck, packet: Packet, node: NodeView): Cause {
  const outcome = node.nftOutcome(`inet ${table}`, 'forward', packet)
  if (outcome === undefined)
    return { cause: `the table inet ${table} of nftables is gone, so nothing keeps the networks apart`, hint: APPLY }
  if (outcome.by.startsWith('policy'))
    return { cause: `no rule of inet ${table} drops what goes from ${packet.from} to ${packet.to}`, hint: APPLY }
  if (outcome.kind === 'accept') return { cause: `a rule lets it pass: ${outcome.by}`, hint: APPLY }
  return { cause: `the rule that drops it does not get to see it: ${outcome.by}` }
}

/** Why something does not pass that may; undefined when nothing is seen to stop it. */
function stopCause(
  { seat, table }: BetweenCheck,
  { to }: BetweenTry,
  packet: Packet,
  node: NodeView,
): Cause | undefined {
  const outcome = node.nftOutcome(`inet ${table}`, 'forward', packet)
  const back: Packet = {
    ...packet,
    from: packet.to ?? '',
    to: packet.from,
    source: packet.destination,
    destination: packet.source,
    port: packet.sourcePort ?? 0,
    sourcePort: packet.port ?? 0,
    state: 'established',
  }
  const unlisted =
    outcome?.kind === 'drop'
      ? {
          cause: `no rule of inet ${table} lets ${packet.protocol} port ${packet.port} pass from ${packet.from} to ${packet.to} (${outcome.by})`,
          hint: APPLY,
        }
      : undefined
  return (
    linkCause(node, seat) ??
    linkCause(node, to) ??
    forwardingCause(node, [packet.from, packet.to ?? '']) ??
    unlisted ??
    firewallCause(node, packet) ??
    firewallCause(node, back)
  )
}
