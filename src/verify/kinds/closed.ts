/** Ports of the node that must not answer. */
import { type Cause, linkCause, seatName, seatProblem } from '../causes.ts'
import type { ClosedCheck, Seat } from '../check.ts'
import type { NodeView } from '../node.ts'
import type { Seen } from '../probe/plan.ts'
import { type Evidence, failed, type Prover, passed, skipped, type Verdict } from '../prover.ts'
import { knock, shown } from './ports.ts'

/** As `reasonOf` says it. */
const REFUSED = 'connection refused'

/** Proves {@link ClosedCheck}. */
export const closed: Prover<ClosedCheck> = {
  title: ({ port, from }) =>
    `port ${port} is closed to ${from === 'outside' ? 'this machine' : `guests of ${seatName(from)}`}`,
  proves:
    'nothing answers at the port, though the node itself can be reached from there; to guests neither at its IPv6 link-local address',
  probe: ({ port, from }) => (from === 'outside' ? undefined : { kind: 'closed', seat: from, port }),
  outside: async ({ port, from }, _, ask) => (from === 'outside' ? knock(ask, port) : {}),
  judge({ port, from }, evidence) {
    return from === 'outside' ? judgeOutside(port, evidence) : judgeGuest(port, from, evidence)
  },
}

function judgeOutside(port: number, { outside: seen, node, host }: Evidence): Verdict {
  if (seen.open !== undefined) return failed('it answers', listenerCause(node, port))
  // Silence of an address proves nothing unless it is known to be the node's.
  if (host.address !== host.target.address && seen.error !== REFUSED)
    return skipped(`${host.address}: ${shown(seen)}; nobody knows whether that is the node`)
  return isNothing(seen) ? skipped('nothing was seen') : passed(shown(seen))
}

function judgeGuest(port: number, seat: Seat, { seen, node }: Evidence): Verdict {
  const { no_address: bare, link: byLink, ...rest } = seen
  const problem = seatProblem(seat, rest)
  if (problem !== undefined) return problem
  const down = linkCause(node, seat)
  if (down !== undefined) return skipped(down.cause)
  const link = (byLink ?? { no_address: 1 }) as Seen
  if (seen.open !== undefined) return failed(`it answers at ${seen.target}`, listenerCause(node, port))
  if (link.open !== undefined)
    return failed(`it answers at ${link.target}`, linkLocalCause(node, port, bare !== undefined))
  const isBare = link.no_address !== undefined
  if (bare !== undefined && isBare) return passed(`the node has no address on ${seatName(seat)}`)
  if ((bare === undefined && isNothing(seen)) || (!isBare && isNothing(link))) return skipped('nothing was seen')
  return passed(bare === undefined ? shown(seen) : shown(link))
}

function isNothing({ open, error, silence }: Seen): boolean {
  return open === undefined && error === undefined && silence === undefined
}

function listenerCause(node: NodeView, port: number): Cause {
  const who = listener(node, port)
  return {
    cause: `${who ?? 'a program'} listens there, and no firewall keeps anybody out`,
    hint: `let a firewall refuse port ${port}, or bind ${who ?? 'the program'} to another address`,
  }
}

function linkLocalCause(node: NodeView, port: number, bare: boolean): Cause {
  return {
    cause: `${listener(node, port) ?? 'a program'} listens at all addresses, and the link-local one of IPv6 is there by itself`,
    hint: bare
      ? '`link_local: false` in the bridge task takes it away'
      : `let a firewall refuse port ${port} of IPv6 too; \`link_local: false\` in the bridge task takes the address away`,
  }
}

function listener(node: NodeView, port: number): string | undefined {
  return /"([^"]+)"/.exec(node.listeners('tcp', port)[0] ?? '')?.[1]
}
