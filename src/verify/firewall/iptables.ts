/** Rules of iptables, from iptables-save. */
import { splitRule } from '../../nat/rule-text.ts'
import { ipContains, parseIpCidr } from '../../net/ip-cidr.ts'
import {
  type Action,
  all,
  type Chain,
  type Chains,
  icmpType,
  type Match,
  not,
  type Packet,
  type Rule,
  truth,
} from './packet.ts'

/** Tables by name. */
export type Tables = ReadonlyMap<string, Chains>

/** Reads the output of iptables-save. Lines that are no rules are passed over. */
export function parseIptables(text: string): Tables {
  const tables = new Map<string, Map<string, { policy?: 'accept' | 'drop'; rules: Rule[] }>>()
  let table = new Map<string, { policy?: 'accept' | 'drop'; rules: Rule[] }>()
  for (const line of text.split('\n')) {
    const [, name] = /^\*(\S+)/.exec(line) ?? []
    const [, chain = '', policy] = /^:(\S+) (\S+)/.exec(line) ?? []
    const [, owner = '', rest = ''] = /^-A (\S+) ?(.*)$/.exec(line) ?? []
    if (name !== undefined) {
      table = new Map()
      tables.set(name, table)
    } else if (policy !== undefined) table.set(chain, { ...policyOf(policy), rules: [] })
    else if (owner !== '') table.get(owner)?.rules.push(readRule(line, splitRule(rest)))
  }
  return tables satisfies ReadonlyMap<string, ReadonlyMap<string, Chain>>
}

function policyOf(word: string): { policy?: 'accept' | 'drop' } {
  return word === 'ACCEPT' ? { policy: 'accept' } : word === 'DROP' ? { policy: 'drop' } : {}
}

interface Option {
  readonly name: string
  readonly negated: boolean
  readonly values: readonly string[]
}

function readRule(text: string, words: readonly string[]): Rule {
  const options = readOptions(words)
  const conditions = options.filter(({ name }) => !['-j', '-g', '-m', '--comment'].includes(name) && !ofTarget(name))
  const target = options.find(({ name }) => name === '-j' || name === '-g')
  const detail = options.filter(({ name }) => ofTarget(name)).flatMap(({ values }) => values)
  return {
    text,
    match: (packet) => all(conditions.map((option) => matches(option, packet))),
    action: () => actionOf(target, detail),
  }
}

function readOptions(words: readonly string[]): readonly Option[] {
  const options: { name: string; negated: boolean; values: string[] }[] = []
  let negated = false
  for (const word of words) {
    if (word === '!') negated = true
    else if (/^--?[a-z]/i.test(word)) {
      options.push({ name: word, negated, values: [] })
      negated = false
    } else options.at(-1)?.values.push(word)
  }
  return options
}

const OF_TARGET = ['--reject-with', '--to-source', '--to-destination', '--to-ports', '--random', '--log-prefix']

function ofTarget(name: string): boolean {
  return (
    OF_TARGET.includes(name) || /^--(log-|nflog-|set-|zone|ulog-|persistent|clamp|checksum|save|restore)/.test(name)
  )
}

function matches({ name, negated, values }: Option, packet: Packet): Match {
  const value = values[0] ?? ''
  const match = condition(name, value, packet)
  return negated ? not(match) : match
}

function condition(name: string, value: string, packet: Packet): Match {
  switch (name) {
    case '-i':
      return truth(interfaceIs(value, packet.from))
    case '-o':
      return truth(packet.to !== undefined && interfaceIs(value, packet.to))
    case '-p':
      return truth(
        ['all', packet.protocol, ...(packet.protocol === 'icmp' ? ['ipv6-icmp', 'icmpv6'] : [])].includes(value),
      )
    case '-s':
      return within(value, packet.source)
    case '-d':
      return within(value, packet.destination)
    case '--dport':
    case '--dports':
      return ports(value, packet.port)
    case '--sport':
    case '--sports':
      return ports(value, packet.sourcePort)
    case '--ctstate':
    case '--state':
      return truth(
        value
          .toLowerCase()
          .split(',')
          .includes(packet.state ?? 'new'),
      )
    case '--icmp-type':
    case '--icmpv6-type':
      return truth(['any', ...icmpType(packet)].includes(value))
    case '--dst-type':
      return packet.hook === 'input' && value === 'LOCAL' ? 'yes' : 'maybe'
    case '--mark':
      return marked(value, packet.mark ?? 0)
    case '--tcp-flags':
    case '--syn':
      return 'yes'
    default:
      return 'maybe'
  }
}

function interfaceIs(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

function within(network: string, address: string): Match {
  const [outer, inner] = [parseIpCidr(network), parseIpCidr(address)]
  if (outer === undefined || inner === undefined) return 'maybe'
  return truth(outer.family === inner.family && ipContains(outer, inner))
}

function marked(text: string, mark: number): Match {
  const [value = 0, mask = 0xffffffff] = text.split('/').map(Number)
  return truth((mark & mask) >>> 0 === value)
}

function ports(list: string, port: number | undefined): Match {
  if (port === undefined) return 'no'
  const spans = list.split(',').map((span) => span.split(':').map(Number))
  return truth(spans.some(([low = 0, high = low]) => port >= low && port <= high))
}

const PASSING = ['LOG', 'NFLOG', 'CONNMARK', 'CT', 'NOTRACK', 'TCPMSS', 'CHECKSUM', 'SET', 'TRACE', 'DSCP', 'CLASSIFY']

function actionOf(target: Option | undefined, detail: readonly string[]): Action {
  const chain = target?.values[0]
  if (chain === 'MARK') {
    const [value = 0, mask = 0xffffffff] = (detail[0] ?? '').split('/').map(Number)
    return { kind: 'mark', value, mask }
  }
  if (chain === undefined || PASSING.includes(chain)) return { kind: 'none' }
  if (chain === 'ACCEPT') return { kind: 'accept' }
  if (chain === 'DROP' || chain === 'REJECT') return { kind: 'drop' }
  if (chain === 'RETURN') return { kind: 'return' }
  if (['MASQUERADE', 'SNAT', 'DNAT', 'REDIRECT', 'NETMAP'].includes(chain))
    return { kind: 'translate', how: [chain, ...detail].join(' ') }
  return { kind: target?.name === '-g' ? 'goto' : 'jump', chain }
}
