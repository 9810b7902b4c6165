/** Rules that lead a port of the node to a guest: DNAT in PREROUTING, and in OUTPUT for the node itself. */
import { formatIp, formatIpCidr, hostOf, type IpCidr, type IpFamily, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { type RuleOption, type RulePlace, readOptions } from './iptables-call.ts'
import type { ShellWord } from './shell-line.ts'

/** Consecutive ports, both ends included. */
export interface PortSpan {
  readonly first: number
  readonly last: number
}

/** Where packets go: to a host, its port for the first of the forwarded ones; or somewhere that pvectl never leads. */
export type ForwardTarget =
  | { readonly kind: 'dnat'; readonly to: string; readonly port: number }
  | { readonly kind: 'other'; readonly text: string }

/** A rule that leads packets elsewhere by address and port, in no particular spelling. */
export interface Forward {
  readonly kind: 'forward'
  readonly chain: 'PREROUTING' | 'OUTPUT'
  readonly family: IpFamily
  /** Address that packets are sent to; undefined: any, or any of the node's own. */
  readonly address: IpCidr | undefined
  /** Interface that they come in by; undefined: any. */
  readonly in: string | undefined
  /** Undefined: any. */
  readonly protocol: 'tcp' | 'udp' | undefined
  readonly ports: readonly PortSpan[]
  readonly target: ForwardTarget
}

/** Where the rule stands. */
export function forwardPlace({ family, chain }: Forward): RulePlace {
  return { family, table: 'nat', chain }
}

/** pvectl's spelling of a rule, as arguments after the chain; iptables-save prints the same. */
export function forwardArgs({ address, in: iface, protocol, ports, target }: Forward): readonly string[] {
  const [span] = ports
  const match = [
    ...(address === undefined ? [] : ['-d', formatIpCidr(address)]),
    ...(iface === undefined ? [] : ['-i', iface]),
    ...(protocol === undefined ? [] : ['-p', protocol]),
    ...(span === undefined || protocol === undefined ? [] : ['-m', protocol, '--dport', spanText(span, ':')]),
  ]
  if (target.kind === 'other') return [...match, '-j', ...target.text.split(' ')]
  return [...match, '-j', 'DNAT', '--to-destination', destination(target.to, target.port, span)]
}

/** `8443`, `8000:8010`. */
export function spanText({ first, last }: PortSpan, separator: string): string {
  return first === last ? String(first) : `${first}${separator}${last}`
}

/** The packets of a rule in words, for whichever chain: `203.0.113.5/32 undefined tcp 8443`. */
export function purposeText({ address, in: iface, protocol, ports }: Forward): string {
  const to = address === undefined ? 'any' : formatIpCidr(address)
  return `${to} ${iface} ${protocol} ${ports.map((span) => spanText(span, ':')).join()}`
}

/** Reads the arguments of a rule. Undefined for one with further conditions: that one has a purpose of its own. */
export function readForward(place: RulePlace, args: readonly ShellWord[]): Forward | undefined {
  const { family, chain } = place
  const options = readOptions(args)
  if (options === undefined || !options.every(allowed) || (chain !== 'PREROUTING' && chain !== 'OUTPUT'))
    return undefined
  const value = (...names: readonly string[]) => options.findLast(({ name }) => names.includes(name))?.value
  const protocol = value('-p')
  const written = value('-d')
  const address = written === undefined ? undefined : parseIpCidr(written)
  const iface = value('-i')
  if (written !== undefined && (address === undefined || formatIpCidr(hostOf(address)) !== formatIpCidr(address)))
    return undefined
  if (iface?.endsWith('+') === true) return undefined
  const ports = readPorts(value('--dport', '--dports'))
  const target = readTarget(value('-j'), value('--to-destination', '--to'), value('--to-ports', '--to-port'), ports)
  if (ports === undefined || target === undefined) return undefined
  const known = protocol === 'tcp' || protocol === 'udp' ? protocol : undefined
  return { kind: 'forward', chain, family, address, in: iface, protocol: known, ports, target }
}

/** Ports of either that the other one has too. */
export function portsOverlap(a: readonly PortSpan[], b: readonly PortSpan[]): boolean {
  return a.some((one) => b.some((other) => one.first <= other.last && other.first <= one.last))
}

/** True when all ports of `inner` are among those of `outer`. */
export function portsWithin(inner: readonly PortSpan[], outer: readonly PortSpan[]): boolean {
  return inner.every((one) => outer.some((other) => other.first <= one.first && one.last <= other.last))
}

/** Without a port the guest gets the one that was asked for; ranges elsewhere keep their distance from the first. */
function destination(to: string, port: number, span: PortSpan | undefined): string {
  if (span === undefined) return to
  const host = to.includes(':') ? `[${to}]` : to
  if (span.first === span.last) return `${host}:${port}`
  return port === span.first ? to : `${host}:${port}-${port + span.last - span.first}/${span.first}`
}

function allowed({ name, negated, value }: RuleOption): boolean {
  if (negated) return false
  if (name === '-m') return ['tcp', 'udp', 'comment', 'multiport', 'addrtype'].includes(value ?? '')
  if (name === '-p') return ['tcp', 'udp', 'all'].includes(value ?? '')
  if (name === '--dst-type') return value === 'LOCAL'
  return ALLOWED.has(name)
}

const ALLOWED = new Set([
  ...['-d', '-i', '-j', '-w', '-v', '-4', '-6', '--dport', '--dports', '--comment', '--random', '--persistent'],
  ...['--to-destination', '--to', '--to-ports', '--to-port'],
])

function readPorts(text: string | undefined): readonly PortSpan[] | undefined {
  if (text === undefined) return [{ first: 0, last: 65535 }]
  const spans = text.split(',').map((part) => {
    const [, first, last = first] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(part) ?? []
    return first === undefined ? undefined : { first: Number(first), last: Number(last) }
  })
  return spans.every((span) => span !== undefined) ? spans : undefined
}

function readTarget(
  jump: string | undefined,
  to: string | undefined,
  redirect: string | undefined,
  ports: readonly PortSpan[] | undefined,
): ForwardTarget | undefined {
  if (jump === 'REDIRECT')
    return { kind: 'other', text: redirect === undefined ? jump : `${jump} --to-ports ${redirect}` }
  if (jump !== 'DNAT' || to === undefined || ports === undefined) return undefined
  const [, bracketed, plain, first, last, base] = TARGET.exec(to) ?? []
  const host = parseIp(bracketed ?? plain ?? '')
  const port = targetPort(ports, first, last, base)
  if (host === undefined || port === undefined) return { kind: 'other', text: `DNAT --to-destination ${to}` }
  return { kind: 'dnat', to: formatIp(host), port }
}

/** `10.0.0.2`, `10.0.0.2:22`, `10.0.0.2:9000-9010/8000`, `[fd00::2]:22`, `fd00::2`. */
const TARGET =
  /^(?:\[([0-9a-fA-F:.]+)\]|([\d.]+|[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*))(?::(\d+)(?:-(\d+))?(?:\/(\d+))?)?$/

/** Port of the guest for the first of the forwarded ones; undefined where the kernel would choose, or merges them. */
function targetPort(
  ports: readonly PortSpan[],
  first: string | undefined,
  last: string | undefined,
  base: string | undefined,
): number | undefined {
  const [span] = ports
  if (span === undefined) return undefined
  if (first === undefined) return span.first
  if (ports.length > 1) return undefined
  if (base !== undefined) return Number(first) + span.first - Number(base)
  if (last === undefined) return span.first === span.last ? Number(first) : undefined
  return Number(first) === span.first && Number(last) === span.last ? span.first : undefined
}
