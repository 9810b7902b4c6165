/** A node as verification sees it, out of the texts of its tools. */
import type { Check } from '../../src/verify/check.ts'
import { NodeView } from '../../src/verify/node.ts'
import type { Seen } from '../../src/verify/probe/plan.ts'
import type { Evidence, HostView } from '../../src/verify/prover.ts'
import { testHost } from './job.ts'

/** What a node is like; all else is as on a node where everything works. */
export interface NodeShape {
  readonly iptables?: string
  readonly ip6tables?: string
  /** IPv6 addresses with their prefix, by interface. */
  readonly addresses6?: Readonly<Record<string, string>>
  readonly nft?: string
  readonly forwarding?: string
  readonly listeners?: string
  /** Interfaces that are down. */
  readonly down?: readonly string[]
  /** Units that do not run: their ActiveState. */
  readonly units?: Readonly<Record<string, string>>
  /** Files that were read, by the fact that reads them; the others are missing. */
  readonly files?: Readonly<Record<string, string>>
  readonly facts?: Readonly<Record<string, Seen>>
  readonly defaultRoute?: Seen
}

const NAT = '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE\nCOMMIT\n'
const LISTENERS = `udp UNCONN 0 0 10.10.10.1:53 0.0.0.0:* users:(("dnsmasq",pid=1,fd=1))
tcp LISTEN 0 32 10.10.10.1:53 0.0.0.0:* users:(("dnsmasq",pid=1,fd=1))
udp UNCONN 0 0 0.0.0.0%vmbr1:67 0.0.0.0:* users:(("dnsmasq",pid=1,fd=1))
tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=2,fd=1))
tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=2,fd=1))
tcp LISTEN 0 128 0.0.0.0:8006 0.0.0.0:* users:(("pveproxy",pid=3,fd=1))`

function six(cidr: string | undefined) {
  const [local = '', length] = cidr?.split('/') ?? []
  return length === undefined ? [] : [{ family: 'inet6', local, prefixlen: Number(length), scope: 'global' }]
}

/** Makes the view of a node with vmbr0 (198.51.100.10) and vmbr1 (10.10.10.1/24). */
export function nodeView(shape: NodeShape = {}): NodeView {
  const link = (ifname: string, local: string, prefixlen: number) => ({
    ifname,
    mtu: 1500,
    flags: shape.down?.includes(ifname) ? [] : ['UP'],
    addr_info: [{ family: 'inet', local, prefixlen, scope: 'global' }, ...six(shape.addresses6?.[ifname])],
  })
  const links = [link('vmbr0', '198.51.100.10', 24), link('vmbr1', '10.10.10.1', 24)]
  const units = ['dnsmasq.service', 'nginx.service'].map((name): [string, Seen] => {
    const active = shape.units?.[name] ?? 'active'
    return [`unit ${name}`, { units: [{ name, load: 'loaded', active, file: 'enabled', log: '' }] }]
  })
  const files = Object.entries(shape.files ?? {}).map(([path, text]): [string, Seen] => [
    `file ${path}`,
    { files: { [path]: text } },
  ])
  const facts = new Map<string, Seen>([
    ['links', { text: JSON.stringify(links) }],
    ['iptables', { text: shape.iptables ?? NAT }],
    ['ip6tables', { text: shape.ip6tables ?? '' }],
    ['nft', { text: shape.nft ?? '' }],
    ['listeners', { text: shape.listeners ?? LISTENERS }],
    ['forwarding', { text: shape.forwarding ?? 'ip_forward:1\nconf/vmbr1/forwarding:1' }],
    ...units,
    ...files,
    ...Object.entries(shape.facts ?? {}),
  ])
  const defaultRoute = shape.defaultRoute ?? { dev: 'vmbr0', gateway: '198.51.100.1', controller: '203.0.113.9' }
  return new NodeView({ probes: new Map(), facts, defaultRoute })
}

/** A host with these checks. */
export function hostView(checks: readonly Check[] = [], settings: Partial<HostView['settings']> = {}): HostView {
  const { target } = testHost('node1')
  const preset = { websocket_paths: {}, closed_ports: [], closed_to_guests: [] }
  return { target, address: target.address, settings: { ...preset, ...settings }, checks }
}

/** All that was seen for a check. */
export function evidence(given: {
  seen?: object
  outside?: object
  node?: NodeShape
  checks?: readonly Check[]
  settings?: Partial<HostView['settings']>
}): Evidence {
  const { seen = {}, outside = {}, node, checks, settings } = given
  return { seen: { ...seen }, outside: { ...outside }, node: nodeView(node), host: hostView(checks, settings) }
}
