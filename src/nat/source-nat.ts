/** Rules that hide a network behind the address of the node: MASQUERADE and SNAT in POSTROUTING. */
import { formatIpCidr, type IpCidr, type IpFamily, ipContains, ipNetworkOf, parseIpCidr } from '../net/ip-cidr.ts'
import { type RuleOption, type RulePlace, readOptions } from './iptables-call.ts'
import type { ShellWord } from './shell-line.ts'

/** What becomes of the source address: that of the outgoing interface, or a fixed one. */
export type SourceNatTarget = { readonly kind: 'masquerade' } | { readonly kind: 'snat'; readonly to: string }

/** A rule for all packets of a network that leave by an interface, in no particular spelling. */
export interface SourceNat {
  readonly kind: 'source'
  /** Network, without host bits. */
  readonly source: IpCidr
  /** Interface that the packets leave by. */
  readonly out: string
  readonly target: SourceNatTarget
}

/** Where the rule stands. */
export function sourceNatPlace({ source }: SourceNat): RulePlace {
  return { family: source.family, table: 'nat', chain: 'POSTROUTING' }
}

/** pvectl's spelling of a rule, as arguments after the chain; iptables-save prints the same. */
export function sourceNatArgs({ source, out, target }: SourceNat): readonly string[] {
  const jump = target.kind === 'masquerade' ? ['MASQUERADE'] : ['SNAT', '--to-source', target.to]
  return ['-s', formatIpCidr(source), '-o', out, '-j', ...jump]
}

/**
 * Reads the arguments of a POSTROUTING rule. Undefined for a rule with conditions that pvectl does not set: that one
 * has a purpose of its own. `! -d` of the same network and comments make no difference to what leaves the node.
 */
export function readSourceNat(family: IpFamily, args: readonly ShellWord[]): SourceNat | undefined {
  const options = readOptions(args)
  if (options === undefined || !options.every(allowed)) return undefined
  const value = (name: string, negated = false) =>
    options.findLast((o) => o.name === name && o.negated === negated)?.value
  const source = value('-s')
  const out = value('-o')
  const cidr = source === undefined ? undefined : parseIpCidr(source)
  const target = readTarget(value('-j'), value('--to-source') ?? value('--to'))
  if (cidr?.family !== family || out === undefined || out.endsWith('+') || target === undefined) return undefined
  const network = ipNetworkOf(cidr)
  const except = value('-d', true)
  const exempt = except === undefined ? network : parseIpCidr(except)
  if (exempt === undefined || !ipContains(network, exempt)) return undefined
  return { kind: 'source', source: network, out, target }
}

function allowed({ name, negated, value }: RuleOption): boolean {
  if (value === undefined) return !negated
  if (name === '-d') return negated || value === '0.0.0.0/0' || value === '::/0'
  if (negated) return false
  if (name === '-m') return value === 'comment'
  if (name === '-p') return value === 'all'
  return ['-s', '-o', '-j', '--comment', '--to-source', '--to'].includes(name)
}

function readTarget(jump: string | undefined, to: string | undefined): SourceNatTarget | undefined {
  if (jump === 'MASQUERADE') return to === undefined ? { kind: 'masquerade' } : undefined
  return jump === 'SNAT' && to !== undefined && to !== '' ? { kind: 'snat', to } : undefined
}
