/** What is known of a node beside the answers of probes: read when an explanation is looked for. */
import { formatIp, hostOf, type IpCidr, type IpFamily, ipContains, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import type { Seat } from './check.ts'
import { parseIptables, type Tables } from './firewall/iptables.ts'
import { type BaseChain, parseNft } from './firewall/nft.ts'
import type { Packet } from './firewall/packet.ts'
import { type Outcome, walk } from './firewall/walk.ts'
import type { FactWish, NodeReport, Seen } from './probe/plan.ts'

/** A unit of systemd. */
export interface UnitState {
  readonly name: string
  /** `loaded`, `masked`, `not-found`. */
  readonly load: string
  /** `active`, `inactive`, `failed`. */
  readonly active: string
  /** `enabled`, `disabled`, `masked`. */
  readonly file: string
  /** Last lines of its log, where it failed. */
  readonly log: string
}

/** An interface as `ip -j -d addr` tells it. */
export interface NodeLink {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly master?: string
  readonly addr_info: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
    readonly scope: string
  }[]
}

/** What a firewall does with a packet: lets it through, or who stops it. */
export interface Blocked {
  /** In words: `iptables: -A INPUT -p udp --dport 67 -j DROP`. */
  readonly by: string
  /** True when the firewall of Proxmox VE does it. */
  readonly pve: boolean
}

/** Places of iptables that see a packet before its route is decided. */
const BEFORE_ROUTING = [
  ['raw', 'PREROUTING'],
  ['mangle', 'PREROUTING'],
] as const

/** Places of iptables that see a packet, in order. */
const PLACES = {
  prerouting: BEFORE_ROUTING,
  input: [...BEFORE_ROUTING, ['mangle', 'INPUT'], ['filter', 'INPUT']],
  forward: [...BEFORE_ROUTING, ['mangle', 'FORWARD'], ['filter', 'FORWARD'], ['mangle', 'POSTROUTING']],
  output: [
    ['raw', 'OUTPUT'],
    ['mangle', 'OUTPUT'],
    ['filter', 'OUTPUT'],
    ['mangle', 'POSTROUTING'],
  ],
} as const

/** Hooks of nftables that see a packet. */
const NFT_HOOKS = {
  prerouting: ['ingress', 'prerouting'],
  input: ['ingress', 'prerouting', 'input'],
  forward: ['ingress', 'prerouting', 'forward', 'postrouting'],
  output: ['output', 'postrouting'],
} as const

const FORWARDING = 'cd /proc/sys/net/ipv4 && grep . ip_forward conf/*/forwarding; grep -H . ../ipv6/conf/all/forwarding'

/** Facts that are always read. */
export const COMMON_FACTS: readonly FactWish[] = [
  { id: 'links', kind: 'command', args: ['ip', '-j', '-d', 'addr'] },
  { id: 'iptables', kind: 'rules', args: ['iptables-save', '/proc/net/ip_tables_names'] },
  { id: 'ip6tables', kind: 'rules', args: ['ip6tables-save', '/proc/net/ip6_tables_names'] },
  { id: 'nft', kind: 'command', args: ['nft', '-j', 'list', 'ruleset'] },
  { id: 'listeners', kind: 'command', args: ['ss', '-H', '-lntup'] },
  { id: 'forwarding', kind: 'command', args: ['sh', '-c', FORWARDING] },
]

/** Facts of a node, parsed when first asked for. */
export class NodeView {
  readonly #report: NodeReport
  readonly #parsed = new Map<string, unknown>()

  constructor(report: NodeReport) {
    this.#report = report
  }

  /** Answer of a fact; empty when it was not asked for. */
  fact(id: string): Seen {
    return this.#report.facts.get(id) ?? {}
  }

  /** Interface and gateway of the default route. */
  get defaultRoute(): { readonly dev?: string; readonly gateway?: string } {
    return this.#report.defaultRoute
  }

