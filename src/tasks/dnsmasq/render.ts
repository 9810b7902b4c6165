/** The text of a bridge's file in /etc/dnsmasq.d. */
import { formatIpCidr, ipNetworkOf, parseIpCidr } from '../../net/ip-cidr.ts'
import { formatIpv4, type Ipv4Subnet, netmask } from '../../net/subnet.ts'
import { asList } from '../fields.ts'
import type { HostContext } from '../task-type.ts'
import type { DnsmasqParams } from './params.ts'

/** Renders the file from the template `dnsmasq.conf.ejs`. Throws what the template throws. */
export function renderDnsmasq(params: DnsmasqParams, subnet: Ipv4Subnet, host: HostContext): string {
  const network = formatIpv4(subnet.first)
  return host.template('dnsmasq.conf.ejs', {
    name: params.interface,
    network: `${network}/${subnet.prefix}`,
    netmask: netmask(subnet.prefix),
    domain: params.domain ?? null,
    upstream: params.upstream,
    authoritative: params.authoritative,
    ranges: ranges(params, network),
    options: dhcpOptions(params, formatIpv4(subnet.address)),
    reservations: params.reservations.map(({ mac, ip, name }) =>
      [mac.toLowerCase(), ip, ...(name === undefined ? [] : [name])].join(','),
    ),
    records: [...reservedNames(params), ...records(params), ...aliases(params)],
    ipv6Ra: params.ipv6_ra !== false,
    ipv6Lines: ipv6Lines(params),
    extra: params.extra,
  })
}

/** Beside the range itself: names, name servers, and whether the node is a router. */
function ipv6Lines({ ipv6_ra: given, domain, interface: name }: DnsmasqParams): readonly string[] {
  if (given === false) return []
  const { subnet, dns, router } = given === true ? { subnet: undefined, dns: undefined, router: true } : given
  const network = parseIpCidr(subnet ?? '')
  return [
    ...(domain === undefined ? [] : [`dhcp-option=tag:${name},option6:domain-search,${domain}`]),
    ...(domain === undefined || network === undefined
      ? []
      : [`domain=${domain},${formatIpCidr(ipNetworkOf(network))}`]),
    ...(dns === undefined
      ? []
      : [`dhcp-option=tag:${name},option6:dns-server,${dns.map((one) => `[${one}]`).join(',')}`]),
    // Interval as by default, lifetime 0: not a default router (RFC 4861).
    ...(router ? [] : [`ra-param=${name},0,0`]),
  ]
}

/** Without a range dnsmasq ignores reservations, so there must be one, if only for those. */
function ranges({ ranges: given, reservations }: DnsmasqParams, network: string): DnsmasqParams['ranges'] {
  if (given.length > 0 || reservations.length === 0) return given
  return [{ start: network, end: 'static', lease: '12h' }]
}

/** Without any range there is no DHCP, and no options either. */
function dhcpOptions(params: DnsmasqParams, own: string): readonly string[] {
  if (params.ranges.length === 0 && params.reservations.length === 0) return []
  // An option without a value is one that is not sent.
  const router = params.router === false ? '' : `,${params.router ?? own}`
  return [
    `option:router${router}`,
    `option:dns-server,${(params.dns ?? [own]).join(',')}`,
    ...params.options.map(({ option, value }) => {
      const name = typeof option === 'number' ? String(option) : `option:${option}`
      return `${name},${asList(value).join(',')}`
    }),
  ]
}

/** So that a name is known before its guest has asked for the address. */
function reservedNames({ reservations, domain }: DnsmasqParams): readonly string[] {
  return reservations.flatMap(({ ip, name }) =>
    name === undefined ? [] : [`host-record=${[name, ...qualified(name, domain), ip].join(',')}`],
  )
}

function records({ records: given, domain }: DnsmasqParams): readonly string[] {
  return Object.entries(given).flatMap(([name, addresses]) => {
    if (name.startsWith('*.')) return asList(addresses).map((address) => `address=/${name.slice(2)}/${address}`)
    const names = [name, ...qualified(name, domain)]
    return asList(addresses).map((address) => `host-record=${[...names, address].join(',')}`)
  })
}

function aliases({ aliases: given, domain }: DnsmasqParams): readonly string[] {
  const full = (name: string) => qualified(name, domain)[0] ?? name
  return Object.entries(given).map(([alias, target]) => {
    const names = [alias, ...qualified(alias, domain)]
    return `cname=${[...names, full(target)].join(',')}`
  })
}

function qualified(name: string, domain: string | undefined): readonly string[] {
  return domain === undefined || name.includes('.') ? [] : [`${name}.${domain}`]
}
