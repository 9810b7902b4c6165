/**
 * Connections that pass the firewall bridge of a guest are tracked in a zone of their own. Without it the connection is
 * known before it is routed, and the node's NAT rules never see its first packet (pve-docs, pve-network.adoc).
 */
import type { IpFamily } from '../net/ip-cidr.ts'
import { type RulePlace, readOptions } from './iptables-call.ts'
import type { ShellWord } from './shell-line.ts'

/** The rule for packets that come in by firewall bridges. */
export interface ConntrackZone {
  readonly kind: 'zone'
  readonly family: IpFamily
  /** Interfaces, as iptables matches them: `fwbr+`. */
  readonly in: string
  readonly zone: number
}

/** Where the rule stands. */
export function zonePlace({ family }: ConntrackZone): RulePlace {
  return { family, table: 'raw', chain: 'PREROUTING' }
}

/** pvectl's spelling of a rule; iptables-save prints the same. */
export function zoneArgs({ in: iface, zone }: ConntrackZone): readonly string[] {
  return ['-i', iface, '-j', 'CT', '--zone', String(zone)]
}

/** Reads the arguments of a rule of the raw table; undefined for one with further conditions. */
export function readZone(family: IpFamily, args: readonly ShellWord[]): ConntrackZone | undefined {
  const options = readOptions(args)
  if (options === undefined || options.some(({ negated, name }) => negated || !ALLOWED.has(name))) return undefined
  const value = (wanted: string) => options.findLast(({ name }) => name === wanted)?.value
  const iface = value('-i')
  const zone = value('--zone')
  if (value('-j') !== 'CT' || iface === undefined || zone === undefined || !/^\d{1,5}$/.test(zone)) return undefined
  return { kind: 'zone', family, in: iface, zone: Number(zone) }
}

const ALLOWED = new Set(['-i', '-j', '-m', '--zone', '--comment', '-w', '-v', '-4', '-6'])
