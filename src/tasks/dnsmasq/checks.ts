/**
 * What must be true of the parameters as a whole. `dnsmasq --test` accepts most of these mistakes, a range turned round
 * among them, and the guests then find out.
 */
import { parseIpCidr } from '../../net/ip-cidr.ts'
import { formatIpv4, type Ipv4Subnet, isWithin, parseIpv4, parseSubnet } from '../../net/subnet.ts'

/** The parameters that are checked against each other. */
export interface Checked {
  readonly interface: string
  readonly subnet?: string | undefined
  readonly ranges: readonly { readonly start: string; readonly end: string }[]
  readonly reservations: readonly { readonly mac: string; readonly ip: string; readonly name?: string | undefined }[]
  readonly router?: string | false | undefined
  readonly records: Readonly<Record<string, unknown>>
  readonly aliases: Readonly<Record<string, string>>
  readonly options: readonly { readonly option: string | number }[]
  readonly replace: readonly string[]
  readonly ipv6_ra: boolean | { readonly subnet?: string | undefined }
  readonly state: 'present' | 'absent'
}

/** A mistake and where it is. */
export interface CheckProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Every mistake; empty when there is none. */
export function problemsOf(params: Checked): readonly CheckProblem[] {
  if (params.state === 'absent') return []
  const subnet = parseSubnet(params.subnet ?? '')
  if (subnet === undefined || subnet.prefix < 8 || subnet.prefix > 30) {
    return [{ path: ['subnet'], message: "must be the node's address and prefix length (8 to 30), e.g. 10.0.0.1/16" }]
  }
  return [
    ...subnetProblems(params.subnet ?? '', subnet),
    ...params.ranges.flatMap((range, i) => rangeProblems(range, ['ranges', i], subnet)),
    ...overlaps(params.ranges),
    ...params.reservations.flatMap(({ ip }, i) => reservationProblems(ip, ['reservations', i, 'ip'], subnet)),
    ...repeated(params.reservations, 'mac'),
    ...repeated(params.reservations, 'ip'),
    ...repeated(params.reservations, 'name'),
    ...routerProblems(params.router, subnet),
    ...nameProblems(params),
    ...optionProblems(params),
    ...replaceProblems(params),
    ...advertisementProblems(params),
  ]
}

function subnetProblems(text: string, { address, first, last }: Ipv4Subnet): CheckProblem[] {
  if (address !== first && address !== last) return []
  return [
    { path: ['subnet'], message: `${text} is no host address: give the node's own, e.g. ${formatIpv4(first + 1)}` },
  ]
}

type Path = readonly (string | number)[]

function rangeProblems(range: { start: string; end: string }, path: Path, subnet: Ipv4Subnet): CheckProblem[] {
  const [start = 0, end = 0] = [parseIpv4(range.start), parseIpv4(range.end)]
  const outside = (['start', 'end'] as const).filter((key) => !isWithin(parseIpv4(range[key]) ?? -1, subnet))
  if (outside.length > 0) {
    return outside.map((key) => ({ path: [...path, key], message: `${range[key]} is not in ${cidr(subnet)}` }))
  }
  const problems: CheckProblem[] = []
  if (start > end) problems.push({ path, message: `begins (${range.start}) after its end (${range.end})` })
  if (start === subnet.first)
    problems.push({ path: [...path, 'start'], message: `${range.start} is the address of the network itself` })
  if (end === subnet.last)
    problems.push({ path: [...path, 'end'], message: `${range.end} is the broadcast address of ${cidr(subnet)}` })
  return problems
}

function overlaps(ranges: Checked['ranges']): CheckProblem[] {
  const spans = ranges.map(({ start, end }) => [parseIpv4(start) ?? 0, parseIpv4(end) ?? 0] as const)
  return spans.flatMap(([start, end], i) => {
    const other = spans.slice(0, i).findIndex(([from, to]) => start <= to && from <= end)
    return other < 0 ? [] : [{ path: ['ranges', i], message: `overlaps with range ${other + 1}` }]
  })
}

