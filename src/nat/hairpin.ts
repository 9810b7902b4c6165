/**
 * A guest that asks for the public address of a forward, and is answered by another one in its own network: the answer
 * must come back by way of the node, so such packets get its address.
 */
import { formatIpCidr, type IpCidr, type IpFamily, ipNetworkOf, parseIpCidr } from '../net/ip-cidr.ts'
import { type RulePlace, readOptions } from './iptables-call.ts'
import type { ShellWord } from './shell-line.ts'

/** The rule for all forwards into a network. */
export interface Hairpin {
  readonly kind: 'hairpin'
  /** Network of the guests, without host bits. */
  readonly network: IpCidr
}

/** Where the rule stands. */
export function hairpinPlace({ network }: Hairpin): RulePlace {
  return { family: network.family, table: 'nat', chain: 'POSTROUTING' }
}

/** pvectl's spelling of a rule; iptables-save prints the same. */
export function hairpinArgs({ network }: Hairpin): readonly string[] {
  const text = formatIpCidr(network)
  return ['-s', text, '-d', text, '-m', 'conntrack', '--ctstate', 'DNAT', '-j', 'MASQUERADE']
}

/** Reads the arguments of a POSTROUTING rule; without `--ctstate` it is the same, since nothing else is routed there. */
export function readHairpin(family: IpFamily, args: readonly ShellWord[]): Hairpin | undefined {
  const options = readOptions(args)
  if (options === undefined || options.some(({ negated, name }) => negated || !ALLOWED.has(name))) return undefined
  const value = (wanted: string) => options.findLast(({ name }) => name === wanted)?.value
  const source = parseIpCidr(value('-s') ?? '')
  const destination = parseIpCidr(value('-d') ?? '')
  if (source?.family !== family || destination === undefined || value('-j') !== 'MASQUERADE') return undefined
  const network = ipNetworkOf(source)
  const isSame = formatIpCidr(network) === formatIpCidr(ipNetworkOf(destination))
  return isSame && [undefined, 'DNAT'].includes(value('--ctstate')) ? { kind: 'hairpin', network } : undefined
}

const ALLOWED = new Set(['-s', '-d', '-j', '-m', '--ctstate', '--comment', '-w', '-v', '-4', '-6'])
