import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Packet } from '../../src/verify/firewall/packet.ts'
import { type NodeShape, nodeView } from '../helpers/node-view.ts'

const test = suite('who stops a packet')

const DHCP: Packet = {
  family: 4,
  hook: 'input',
  protocol: 'udp',
  from: 'vmbr1',
  source: '0.0.0.0',
  destination: '255.255.255.255',
  port: 67,
  sourcePort: 68,
}
const OUT: Packet = {
  family: 4,
  hook: 'forward',
  protocol: 'icmp',
  from: 'vmbr1',
  to: 'vmbr0',
  source: '10.10.10.254',
  destination: '198.51.100.1',
}

const filter = (...rules: string[]) =>
  `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`
const by = (shape: NodeShape, packet: Packet) => nodeView(shape).blocked(packet)?.by

const CASES: readonly (readonly [string, string, Packet, string | undefined])[] = [
  ['no rules', filter(), DHCP, undefined],
  [
    'a rule for the port',
    filter('-A INPUT -i vmbr1 -p udp -m udp --dport 67 -j DROP'),
    DHCP,
    'iptables: -A INPUT -i vmbr1 -p udp -m udp --dport 67 -j DROP',
  ],
  ['for another port', filter('-A INPUT -p udp -m udp --dport 68 -j DROP'), DHCP, undefined],
  ['for another interface', filter('-A INPUT -i vmbr0 -j DROP'), DHCP, undefined],
  [
    'for all but one interface',
    filter('-A INPUT ! -i vmbr0 -j REJECT --reject-with icmp-port-unreachable'),
    DHCP,
    'iptables: -A INPUT ! -i vmbr0 -j REJECT --reject-with icmp-port-unreachable',
  ],
  ['interfaces by their beginning', filter('-A INPUT -i vmbr+ -j DROP'), DHCP, 'iptables: -A INPUT -i vmbr+ -j DROP'],
  [
    'accepted before',
    filter('-A INPUT -p udp -m multiport --dports 53,67:69 -j ACCEPT', '-A INPUT -j DROP'),
    DHCP,
    undefined,
  ],
  [
    'only what is known already',
    filter('-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A INPUT -j DROP'),
    DHCP,
    'iptables: -A INPUT -j DROP',
  ],
  [
    'a chain of its own',
    filter(':guests - [0:0]', '-A INPUT -j guests', '-A guests -s 10.0.0.0/8 -j RETURN', '-A guests -j DROP'),
    DHCP,
    'iptables: -A guests -j DROP',
  ],
  [
    'a chain that returns',
    filter(':guests - [0:0]', '-A INPUT -j guests', '-A guests -p udp -j RETURN', '-A guests -j DROP'),
    DHCP,
    undefined,
  ],
  ['a rule that nobody can judge', filter('-A INPUT -m set --match-set bad src -j DROP'), DHCP, undefined],
  [
    'a mark that lets it pass',
    filter(
      '-A INPUT -p udp -j MARK --set-xmark 0x80000000/0x80000000',
      '-A INPUT -m mark --mark 0x80000000/0x80000000 -j ACCEPT',
      '-A INPUT -j DROP',
    ),
    DHCP,
    undefined,
  ],
  [
    'a raw table',
    '*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i vmbr1 -j DROP\nCOMMIT\n',
    DHCP,
    'iptables: -A PREROUTING -i vmbr1 -j DROP',
  ],
  ['the policy of FORWARD', '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n', OUT, 'iptables: policy of FORWARD is drop'],
  [
    'the policy, and a rule before it',
    '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -i vmbr1 -o vmbr0 -s 10.10.10.0/24 -j ACCEPT\nCOMMIT\n',
    OUT,
    undefined,
  ],
]

for (const [name, iptables, packet, expected] of CASES) {
  test(`iptables: ${name}`, () => assert.is(by({ iptables }, packet), expected))
}

test('the firewall of Proxmox VE is known by its chains', () => {
  const iptables = filter(
    ':PVEFW-INPUT - [0:0]',
    ':PVEFW-HOST-IN - [0:0]',
    '-A INPUT -j PVEFW-INPUT',
    '-A PVEFW-INPUT -j PVEFW-HOST-IN',
    '-A PVEFW-HOST-IN -p tcp --dport 8006 -j RETURN',
    '-A PVEFW-HOST-IN -j DROP',
  )
  assert.equal(nodeView({ iptables }).blocked(DHCP), { by: 'iptables: -A PVEFW-HOST-IN -j DROP', pve: true })
})

