/**
 * Whether the firewall of a node would let a new connection in: the files read in the order in which
 * PVE::Firewall::enable_host_firewall makes rules of them. The nftables implementation lets management in first, so
 * what this allows it allows too, but for exceptions in sets, which are read as the node in question does.
 */
import { type Lines, trim } from '../interfaces/lines.ts'
import { type IpCidr, type IpFamily, parseIp } from '../net/ip-cidr.ts'
import { parseMatch, parseNamed, parseNetwork, spanHolds, spanOf } from './addresses.ts'
import { parseAlias, parseSetEntry } from './edit-named.ts'
import { macroPorts } from './macros.ts'
import { optionValue } from './options.ts'
import { type FirewallRule, parseRule } from './rule.ts'
import { entriesOf, parseFile, sectionOf } from './sections.ts'

/** A new connection to a node, or the first packet of what has none. */
export interface NewConnection {
  readonly client: string
  readonly server: string
  readonly port: number
  /** Default `tcp`. */
  readonly proto?: 'tcp' | 'udp'
  /** Names of the interface that it comes in by; undefined: nobody knows. */
  readonly ifaces: readonly string[] | undefined
}

/** Files of a node, and the network that PVE counts as its own (`pve-firewall localnet`). */
export interface NodeFirewall {
  readonly cluster: Lines
  readonly host: Lines
  readonly localNetwork: IpCidr | undefined
}

/** What becomes of a connection, and by what: a rule, the policy, … */
export interface Verdict {
  readonly outcome: 'allowed' | 'refused' | 'unknown'
  readonly by: string
}

/** Ports that the set `management` may reach on a node (PVE::Firewall::enable_host_firewall). */
const MANAGEMENT_PORTS = '22,8006,3128,5900:5999,60000:60050'

const NUMBERS = { tcp: '6', udp: '17' }

/** Judges a connection. */
export function judge(arrival: NewConnection, node: NodeFirewall): Verdict {
  const { cluster, host } = node
  if (optionValue(cluster, 'cluster', 'enable') !== '1')
    return { outcome: 'allowed', by: 'the firewall of the cluster is off' }
  if (optionValue(host, 'host', 'enable') === '0') return { outcome: 'allowed', by: 'the firewall of the node is off' }
  const client = parseIp(arrival.client)
  if (client === undefined) return { outcome: 'unknown', by: `${arrival.client} is no address` }
  if (arrival.client === arrival.server || /^(127\.|::1$)/.test(arrival.client))
    return { outcome: 'allowed', by: 'it comes from the node itself' }
  return new Judge(arrival, client, node).verdict()
}

/** An address, as a number. */
interface Host {
  readonly family: IpFamily
  readonly address: bigint
}

/** True, false, or undefined when the files do not tell. */
type Answer = boolean | undefined

class Judge {
  readonly #arrival: NewConnection
  readonly #client: Host
  readonly #node: NodeFirewall
  /** A rule that may let the connection in, though nobody can say. */
  #perhaps: string | undefined

  constructor(arrival: NewConnection, client: Host, node: NodeFirewall) {
    this.#arrival = arrival
    this.#client = client
    this.#node = node
  }

