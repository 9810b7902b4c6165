/** Calls of iptables and ip6tables, in any of the spellings that people use. */
import type { IpFamily } from '../net/ip-cidr.ts'
import type { ShellWord } from './shell-line.ts'

/** Where a rule stands. */
export interface RulePlace {
  readonly family: IpFamily
  /** `nat`, `raw`, … */
  readonly table: string
  /** `POSTROUTING`, `PREROUTING`, … */
  readonly chain: string
}

/** A call about one rule. */
export interface IptablesCall extends RulePlace {
  readonly operation: 'add' | 'insert' | 'check' | 'delete'
  /** All that is left when program, table, operation and chain are taken out. */
  readonly args: readonly ShellWord[]
}

/** An option of a rule. */
export interface RuleOption {
  /** The short name where there is one: `-s`, `--dport`. */
  readonly name: string
  readonly negated: boolean
  /** Undefined for flags. */
  readonly value: string | undefined
}

/** Reads a call; undefined for any other command, and for calls about chains as a whole. */
export function readIptablesCall(words: readonly ShellWord[]): IptablesCall | undefined {
  const [program, ...rest] = words
  const named = program === undefined ? null : PROGRAM.exec(program)
  if (named === null) return undefined
  const args = expand(rest)
  const table = args.includes('-t') ? takeOption(args, '-t') : 'filter'
  const call = OPERATIONS.map(([operation, name]) => ({ operation, chain: takeOption(args, name) })).find(
    ({ chain }) => chain !== undefined,
  )
  if (table === undefined || call?.chain === undefined) return undefined
  const rule = call.operation === 'insert' ? args.filter((word, i) => i > 0 || !isNumber(word)) : args
  const { operation, chain } = call
  return { operation, family: named[1] === undefined ? 4 : 6, table, chain, args: rule }
}

/** Options of a rule, long names shortened; undefined when a word could only be read by a shell. */
export function readOptions(args: readonly ShellWord[]): readonly RuleOption[] | undefined {
  const words = expand(args)
  const options: RuleOption[] = []
  for (let at = 0; at < words.length; at += 1) {
    const negated = words[at] === '!'
    if (negated) at += 1
    const name = words[at]
    if (name === undefined) return undefined
    if (FLAGS.has(name)) {
      if (name === '-w' && isNumber(words[at + 1])) at += 1
      options.push({ name, negated, value: undefined })
      continue
    }
    at += 1
    const value = words[at]
    if (value === undefined) return undefined
    options.push({ name, negated, value })
  }
  return options
}

/** The program of a family. */
export function programOf(family: IpFamily): 'iptables' | 'ip6tables' {
  return family === 4 ? 'iptables' : 'ip6tables'
}

const PROGRAM = /^(?:\/(?:usr\/)?s?bin\/)?ip(6)?tables(?:-nft|-legacy)?$/

const OPERATIONS = [
  ['add', '-A'],
  ['insert', '-I'],
  ['check', '-C'],
  ['delete', '-D'],
] as const

const FLAGS = new Set(['-w', '-4', '-6', '-v', '--random', '--random-fully', '--persistent'])

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
  '--in-interface': '-i',
  '--out-interface': '-o',
  '--jump': '-j',
  '--protocol': '-p',
  '--proto': '-p',
  '--match': '-m',
  '--wait': '-w',
  '--verbose': '-v',
  '--ipv4': '-4',
  '--ipv6': '-6',
  '--destination-port': '--dport',
  '--destination-ports': '--dports',
}

/** `--table=nat`, `-tnat` and `--table nat` become `-t nat`. */
function expand(words: readonly ShellWord[]): ShellWord[] {
  return words.flatMap((word): ShellWord[] => {
    if (word === undefined) return [undefined]
    const [, long, value] = /^(--[a-z-]+)=(.*)$/.exec(word) ?? []
    if (long !== undefined) return [SHORT[long] ?? long, value]
    const [, short, attached] = /^(-[tAICDsdiojpm])(.+)$/.exec(word) ?? []
    return short === undefined ? [SHORT[word] ?? word] : [short, attached]
  })
}

/** Takes an option and its value out of `args`; undefined when it is not there. */
function takeOption(args: ShellWord[], name: string): ShellWord {
  const at = args.indexOf(name)
  return at < 0 ? undefined : args.splice(at, 2)[1]
}

function isNumber(word: ShellWord): boolean {
  return word !== undefined && /^\d+$/.test(word)
}
