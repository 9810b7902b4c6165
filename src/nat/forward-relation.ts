/** How forwards get along that are about the same packets. */
import { formatIpCidr } from '../net/ip-cidr.ts'
import { type Forward, portsOverlap, portsWithin, purposeText } from './forward.ts'

/**
 * What another rule is to a forward: `none` of its packets, the `same` packets to the same place in whatever words,
 * the same packets to another place (`moved`), or in its way (`conflict`).
 */
export type ForwardRelation = 'none' | 'same' | 'moved' | 'conflict'

/** The relation of a rule to a forward that pvectl is to set. `outside`: interfaces by which its packets come in. */
export function relationTo(wanted: Forward, other: Forward, outside: readonly string[]): ForwardRelation {
  if (other.chain !== wanted.chain || other.family !== wanted.family || !meets(wanted, other, outside)) return 'none'
  const within = portsWithin(other.ports, wanted.ports) && other.protocol === wanted.protocol
  if (sameTarget(wanted, other)) return within ? 'same' : 'none'
  const equal = within && portsWithin(wanted.ports, other.ports)
  return equal && other.target.kind === 'dnat' ? 'moved' : 'conflict'
}

/**
 * True for a forward in pvectl's own form: also for the node itself. One that went to another place before is then
 * moved, while one that somebody wrote by hand is left for people to decide about.
 */
export function isOwnForm(rule: Forward, all: readonly Forward[]): boolean {
  return all.some(
    (other) => other.chain !== rule.chain && purposeText(other) === purposeText(rule) && sameTarget(rule, other),
  )
}

function meets(wanted: Forward, other: Forward, outside: readonly string[]): boolean {
  const { address, in: iface, protocol } = other
  if (protocol !== undefined && wanted.protocol !== undefined && protocol !== wanted.protocol) return false
  if (iface !== undefined && !outside.includes(iface)) return false
  if (address !== undefined && wanted.address !== undefined && formatIpCidr(address) !== formatIpCidr(wanted.address))
    return false
  return portsOverlap(wanted.ports, other.ports)
}

/** Each port that both have ends at the same port of the same host. */
function sameTarget(a: Forward, b: Forward): boolean {
  if (a.target.kind !== 'dnat' || b.target.kind !== 'dnat' || a.target.to !== b.target.to) return false
  const distance = ({ ports, target }: Forward) => (target.kind === 'dnat' ? target.port - (ports[0]?.first ?? 0) : 0)
  return distance(a) === distance(b)
}
