/** What may pass between the networks of a partition: `web -> db:5432`. Pure. */
import { parseIpv4 } from '../../net/subnet.ts'

/** Ports of one protocol, or everything. */
export type Service =
  | { readonly protocol: 'all' }
  | { readonly protocol: 'tcp' | 'udp'; readonly from: number; readonly to: number }

/** One line of `allow`, read but not yet resolved to networks. */
export interface Flow {
  /** Name of a network, or `*` for all. */
  readonly source: string
  /** Name of a network, or the IPv4 address of one guest. */
  readonly target: string
  readonly services: readonly Service[]
}

const EVERYTHING: readonly Service[] = [{ protocol: 'all' }]

/**
 * Reads `SOURCE -> TARGET[:PORTS]`: ports are numbers and ranges with an optional protocol (`tcp` unless said),
 * parted by commas: `web -> db:5432`, `apps -> dns:udp/53,tcp/53`, `* -> 10.20.2.5:8000-8010`, `admin -> web`.
 * Returns what is wrong as a text.
 */
export function parseFlow(text: string): Flow | string {
  const [, source, target, ports] = /^\s*(\S+)\s*->\s*([^\s:]+)\s*(?::\s*(\S.*?))?\s*$/.exec(text) ?? []
  if (source === undefined || target === undefined) return 'must read SOURCE -> TARGET:PORTS, e.g. web -> db:5432'
  if (ports === undefined) return { source, target, services: EVERYTHING }
  const services = ports.split(',').map((part) => parseService(part.trim()))
  const wrong = ports.split(',').find((_, i) => services[i] === undefined)
  if (wrong !== undefined) return `has ${JSON.stringify(wrong.trim())} where a port, a range or udp/PORT must be`
  return { source, target, services: services.filter((service) => service !== undefined) }
}

/** True when the target of a flow is one guest and not a network. */
export function isGuest(target: string): boolean {
  return parseIpv4(target) !== undefined
}

function parseService(text: string): Service | undefined {
  const [, protocol = 'tcp', low, high = low] = /^(?:(tcp|udp)\/)?(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const [from, to] = [Number(low), Number(high)]
  if (!(from >= 1 && from <= to && to <= 65535)) return undefined
  return { protocol: protocol === 'udp' ? 'udp' : 'tcp', from, to }
}
