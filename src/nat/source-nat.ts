/** Rules that hide a network behind the address of the node: MASQUERADE and SNAT in POSTROUTING. */
import { formatCidr, type Ipv4Cidr, networkOf, overlaps, parseCidr } from '../net/cidr.ts'
import type { ShellWord } from './shell-line.ts'

/** What becomes of the source address: that of the outgoing interface, or a fixed one. */
export type SourceNatTarget = { readonly kind: 'masquerade' } | { readonly kind: 'snat'; readonly to: string }

/** A rule for all packets of a network that leave by an interface, in no particular spelling. */
export interface SourceNat {
  /** Network, without host bits. */
  readonly source: Ipv4Cidr
  /** Interface that the packets leave by. */
  readonly out: string
  readonly target: SourceNatTarget
}

/** An iptables call about such a rule. */
export interface NatCall {
  readonly operation: 'add' | 'insert' | 'check' | 'delete'
  readonly rule: SourceNat
  /** It says no more than the rule: the kernel will have exactly {@link ruleArgs}. */
  readonly exact: boolean
}

/** pvectl's spelling of a rule, as arguments after the chain; iptables-save prints the same. */
export function ruleArgs({ source, out, target }: SourceNat): readonly string[] {
  const jump = target.kind === 'masquerade' ? ['MASQUERADE'] : ['SNAT', '--to-source', target.to]
  return ['-s', formatCidr(source), '-o', out, '-j', ...jump]
}

/** True for rules about the same packets, whatever becomes of their source. */
export function samePackets(a: SourceNat, b: SourceNat): boolean {
  return a.out === b.out && formatCidr(a.source) === formatCidr(b.source)
}

/**
 * Reads the arguments of a POSTROUTING rule. Undefined for a rule with conditions that pvectl does not set: that one
 * has a purpose of its own. `! -d` of the same network and comments make no difference to what leaves the node.
 */
export function readSourceNat(args: readonly ShellWord[]): SourceNat | undefined {
  const options = readOptions(args)
  const source = options?.get('-s')
  const out = options?.get('-o')
  if (options === undefined || source === undefined || out === undefined || out.endsWith('+')) return undefined
  const cidr = parseCidr(source)
  const target = readTarget(options)
  if (cidr === undefined || target === undefined) return undefined
  const network = networkOf(cidr)
  const except = options.get('! -d')
  const exempt = except === undefined ? network : parseCidr(except)
  if (exempt === undefined || exempt.prefix < network.prefix || !overlaps(exempt, network)) return undefined
  return { source: network, out, target }
}

/** Reads an iptables call; undefined for any other command and for calls about other kinds of rule. */
export function readNatCall(words: readonly ShellWord[]): NatCall | undefined {
  const [program, ...rest] = words
  if (program === undefined || !/^(?:\/(?:usr\/)?s?bin\/)?iptables(?:-nft|-legacy)?$/.test(program)) return undefined
  const args = expand(rest)
  const table = takeOption(args, '-t')
  const call = (['add', 'insert', 'check', 'delete'] as const)
    .map((operation) => ({ operation, taken: takeOption(args, OPERATION[operation]) }))
    .find(({ taken }) => taken !== undefined)
  if (table !== 'nat' || call?.taken !== 'POSTROUTING') return undefined
  const rule = readSourceNat(call.operation === 'insert' ? args.filter((word, i) => i > 0 || !isNumber(word)) : args)
  const exact = !expand(args).some((word) => word !== undefined && EMBELLISHING.has(word))
  return rule === undefined ? undefined : { operation: call.operation, rule, exact }
}

/** Options that pvectl does not write: rules with them are others to the kernel. */
const EMBELLISHING = new Set(['!', '-d', '--comment', '--random', '--random-fully', '--persistent'])

const OPERATION = { add: '-A', insert: '-I', check: '-C', delete: '-D' } as const

/** Long names and the short ones they stand for, of those that matter here. */
const SHORT: Readonly<Record<string, string>> = {
  '--table': '-t',
  '--append': '-A',
  '--insert': '-I',
  '--check': '-C',
  '--delete': '-D',
  '--source': '-s',
  '--src': '-s',
  '--destination': '-d',
  '--dst': '-d',
  '--out-interface': '-o',
  '--jump': '-j',
  '--protocol': '-p',
  '--proto': '-p',
  '--match': '-m',
  '--wait': '-w',
  '--to': '--to-source',
}

/** `--table=nat`, `-tnat` and `--table nat` become `-t nat`. */
function expand(words: readonly ShellWord[]): ShellWord[] {
  return words.flatMap((word): ShellWord[] => {
    if (word === undefined) return [undefined]
    const [, long, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? []
    if (long !== undefined) return [SHORT[long] ?? long, value]
    const [, short, attached] = /^(-[tAICDsdojpm])(.+)$/.exec(word) ?? []
    return short === undefined ? [SHORT[word] ?? word] : [short, attached]
  })
}

/** Takes an option and its value out of `args`; undefined when it is not there. */
function takeOption(args: ShellWord[], name: string): ShellWord {
  const at = args.indexOf(name)
  return at < 0 ? undefined : args.splice(at, 2)[1]
}

/** Options by name; undefined when there is one that narrows the rule. */
function readOptions(args: readonly ShellWord[]): ReadonlyMap<string, string> | undefined {
  const words = expand(args)
  const options = new Map<string, string>()
  for (let at = 0; at < words.length; at += 1) {
    const negated = words[at] === '!'
    if (negated) at += 1
    const name = words[at]
    if (name === undefined || (negated && name !== '-d')) return undefined
    if (!negated && FLAGS.has(name)) {
      if (name === '-w' && isNumber(words[at + 1])) at += 1
      continue
    }
    at += 1
    const value = words[at]
    if (value === undefined || !allowed(name, value, negated)) return undefined
    options.set(negated ? `! ${name}` : name, value)
  }
  return options
}

const FLAGS = new Set(['-w', '-4', '--ipv4', '-v', '--verbose', '--random', '--random-fully', '--persistent'])

function allowed(name: string, value: string, negated: boolean): boolean {
  if (name === '-d') return negated || value === '0.0.0.0/0'
  if (name === '-m') return value === 'comment'
  if (name === '-p') return value === 'all'
  return ['-s', '-o', '-j', '--comment', '--to-source'].includes(name)
}

function readTarget(options: ReadonlyMap<string, string>): SourceNatTarget | undefined {
  const jump = options.get('-j')
  const to = options.get('--to-source')
  if (jump === 'MASQUERADE') return to === undefined ? { kind: 'masquerade' } : undefined
  return jump === 'SNAT' && to !== undefined ? { kind: 'snat', to } : undefined
}

function isNumber(word: ShellWord): boolean {
  return word !== undefined && /^\d+$/.test(word)
}
