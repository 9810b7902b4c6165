/** DHCP, as a guest meets it. */
import { formatIpv4, isWithin, netmask, parseIpv4, parseSubnet } from '../../net/subnet.ts'
import { type Cause, seatName, seatProblem, serviceCause, unitFact } from '../causes.ts'
import type { DhcpOfferCheck, DhcpReservationCheck, Seat } from '../check.ts'
import type { NodeView } from '../node.ts'
import type { FactWish, Seen } from '../probe/plan.ts'
import { type Evidence, failed, type Prover, passed, type Verdict } from '../prover.ts'

const UNIT = 'dnsmasq.service'

/** Where Debian's dnsmasq keeps its leases. */
const LEASES = '/var/lib/misc/dnsmasq.leases'

interface Offer {
  readonly address: string
  readonly server: string | null
  readonly mask: string | null
  readonly router: readonly string[]
  readonly dns: readonly string[]
}

/** Proves {@link DhcpOfferCheck}. */
export const dhcpOffer: Prover<DhcpOfferCheck> = {
  title: ({ seat }) => `DHCP offers an address on ${seatName(seat)}`,
  proves: 'a new guest gets an address in range, with the right router and name servers',
  probe: ({ seat }) => ({ kind: 'dhcp', seat }),
  facts: ({ seat }) => [...facts(seat), { id: `file ${LEASES}`, kind: 'files', args: [LEASES] }],
  judge(check, evidence) {
    const full = poolCause(check, evidence.node)
    const offer = theOffer(check.seat, evidence, full)
    if ('status' in offer) return offer
    const wrong = mistakes(check, offer)
    const saw = `${offer.address}, router ${list(offer.router)}, DNS ${list(offer.dns)}`
    if (wrong.length === 0) return passed(saw)
    return failed(`${saw}: ${wrong.join('; ')}`, outdated(evidence.node, check.seat))
  },
}

/** Proves {@link DhcpReservationCheck}. */
export const dhcpReservation: Prover<DhcpReservationCheck> = {
  title: ({ mac, ip }) => `DHCP keeps ${ip} for ${mac}`,
  proves: 'the guest with this hardware address gets the address that is reserved for it',
  probe: ({ seat, mac }) => ({ kind: 'dhcp', seat, mac: mac.toLowerCase() }),
  facts: ({ seat }) => facts(seat),
  judge({ seat, ip }, evidence) {
    const offer = theOffer(seat, evidence)
    if ('status' in offer) return offer
    return offer.address === ip
      ? passed(`${ip} offered`)
      : failed(`${offer.address} offered in place of ${ip}`, outdated(evidence.node, seat))
  },
}

function configFile({ interface: name }: Seat): string {
  return `/etc/dnsmasq.d/pvectl-${name}.conf`
}

function facts(seat: Seat): readonly FactWish[] {
  const file = configFile(seat)
  return [unitFact(UNIT), { id: `file ${file}`, kind: 'files', args: [file] }]
}

function theOffer(seat: Seat, { seen, node }: Evidence, full?: Cause): Offer | Verdict {
  const problem = seatProblem(seat, seen)
  if (problem !== undefined) return problem
  const offers = offersOf(seen)
  const [offer] = offers
  if (offer === undefined) return failed('no offer', silence(node, seat, full))
  const own = node.link(seat)?.addr_info.map(({ local }) => local) ?? []
  const stranger = offers.find(({ server }) => server !== null && !own.includes(server))
  if (stranger === undefined) return offer
  return failed(`${stranger.server} offers ${stranger.address}`, {
    cause: `another DHCP server is on ${seatName(seat)}: ${stranger.server}`,
    hint: 'guests take whichever answer comes first: find it and turn it off',
  })
}

function offersOf({ offers }: Seen): readonly Offer[] {
  return (offers ?? []) as readonly Offer[]
}

function silence(node: NodeView, seat: Seat, full: Cause | undefined): Cause {
  const from = node.link(seat)?.ifname ?? seatName(seat)
  const packet = {
    family: 4,
    hook: 'input',
    protocol: 'udp',
    from,
    source: '0.0.0.0',
    destination: '255.255.255.255',
    port: 67,
    sourcePort: 68,
  } as const
  return (
    serviceCause(node, seat, { unit: UNIT, protocol: 'udp', port: 67, packet }) ??
    missingFile(node, seat) ??
    strangeFile(node, seat) ??
    noAddress(node, seat) ??
    full ?? {
      cause: 'dnsmasq runs and nothing on the node stops the question: no free address, or no range for this network',
      hint: 'journalctl -u dnsmasq shows what it made of it',
    }
  )
}