  /** Interface and gateway of the default route of IPv6; empty where there is none. */
  get defaultRoute6(): { readonly dev?: string; readonly gateway?: string } {
    return (this.#report.defaultRoute.six ?? {}) as { readonly dev?: string; readonly gateway?: string }
  }

  /** The default route of a version of IP. */
  routeOut(family: IpFamily): { readonly dev?: string; readonly gateway?: string } {
    return family === 4 ? this.defaultRoute : this.defaultRoute6
  }

  /** True when an interface of the node has the address. */
  hasAddress(address: string): boolean {
    const wanted = plainAddress(address)
    return this.links.some(({ addr_info: own }) => own.some(({ local }) => plainAddress(local) === wanted))
  }

  /** Address that this machine comes from; empty where sudo hides it. */
  get controller(): string {
    return String(this.#report.defaultRoute.controller ?? '')
  }

  get links(): readonly NodeLink[] {
    return this.#once('links', () => readLinks(this.#text('links')))
  }

  /** The interface that guests of a seat are on. */
  link({ interface: name, network, vlan }: Seat): NodeLink | undefined {
    const tagged = vlan === undefined ? undefined : this.links.find(({ ifname }) => ifname === `${name}.${vlan}`)
    if (tagged !== undefined) return tagged
    if (name !== undefined) return this.links.find(({ ifname }) => ifname === name)
    const outer = parseIpCidr(network ?? '')
    if (outer === undefined) return undefined
    const has = (test: (own: IpCidr) => boolean) => (link: NodeLink) =>
      link.addr_info.some(({ local, prefixlen }) => {
        const own = parseIpCidr(`${local}/${prefixlen}`)
        return own !== undefined && own.family === outer.family && test(own)
      })
    const inside = this.links.find(has(({ family, address }) => ipContains(outer, hostOf({ family, address }))))
    return inside ?? this.links.find(has((own) => ipContains(own, outer)))
  }

  unit(name: string): UnitState | undefined {
    const units = [...this.#report.facts]
      .filter(([id]) => id.startsWith('unit '))
      .flatMap(([, { units }]) => units as UnitState[])
    return units.find((unit) => unit.name === name)
  }

  /** Lines of `ss` for a protocol and port. */
  listeners(protocol: 'tcp' | 'udp', port: number): readonly string[] {
    const isHere = (line: string) =>
      line.startsWith(protocol) && new RegExp(`^\\S+\\s+\\S+\\s+\\d+\\s+\\d+\\s+\\S*:${port}\\s`).test(line)
    return this.#text('listeners').split('\n').filter(isHere)
  }

  /** Content of a file that was read; undefined when it is not there. */
  file(fact: string, path: string): string | undefined {
    const files = (this.fact(fact).files ?? {}) as Readonly<Record<string, string | null>>
    return files[path] ?? undefined
  }

  /**
   * The setting that keeps packets of an interface from being forwarded; undefined when none does. Of IPv6 there is one
   * for all: that of an interface makes it a router or a host, and says nothing of what it forwards (ip-sysctl.rst).
   */
  forwardingOff(interfaces: readonly string[], family: IpFamily = 4): string | undefined {
    const lines = this.#text('forwarding').split('\n')
    if (family === 6)
      return lines.includes('../ipv6/conf/all/forwarding:0') ? 'net/ipv6/conf/all/forwarding' : undefined
    const switches = ['ip_forward', ...interfaces.map((name) => `conf/${name}/forwarding`)]
    const off = switches.find((name) => lines.includes(`${name}:0`))
    return off === undefined ? undefined : `net/ipv4/${off}`
  }

  get iptables(): Tables {
    return this.#tables(4)
  }

  #tables(family: IpFamily): Tables {
    const name = iptablesOf(family)
    return this.#once(name, () => parseIptables(this.#text(name)))
  }

  /** Who stops a packet on its way into, through or out of the node; undefined when nobody seems to. */
  blocked(packet: Packet): Blocked | undefined {
    const tables = this.#tables(packet.family)
    for (const [table, chain] of PLACES[packet.hook]) {
      const outcome = walk(tables.get(table) ?? new Map(), chain, packet)
      if (outcome?.kind === 'drop') return blockedBy(iptablesOf(packet.family), outcome)
    }
    const hooks: readonly string[] = NFT_HOOKS[packet.hook]
    for (const { table, chain, chains, hook: at, devices, type } of this.#nft(packet.family)) {
      if (type !== 'filter' || !hooks.includes(at) || (at === 'ingress' && !devices.includes(packet.from))) continue
      const outcome = walk(chains, chain, table.startsWith('bridge ') ? { ...packet, bridged: true } : packet)
      if (outcome?.kind === 'drop') return blockedBy(`nftables ${table}`, outcome)
    }
    return undefined
  }

  /** How the source address of a forwarded packet is changed; undefined when it is not. */
  sourceTranslation(packet: Packet): string | undefined {
    const outcome = walk(this.#tables(packet.family).get('nat') ?? new Map(), 'POSTROUTING', packet)
    if (outcome?.kind === 'translate') return outcome.how
    for (const { chain, chains, hook, type } of this.#nft(packet.family)) {
      if (type !== 'nat' || hook !== 'postrouting') continue
      const found = walk(chains, chain, packet)
      if (found?.kind === 'translate') return found.how
    }
    return undefined
  }

  /** Where a packet that comes to the node is sent instead; undefined when it is not. */
  destinationTranslation(packet: Packet): Translation | undefined {
    const outcome = walk(this.#tables(packet.family).get('nat') ?? new Map(), 'PREROUTING', packet)
    if (outcome?.kind === 'translate') return translationOf(outcome.how ?? '')
    for (const { chain, chains, hook, type } of this.#nft(packet.family)) {
      if (type !== 'nat' || hook !== 'prerouting') continue
      const found = walk(chains, chain, packet)
      if (found?.kind === 'translate') return translationOf(found.how ?? '')
    }
    return undefined
  }

  /** What a chain of a table of nftables makes of a packet; undefined when there is no such chain that the kernel asks. */
  nftOutcome(table: string, chain: string, packet: Packet): Outcome | undefined {
    const base = this.#nft(packet.family).find((one) => one.table === table && one.chain === chain)
    return base === undefined ? undefined : walk(base.chains, chain, packet)
  }

  #nft(family: 4 | 6): readonly BaseChain[] {
    // What iptables keeps in nftables was read as iptables; a table that it cannot read is named in its output.
    const foreign = /Table `(\w+)' is incompatible/.exec(this.#text(iptablesOf(family)))?.[1]
    const ignored = (table: string) =>
      /^ip6? (filter|nat|mangle|raw|security)$/.test(table) && table.split(' ')[1] !== foreign
    return this.#once(`nft ${family}`, () => parseNft(this.#text('nft'), family, ignored))
  }

  #text(fact: string): string {
    return String(this.fact(fact).text ?? '')
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#parsed.has(key)) this.#parsed.set(key, make())
    return this.#parsed.get(key) as T
  }
}

/** The program whose rules are about a version of IP, and the fact with what it saves. */
function iptablesOf(family: IpFamily): 'iptables' | 'ip6tables' {
  return family === 4 ? 'iptables' : 'ip6tables'
}

/** One spelling of an address. */
function plainAddress(text: string): string {
  const parsed = parseIp(text)
  return parsed === undefined ? text : formatIp(parsed)
}

/** Another destination. */
export interface Translation {
  readonly address: string
  readonly port?: number
  /** As the firewall spells it. */
  readonly how: string
}

function translationOf(how: string): Translation {
  const json = /"addr":"([^"]+)"(?:.*"port":(\d+))?/.exec(how)
  const [, v6, bare, v4, port] =
    /(?:\[([\da-f:.]+)\]|(?<= )([\da-f]*:[\da-f:]+)|([\d.]+))(?::(\d+))?(?:-\d+)?(?:\/\d+)?$/i.exec(how) ?? []
  const address = plainAddress(json?.[1] ?? v6 ?? bare ?? v4 ?? how)
  const number = json?.[2] ?? port
  return { address, how, ...(number === undefined ? {} : { port: Number(number) }) }
}

/** Links of which there is no news count as missing: then nothing is blamed on them. */
function readLinks(text: string): readonly NodeLink[] {
  try {
    return JSON.parse(text) as readonly NodeLink[]
  } catch {
    return []
  }
}

function blockedBy(what: string, { by, path }: Outcome): Blocked {
  const pve = path.some((chain) => chain.startsWith('PVEFW')) || what.includes('proxmox-firewall')
  return { by: `${what}: ${by}${by.startsWith('policy') ? ' is drop' : ''}`, pve }
}
