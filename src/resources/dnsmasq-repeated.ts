/**
 * What dnsmasq takes once in all of its files together: said again, it refuses to start, and the two files are right each
 * on its own. Found by trying dnsmasq 2.90, whose `--test` names only the first.
 */
import { type Ipv4Subnet, isWithin, parseIpv4 } from '../net/subnet.ts'
import type { DnsmasqOption } from './dnsmasq-options.ts'

/** An option of another file that says again what a file says. */
export interface Repeated {
  /** What is said twice: `the address 10.0.0.20`, `cache-size`. */
  readonly what: string
  readonly other: DnsmasqOption
}

/** Options with a single value ("illegal repeated keyword"). */
const ONCE: ReadonlySet<string> = new Set(
  `add-cpe-id add-subnet auth-server auth-soa auth-ttl cache-size dhcp-alternate-port dhcp-lease-max dhcp-leasefile
  dhcp-reply-delay dhcp-script dhcp-scriptuser dhcp-ttl dns-forward-max dnssec-limits dnssec-timestamp dumpfile dumpmask
  edns-packet-max enable-dbus enable-ubus fast-dns-retry group local-service local-ttl log-async log-facility
  max-cache-ttl max-port max-tcp-connections max-ttl min-cache-ttl min-port mx-target neg-ttl pid-file port port-limit
  query-port servers-file tftp-max tftp-mtu umbrella use-stale-cache user`.split(/\s+/),
)

/** Options among `others` that repeat one of `own`; reservations of a hardware address count within the subnet. */
export function repeatedIn(
  own: readonly DnsmasqOption[],
  others: readonly DnsmasqOption[],
  subnet: Ipv4Subnet,
): readonly Repeated[] {
  const taken = new Set(own.flatMap((option) => saidBy(option, subnet)))
  return others.flatMap((other) => {
    const what = saidBy(other, subnet).find((one) => taken.has(one))
    return what === undefined ? [] : [{ what, other }]
  })
}

function saidBy({ key, value }: DnsmasqOption, subnet: Ipv4Subnet): readonly string[] {
  const items = value.split(',').map((item) => item.trim().toLowerCase())
  if (ONCE.has(key)) return [key]
  // Aliases, then the name that they are for, then perhaps a time to live.
  if (key === 'cname')
    return items
      .filter((item) => !/^\d+$/.test(item))
      .slice(0, -1)
      .map((alias) => `the alias ${alias}`)
  if (key !== 'dhcp-host') return []
  const addresses = items.filter((item) => parseIpv4(item) !== undefined)
  const isHere = addresses.some((item) => isWithin(parseIpv4(item) ?? -1, subnet))
  const macs = isHere ? items.filter((item) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(item)) : []
  return [...addresses, ...macs].map((item) => `a reservation of ${item}`)
}