function reservationProblems(ip: string, path: Path, subnet: Ipv4Subnet): CheckProblem[] {
  const address = parseIpv4(ip) ?? -1
  if (!isWithin(address, subnet)) return [{ path, message: `${ip} is not in ${cidr(subnet)}` }]
  if (address === subnet.address) return [{ path, message: `${ip} is the address of the node itself` }]
  if (address === subnet.first) return [{ path, message: `${ip} is the address of the network itself` }]
  if (address === subnet.last) return [{ path, message: `${ip} is the broadcast address of ${cidr(subnet)}` }]
  return []
}

function repeated(reservations: Checked['reservations'], key: 'mac' | 'ip' | 'name'): CheckProblem[] {
  const values = reservations.map((reservation) => reservation[key]?.toLowerCase())
  return values.flatMap((value, i) => {
    const first = values.indexOf(value)
    if (value === undefined || first === i) return []
    return [{ path: ['reservations', i, key], message: `${value} is in reservation ${first + 1} already` }]
  })
}

function routerProblems(router: Checked['router'], subnet: Ipv4Subnet): CheckProblem[] {
  if (router === undefined || router === false || isWithin(parseIpv4(router) ?? -1, subnet)) return []
  return [{ path: ['router'], message: `${router} is not in ${cidr(subnet)}, so guests could not reach it` }]
}

function nameProblems({ records, aliases, reservations }: Checked): CheckProblem[] {
  const reserved = new Set(reservations.map(({ name }) => name?.toLowerCase()))
  const names = new Set([...reserved, ...Object.keys(records).map((name) => name.toLowerCase())])
  const twice = Object.keys(records).filter((name) => reserved.has(name.toLowerCase()))
  return [
    ...twice.map((name) => ({ path: ['records', name], message: `${name} is the name of a reservation too` })),
    ...Object.entries(aliases).flatMap(([alias, target]) => {
      const path = ['aliases', alias]
      if (names.has(alias.toLowerCase())) return [{ path, message: `${alias} is a name with an address already` }]
      if (alias.toLowerCase() === target.toLowerCase()) return [{ path, message: 'is an alias of itself' }]
      return leadsBack(alias, aliases) ? [{ path, message: `leads back to ${alias}: dnsmasq would not start` }] : []
    }),
  ]
}

function leadsBack(alias: string, aliases: Checked['aliases']): boolean {
  const targets = new Map(Object.entries(aliases).map(([name, target]) => [name.toLowerCase(), target.toLowerCase()]))
  const start = alias.toLowerCase()
  let next = targets.get(start)
  for (let i = 0; i < targets.size && next !== undefined && next !== start; i += 1) next = targets.get(next)
  return next === start
}

const OWN_PARAMETER: Readonly<Record<string, string>> = {
  '3': 'router',
  router: 'router',
  '6': 'dns',
  'dns-server': 'dns',
}

function optionProblems({ options }: Checked): CheckProblem[] {
  return options.flatMap(({ option }, i) => {
    const own = OWN_PARAMETER[String(option)]
    return own === undefined ? [] : [{ path: ['options', i, 'option'], message: `is what \`${own}\` is for` }]
  })
}

/** Guests choose addresses in a /64 only (RFC 4862). */
function advertisementProblems({ ipv6_ra: given }: Checked): CheckProblem[] {
  if (typeof given === 'boolean' || given.subnet === undefined) return []
  const cidr = parseIpCidr(given.subnet)
  if (cidr?.family === 6 && cidr.prefix === 64) return []
  return [{ path: ['ipv6_ra', 'subnet'], message: "must be the node's IPv6 address with /64, e.g. fd00:10::1/64" }]
}

function replaceProblems({ interface: name, replace }: Checked): CheckProblem[] {
  const index = replace.indexOf(`/etc/dnsmasq.d/pvectl-${name}.conf`)
  return index < 0 ? [] : [{ path: ['replace', index], message: "is this task's own file" }]
}

function cidr({ first, prefix }: Ipv4Subnet): string {
  return `${formatIpv4(first)}/${prefix}`
}
