/** What the node's routes and rules make of packets of guests: asked of the kernel itself, by `ip route get`. */
import { formatIpCidr, hostOf, ipContains, parseIpCidr } from '../net/ip-cidr.ts'
import { type Cause, seatName } from './causes.ts'
import type { Seat } from './check.ts'
import type { NodeView } from './node.ts'
import type { FactWish } from './probe/plan.ts'

/** What the kernel says of a packet, and of which one it was asked. */
interface Asked {
  readonly address?: string
  /** Interface it leaves by; undefined when it goes nowhere. */
  readonly dev?: string
  /** The complaint, or the route. */
  readonly said?: string
}

/** The fact that {@link answerCause} and {@link passageCause} need. `target`: default the node's gateway. */
export function routeFact(seat: Seat, target?: string): FactWish {
  const { interface: name = '', network = '', vlan = '' } = seat
  return { id: routeId(seat, target), kind: 'routes', args: [name, network, vlan, target ?? ''] }
}

function routeId({ interface: name, network, vlan }: Seat, target = ''): string {
  return `routes ${name} ${network} ${vlan} ${target}`
}

/** Why answers of the node do not go to guests of a seat; undefined when they do. */
export function answerCause(node: NodeView, seat: Seat, target?: string): Cause | undefined {
  const back = node.fact(routeId(seat, target)).back as Asked | undefined
  const link = node.link(seat)
  if (back?.address === undefined || link === undefined || back.dev === link.ifname) return undefined
  const other = otherPrefix(node, seat)
  if (other !== undefined)
    return {
      cause: `${link.ifname} has ${other} in place of ${seat.network}, so answers to ${back.address} ${wayOf(back)}`,
      hint: 'pvectl check shows a difference',
    }
  return {
    cause: `answers to guests of ${seatName(seat)} ${wayOf(back)} (ip route get ${back.address}: ${back.said})`,
    hint: 'ip rule; ip route: a rule or another route comes before that of the bridge',
  }
}

/** Why packets of guests of a seat are not routed to `target`; undefined when they are, by `out` where that is said. */
export function passageCause(node: NodeView, seat: Seat, target?: string, out?: string): Cause | undefined {
  const there = node.fact(routeId(seat, target)).there as Asked | undefined
  if (there?.address === undefined) return undefined
  const command = `ip route get ${there.address} … iif ${node.link(seat)?.ifname ?? seatName(seat)}: ${there.said}`
  if (there.dev === undefined && /cross-device/i.test(there.said ?? ''))
    return {
      cause: `the node takes packets of guests of ${seatName(seat)} for forged (rp_filter), as it would answer them by another way`,
      hint: 'ip rule; ip route; sysctl -a | grep rp_filter',
    }
  const hint = 'ip rule; ip route: packets of guests meet a rule or a route that those of the node do not'
  if (there.dev === undefined) return { cause: `packets of guests are routed nowhere (${command})`, hint }
  if (out === undefined || there.dev === out) return undefined
  return { cause: `packets of guests leave by ${there.dev}, and the NAT rule is for ${out}`, hint }
}

function wayOf({ dev }: Asked): string {
  return dev === undefined ? 'go nowhere' : `leave by ${dev}`
}

/** The node's address of a seat, when its network is smaller than that of the playbook. */
function otherPrefix(node: NodeView, seat: Seat): string | undefined {
  const wanted = parseIpCidr(seat.network ?? '')
  if (wanted === undefined) return undefined
  const own = (node.link(seat)?.addr_info ?? []).flatMap((one) => parseIpCidr(`${one.local}/${one.prefixlen}`) ?? [])
  const found = own.find(
    (one) => one.family === wanted.family && one.prefix > wanted.prefix && ipContains(wanted, hostOf(one)),
  )
  return found === undefined ? undefined : formatIpCidr(found)
}