const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
function nft(family: string, hook: string, policy: string, ...rules: object[][]): string {
  const own = { family, table: 't' }
  return JSON.stringify({
    nftables: [
      { metainfo: {} },
      { table: { family, name: 't' } },
      { chain: { ...own, name: 'c', type: 'filter', hook, prio: 0, policy } },
      ...rules.map((expr) => ({ rule: { ...own, chain: 'c', expr } })),
    ],
  })
}
const iif = (name: string) => match({ meta: { key: 'iifname' } }, name)
const dport = (right: unknown) => match({ payload: { protocol: 'udp', field: 'dport' } }, right)

const NFT: readonly (readonly [string, string, string | undefined])[] = [
  [
    'a drop',
    nft('inet', 'input', 'accept', [iif('vmbr1'), dport({ set: [53, 67] }), { counter: {} }, { drop: null }]),
    'inet t c: iifname vmbr1 udp dport',
  ],
  ['a range', nft('ip', 'input', 'accept', [dport({ set: [{ range: [60, 70] }] }), { reject: {} }]), 'ip t c'],
  ['the policy', nft('inet', 'input', 'drop', [dport(68), { accept: null }]), 'policy of c is drop'],
  ['accepted', nft('inet', 'input', 'drop', [iif('vmbr*'), { accept: null }]), undefined],
  [
    'a map of verdicts',
    nft('inet', 'input', 'accept', [
      {
        vmap: {
          key: { meta: { key: 'iifname' } },
          data: {
            set: [
              ['vmbr0', { accept: null }],
              ['vmbr1', { drop: null }],
            ],
          },
        },
      },
    ]),
    'inet t c',
  ],
  ['another hook', nft('inet', 'forward', 'drop'), undefined],
  ['IPv6 only', nft('ip6', 'input', 'drop'), undefined],
  [
    'a named set',
    nft('inet', 'input', 'accept', [match({ payload: { protocol: 'ip', field: 'saddr' } }, '@bad'), { drop: null }]),
    undefined,
  ],
  [
    'on the bridge',
    nft('bridge', 'input', 'accept', [match({ meta: { key: 'ibrname' } }, 'vmbr1'), { drop: null }]),
    'bridge t c',
  ],
  ['no JSON', 'command not found', undefined],
]

for (const [name, text, expected] of NFT) {
  test(`nftables: ${name}`, () => {
    const found = by({ nft: text }, DHCP)
    if (expected === undefined) assert.is(found, undefined)
    else assert.ok(found?.includes(expected), found)
  })
}

test('source NAT by the first rule that fits, in iptables or nftables', () => {
  assert.is(nodeView().sourceTranslation(OUT), 'MASQUERADE')
  assert.is(nodeView().sourceTranslation({ ...OUT, to: 'vmbr9' }), undefined)
  const snat =
    '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source 198.51.100.10\nCOMMIT\n'
  assert.is(nodeView({ iptables: snat }).sourceTranslation(OUT), 'SNAT 198.51.100.10')
})

test('destination NAT, with and without a port', () => {
  const dnat = (to: string) =>
    `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 198.51.100.10/32 -p tcp -m tcp --dport 8443 -j DNAT --to-destination ${to}\nCOMMIT\n`
  const packet: Packet = {
    ...OUT,
    protocol: 'tcp',
    from: 'vmbr0',
    source: '203.0.113.9',
    destination: '198.51.100.10',
    port: 8443,
  }
  const found = (to: string) => nodeView({ iptables: dnat(to) }).destinationTranslation(packet)
  assert.equal(found('10.10.10.20:443'), { address: '10.10.10.20', port: 443, how: 'DNAT 10.10.10.20:443' })
  assert.equal(found('10.10.10.20'), { address: '10.10.10.20', how: 'DNAT 10.10.10.20' })
  assert.is(nodeView({ iptables: dnat('10.10.10.20') }).destinationTranslation({ ...packet, port: 1 }), undefined)
})

test.run()