  get #proto(): 'tcp' | 'udp' {
    return this.#arrival.proto ?? 'tcp'
  }

  verdict(): Verdict {
    const { cluster, host } = this.#node
    if (this.#inSet('blacklist') === true) return { outcome: 'refused', by: 'the set blacklist' }
    const rules = [...entriesOf(parseFile(host, 'host'), 'rules'), ...entriesOf(parseFile(cluster, 'cluster'), 'rules')]
    const decided = this.#firstOf(rules.map(({ text }) => text))
    if (decided !== undefined) return decided
    if (this.#proto === 'tcp' && portsHold(MANAGEMENT_PORTS, this.#arrival.port)) {
      const trusted = this.#isManagement(this.#client)
      if (trusted === true) return { outcome: 'allowed', by: 'the set management' }
      if (trusted === undefined) this.#perhaps ??= 'the set management'
    }
    const policy = (optionValue(cluster, 'cluster', 'policy_in') ?? 'drop').toUpperCase()
    if (policy === 'ACCEPT') return { outcome: 'allowed', by: 'the input policy ACCEPT' }
    if (this.#perhaps !== undefined) return { outcome: 'unknown', by: this.#perhaps }
    return { outcome: 'refused', by: `the input policy ${policy}, no rule lets it in` }
  }

  #firstOf(texts: readonly string[]): Verdict | undefined {
    for (const text of texts) {
      const rule = parseRule(text)
      if (rule === undefined || !rule.enabled) continue
      const verdict = rule.direction === 'group' ? this.#group(rule) : this.#rule(rule, text)
      if (verdict !== undefined) return verdict
    }
    return undefined
  }

  #group(rule: FirewallRule): Verdict | undefined {
    const here = this.#byInterface(rule)
    if (here === false) return undefined
    const section = sectionOf(parseFile(this.#node.cluster, 'cluster'), 'group', rule.action)
    const texts = (section?.entries ?? []).map(({ text }) => text)
    // PVE takes neither other groups nor interfaces there.
    const inner = this.#firstOf(texts.filter((text) => !/^\|?group\s|\s-i\s/i.test(text.replace(/#.*/, ''))))
    if (inner === undefined || here === true) return inner
    if (inner.outcome === 'allowed') this.#perhaps ??= `the group ${rule.action}`
    return inner.outcome === 'refused' ? { outcome: 'unknown', by: `the group ${rule.action}` } : undefined
  }

  #rule(rule: FirewallRule, text: string): Verdict | undefined {
    if (rule.direction !== 'in') return undefined
    const matches = all([
      this.#byInterface(rule),
      rule.source === undefined ? true : this.#holds(rule.source, this.#client),
      rule.dest === undefined ? true : this.#holds(rule.dest, parseIp(this.#arrival.server)),
      this.#byPort(rule),
    ])
    if (matches === false) return undefined
    const by = `the rule \`${trim(text)}\``
    if (matches === true && rule.action === 'ACCEPT') return { outcome: 'allowed', by }
    if (matches === true)
      return this.#perhaps === undefined ? { outcome: 'refused', by } : { outcome: 'unknown', by: this.#perhaps }
    if (rule.action === 'ACCEPT') this.#perhaps ??= by
    return rule.action === 'ACCEPT' ? undefined : { outcome: 'unknown', by }
  }

  #byInterface({ iface }: FirewallRule): Answer {
    return iface === undefined ? true : this.#arrival.ifaces?.includes(iface)
  }

  #byPort({ macro, proto, dport, sport }: FirewallRule): Answer {
    const { port } = this.#arrival
    // Without a protocol PVE does not take the rule.
    if (proto === undefined && (dport ?? sport) !== undefined) return false
    if (macro !== undefined) {
      const covers = macroPorts(macro, this.#proto).some((ports) => portsHold(ports, port))
      // With another protocol or port than those of the macro, PVE does not take the rule.
      return covers && (proto ?? dport ?? sport) !== undefined ? undefined : covers
    }
    if (proto !== undefined && proto !== this.#proto && proto !== NUMBERS[this.#proto]) return false
    if (dport !== undefined && !portsHold(dport, port)) return /[a-z]/i.test(dport) ? undefined : false
    return sport === undefined ? true : undefined
  }

  /** The set management, with the local network that PVE adds to it. */
  #isManagement(host: Host): Answer {
    const local = this.#alias('local_network') ?? this.#node.localNetwork
    if (local === undefined) return this.#memberOf('management', host) === true ? true : undefined
    return this.#memberOf('management', host, local)
  }

  /** The same in a rule, which PVE takes only where the file has the set. */
  #trusts(host: Host): Answer {
    const has = sectionOf(parseFile(this.#node.cluster, 'cluster'), 'ipset', 'management') !== undefined
    return has ? this.#isManagement(host) : false
  }

  #holds(text: string, host: Host | undefined): Answer {
    const match = parseMatch(text)
    if (match === undefined || host === undefined) return undefined
    if (match.kind === 'list') return match.spans.some((span) => spanHolds(span, host))
    if (match.scope !== '' && match.scope !== 'dc') return undefined
    if (match.kind === 'set') return match.name === 'management' ? this.#trusts(host) : this.#memberOf(match.name, host)
    const network = this.#alias(match.name)
    return network === undefined ? false : spanHolds(spanOf(network), host)
  }

  #inSet(name: string): Answer {
    return this.#memberOf(name, this.#client)
  }

  /**
   * The narrowest member that holds the address decides; for the nftables implementation any exception does
   * (proxmox-firewall, object.rs). `added` is a member that PVE puts last.
   */
  #memberOf(name: string, host: Host, added?: IpCidr): Answer {
    const section = sectionOf(parseFile(this.#node.cluster, 'cluster'), 'ipset', name)
    const members = (section?.entries ?? []).map(({ text }) => {
      const entry = parseSetEntry(text)
      const named = entry === undefined ? undefined : parseNamed(entry.address)
      const network = named === undefined ? parseNetwork(entry?.address ?? '') : this.#alias(named.name)
      return { network, matches: entry?.nomatch !== true }
    })
    const holding = [...members, { network: added, matches: true }].flatMap(({ network, matches }) =>
      network !== undefined && spanHolds(spanOf(network), host) ? [{ prefix: network.prefix, matches }] : [],
    )
    if (optionValue(this.#node.host, 'host', 'nftables') === '1')
      return holding.length > 0 && holding.every(({ matches }) => matches)
    const most = Math.max(...holding.map(({ prefix }) => prefix))
    return holding.findLast(({ prefix }) => prefix === most)?.matches ?? false
  }

  #alias(name: string): IpCidr | undefined {
    const found = entriesOf(parseFile(this.#node.cluster, 'cluster'), 'aliases')
      .map(({ text }) => parseAlias(text))
      .findLast((alias) => alias?.name.toLowerCase() === name)
    return found === undefined ? undefined : parseNetwork(found.address)
  }
}

function all(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false
  return answers.includes(undefined) ? undefined : true
}

function portsHold(ports: string, port: number): boolean {
  return ports.split(',').some((part) => {
    const [first, last = first] = part.split(':').map(Number)
    return first !== undefined && last !== undefined && first <= port && port <= last
  })
}