function missingFile(node: NodeView, seat: Seat): Cause | undefined {
  const file = configFile(seat)
  if (node.file(`file ${file}`, file) !== undefined) return undefined
  return { cause: `${file} is missing`, hint: 'pvectl apply writes it' }
}

/** A file that was changed so that dnsmasq does not answer here at all. */
function strangeFile(node: NodeView, seat: Seat): Cause | undefined {
  const file = configFile(seat)
  const names = [...(node.file(`file ${file}`, file) ?? '').matchAll(/^interface=(\S+)/gm)].map(([, name]) => name)
  if (names.length === 0 || names.includes(seat.interface)) return undefined
  return { cause: `${file} is for ${names.join(', ')}, not for ${seat.interface}`, hint: 'pvectl apply writes it anew' }
}

/** dnsmasq offers addresses of networks only that the interface is in. */
function noAddress(node: NodeView, seat: Seat): Cause | undefined {
  const link = node.link(seat)
  if (link === undefined || link.addr_info.some(({ family }) => family === 'inet')) return undefined
  return { cause: `${link.ifname} has no IPv4 address`, hint: 'ifup the bridge, or pvectl apply' }
}

/** All addresses of the ranges are leased. Lines of the file: `END MAC ADDRESS NAME ID`, END 0 for ever. */
function poolCause({ ranges }: DhcpOfferCheck, node: NodeView): Cause | undefined {
  const now = Date.now() / 1000
  const leased = (node.file(`file ${LEASES}`, LEASES) ?? '').split('\n').flatMap((line) => {
    const [end = '', , address = ''] = line.split(' ')
    return Number(end) === 0 || Number(end) > now ? (parseIpv4(address) ?? []) : []
  })
  const spans = ranges.map(({ start, end }) => [parseIpv4(start) ?? 0, parseIpv4(end) ?? 0] as const)
  const size = spans.reduce((sum, [start, end]) => sum + end - start + 1, 0)
  const taken = new Set(leased.filter((ip) => spans.some(([start, end]) => ip >= start && ip <= end)))
  if (size === 0 || taken.size < size) return undefined
  return {
    cause: `all ${size} addresses of the ranges are leased (${LEASES})`,
    hint: 'make the ranges larger, or the lease shorter',
  }
}

/** An answer that differs from the playbook: the file, or a daemon that has not read it. */
function outdated(node: NodeView, seat: Seat): Cause {
  return (
    missingFile(node, seat) ?? {
      cause: `${configFile(seat)} says something else, or dnsmasq has not read it`,
      hint: 'pvectl check shows a difference; systemctl restart dnsmasq reads the file',
    }
  )
}

function mistakes({ seat, ranges, router, dns }: DhcpOfferCheck, offer: Offer): readonly string[] {
  const subnet = parseSubnet(seat.network ?? '')
  const address = parseIpv4(offer.address) ?? -1
  const span = (range: { start: string; end: string }) =>
    address >= (parseIpv4(range.start) ?? 0) && address <= (parseIpv4(range.end) ?? 0)
  const wrong: string[] = []
  if (ranges.length > 0 && !ranges.some(span)) wrong.push('the address is in no range of the playbook')
  else if (subnet !== undefined && !isWithin(address, subnet))
    wrong.push(`the address is not in ${formatIpv4(subnet.first)}/${subnet.prefix}`)
  if (subnet !== undefined && offer.mask !== null && offer.mask !== netmask(subnet.prefix))
    wrong.push(`netmask ${offer.mask} in place of ${netmask(subnet.prefix)}`)
  const wantedRouter = router === false ? [] : [router]
  if (list(offer.router) !== list(wantedRouter)) wrong.push(`the router should be ${list(wantedRouter)}`)
  if (list(offer.dns) !== list(dns)) wrong.push(`DNS should be ${list(dns)}`)
  return wrong
}

function list(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(' ')
}
