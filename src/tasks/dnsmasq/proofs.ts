/** What shows that DHCP and DNS work for the guests of a bridge. */
import { formatIpv4, type Ipv4Subnet } from '../../net/subnet.ts'
import type { Check, Seat } from '../../verify/check.ts'
import { asList } from '../fields.ts'
import type { DnsmasqParams } from './params.ts'

/** Names that are asked for; with a hundred more, the answers would say nothing new. */
const MOST_NAMES = 50

/** The checks of a `dnsmasq` task. */
export function dnsmasqProofs(params: DnsmasqParams, subnet: Ipv4Subnet): readonly Check[] {
  const seat: Seat = { interface: params.interface, network: `${formatIpv4(subnet.address)}/${subnet.prefix}` }
  const server = formatIpv4(subnet.address)
  return [
    ...offers(params, seat, server),
    ...params.reservations.map(({ mac, ip }) => ({ kind: 'dhcp_reservation' as const, seat, mac, ip })),
    ...names(params)
      .slice(0, MOST_NAMES)
      .map((name) => ({ kind: 'dns_name' as const, seat, server, ...name })),
    { kind: 'dns_outside', seat, server },
    ...(params.ipv6_ra ? [{ kind: 'ipv6_ra' as const, seat }] : []),
  ]
}

/** Without a range, only guests with a reservation get an address. */
function offers({ ranges, router, dns }: DnsmasqParams, seat: Seat, own: string): readonly Check[] {
  if (ranges.length === 0) return []
  const spans = ranges.map(({ start, end }) => ({ start, end }))
  return [{ kind: 'dhcp_offer', seat, ranges: spans, router: router ?? own, dns: dns ?? [own] }]
}

interface Name {
  readonly name: string
  readonly addresses: readonly string[]
}

function names({ reservations, records, aliases, domain }: DnsmasqParams): readonly Name[] {
  const full = (name: string) => (domain === undefined || name.includes('.') ? name : `${name}.${domain}`)
  const known: Name[] = [
    ...reservations.flatMap(({ name, ip }) => (name === undefined ? [] : [{ name: full(name), addresses: [ip] }])),
    ...Object.entries(records).map(([name, addresses]) => ({
      // Any name below is as good as another.
      name: name.startsWith('*.') ? name.replace('*', 'pvectl-verify') : full(name),
      addresses: asList(addresses),
    })),
  ]
  const targets = new Map(known.map(({ name, addresses }) => [name.toLowerCase(), addresses]))
  const more = Object.entries(aliases).flatMap(([alias, target]) => {
    const addresses = targets.get(full(target).toLowerCase())
    return addresses === undefined ? [] : [{ name: full(alias), addresses }]
  })
  return [...known, ...more]
}
