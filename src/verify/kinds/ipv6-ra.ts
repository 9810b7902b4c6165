/** Router advertisements, as a guest takes them. */
import { linkCause, seatName, seatProblem, serviceCause, unitFact } from '../causes.ts'
import type { Ipv6RaCheck, Seat } from '../check.ts'
import type { NodeView } from '../node.ts'
import type { Seen } from '../probe/plan.ts'
import { failed, type Prover, passed } from '../prover.ts'

const UNIT = 'dnsmasq.service'

/** Proves {@link Ipv6RaCheck}. */
export const ipv6Ra: Prover<Ipv6RaCheck> = {
  title: ({ seat }) => `IPv6 router advertisements on ${seatName(seat)}`,
  proves: 'a guest forms an IPv6 address of its own and has a default route',
  probe: ({ seat }) => ({ kind: 'ra', seat }),
  facts: () => [unitFact(UNIT)],
  judge({ seat }, { seen, node }) {
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    const { address, router } = seen
    const stranger = strangerAmong(seen, node, seat)
    if (stranger !== undefined)
      return failed(`router ${stranger}`, {
        cause: `another router announces itself on ${seatName(seat)}: ${stranger}`,
        hint: 'guests may send all their packets there: find it and turn its advertisements off',
      })
    if (address !== undefined && router !== undefined) return passed(`${address} via ${router}`)
    const saw =
      address !== undefined
        ? `${address}, no default route`
        : router !== undefined
          ? `router ${router}, no address`
          : 'no advertisement'
    const link = node.link(seat)
    const down = linkCause(node, seat)
    if (down !== undefined) return failed(saw, down)
    const hasPrefix = link?.addr_info.some(({ family, scope }) => family === 'inet6' && scope === 'global') ?? false
    if (!hasPrefix)
      return failed(saw, {
        cause: `${link?.ifname} has no static IPv6 address whose network could be announced`,
        hint: 'give the bridge one, with a prefix of 64 bits',
      })
    const packet = {
      family: 6,
      hook: 'input',
      protocol: 'icmp',
      from: link?.ifname ?? '',
      source: 'fe80::1',
      destination: 'ff02::2',
    } as const
    return failed(
      saw,
      serviceCause(node, seat, { unit: UNIT, protocol: 'udp', port: 53, packet }) ?? {
        cause: 'dnsmasq runs, and announces nothing',
        hint: 'journalctl -u dnsmasq',
      },
    )
  },
}

/** A router that is not the node: its own address there is that of the link. */
function strangerAmong({ routers }: Seen, node: NodeView, seat: Seat): string | undefined {
  const own = (node.link(seat)?.addr_info ?? []).map(({ local }) => local)
  return own.length === 0 ? undefined : ((routers ?? []) as readonly string[]).find((router) => !own.includes(router))
}
