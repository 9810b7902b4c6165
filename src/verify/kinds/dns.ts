/** Names, as a guest looks them up. */
import { type Cause, firewallCause, linkCause, seatName, seatProblem, serviceCause, unitFact } from '../causes.ts'
import type { DnsNameCheck, DnsOutsideCheck, Seat } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import type { Seen } from '../probe/plan.ts'
import { failed, type Prover, passed, skipped } from '../prover.ts'
import { answerCause, routeFact } from '../routes.ts'

const UNIT = 'dnsmasq.service'
const A = 1
const AAAA = 28

/** Asked for where the inventory names nothing else. */
const WELL_KNOWN = 'debian.org'

/** Proves {@link DnsNameCheck}. */
export const dnsName: Prover<DnsNameCheck> = {
  title: ({ name, seat }) => `DNS knows ${name} on ${seatName(seat)}`,
  proves: 'guests can look up the name, over UDP and TCP, and get the address of the playbook',
  probe: ({ seat, server, name, addresses }) => ({
    kind: 'dns',
    seat,
    server,
    name,
    types: [
      ...(addresses.some((a) => !a.includes(':')) ? [A] : []),
      ...(addresses.some((a) => a.includes(':')) ? [AAAA] : []),
    ],
  }),
  facts: ({ seat }) => [unitFact(UNIT), routeFact(seat)],
  judge({ seat, server, addresses }, { seen, node }) {
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    const { rcode } = seen
    if (rcode === undefined) return failed(noAnswer(seen), silence(node, seat, server, 'udp'))
    const got = addressesOf(seen)
    if ([...got].sort().join() !== [...addresses].map(canonical).sort().join()) {
      const answer = got.length > 0 ? got.join(' ') : rcodeText(rcode)
      return failed(`${answer} in place of ${addresses.join(' ')}`, {
        cause: 'the configuration of dnsmasq says something else, or dnsmasq has not read it',
        hint: 'pvectl check shows a difference; systemctl restart dnsmasq reads the file',
      })
    }
    const overTcp = seen.tcp as Seen | undefined
    if (overTcp !== undefined && overTcp.rcode === undefined)
      return failed(`${got.join(' ')} over UDP, nothing over TCP`, silence(node, seat, server, 'tcp'))
    return passed(got.join(' '))
  },
}

/** Proves {@link DnsOutsideCheck}. */
export const dnsOutside: Prover<DnsOutsideCheck> = {
  title: ({ seat }, { settings }) => `DNS resolves ${settings.outside_name ?? WELL_KNOWN} on ${seatName(seat)}`,
  proves: 'guests can look up names of the world outside',
  probe: ({ seat, server }, { settings }) => ({
    kind: 'dns',
    seat,
    server,
    name: settings.outside_name ?? WELL_KNOWN,
    types: [A],
    fresh: true,
  }),
  facts: ({ seat }, { settings }) => [
    unitFact(UNIT),
    routeFact(seat),
    { id: 'resolve', kind: 'resolve', args: [settings.outside_name ?? WELL_KNOWN] },
  ],
  judge({ seat, server }, { seen, node, host }) {
    const problem = seatProblem(seat, seen)
    if (problem !== undefined) return problem
    const got = addressesOf(seen)
    // An error from further away is as good as silence; a cache would hide both.
    const isFresh = seen.fresh !== undefined && ![2, 5].includes(Number(seen.fresh))
    if (got.length > 0 && isFresh) return passed(got.join(' '))
    const near = localCause(node, seat, server, 'udp')
    const saw =
      got.length > 0
        ? `${got.join(' ')}, out of a cache`
        : seen.rcode === undefined
          ? noAnswer(seen)
          : rcodeText(seen.rcode)
    if (near !== undefined) return failed(saw, near)
    const nodeCan = ((node.fact('resolve').addresses ?? []) as readonly string[]).length > 0
    const name = host.settings.outside_name
    if (!nodeCan && name === undefined)
      return skipped(`the node itself cannot resolve ${WELL_KNOWN}; name another in verify.outside_name`)
    if (!nodeCan)
      return failed(saw, {
        cause: `the node itself cannot resolve ${name}`,
        hint: 'look at /etc/resolv.conf of the node and the way to its name servers',
      })
    return failed(saw, upstreamCause(seen.rcode))
  },
}

function upstreamCause(rcode: unknown): Cause {
  if (rcode === 5)
    return {
      cause: 'dnsmasq has no name server to ask',
      hint: 'set `upstream`, or look at /etc/resolv.conf of the node',
    }
  return {
    cause: 'the name servers that dnsmasq asks do not answer, though the node can resolve the name',
    hint: 'look at `upstream` of the dnsmasq task',
  }
}

function addressesOf({ addresses }: Seen): readonly string[] {
  return [...new Set((addresses ?? []) as readonly string[])].map(canonical)
}

/** One spelling of an IPv6 address. */
function canonical(address: string): string {
  if (!address.includes(':')) return address
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

function noAnswer({ error }: Seen): string {
  return error === undefined ? 'no answer' : `no answer: ${String(error)}`
}

const RCODES: Readonly<Record<number, string>> = {
  0: 'no address',
  2: 'SERVFAIL',
  3: 'no such name (NXDOMAIN)',
  5: 'REFUSED',
}

function rcodeText(rcode: unknown): string {
  return RCODES[Number(rcode)] ?? `error ${String(rcode)}`
}

function packetTo(node: NodeView, seat: Seat, server: string, protocol: 'tcp' | 'udp'): Packet {
  const from = node.link(seat)?.ifname ?? seatName(seat)
  const source = server.replace(/\d+$/, '253')
  return { family: 4, hook: 'input', protocol, from, source, destination: server, port: 53, sourcePort: 40_000 }
}

/** What is wrong on the node; undefined when the cause is further away. */
function localCause(node: NodeView, seat: Seat, server: string, protocol: 'tcp' | 'udp'): Cause | undefined {
  const packet = packetTo(node, seat, server, protocol)
  const hasServer = node.links.some(({ addr_info: addresses }) => addresses.some(({ local }) => local === server))
  if (!hasServer)
    return (
      linkCause(node, seat) ?? {
        cause: `no interface of the node has the address ${server}`,
        hint: 'ip address; ifup the bridge, or pvectl apply',
      }
    )
  return serviceCause(node, seat, { unit: UNIT, protocol, port: 53, packet }) ?? answerCause(node, seat)
}

function silence(node: NodeView, seat: Seat, server: string, protocol: 'tcp' | 'udp'): Cause {
  return (
    localCause(node, seat, server, protocol) ??
    firewallCause(node, packetTo(node, seat, server, protocol)) ?? {
      cause: 'dnsmasq runs and nothing on the node stops the question',
      hint: 'journalctl -u dnsmasq',
    }
  )
}
