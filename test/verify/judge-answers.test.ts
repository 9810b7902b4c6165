import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check, Seat, Site } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { directId } from '../../src/verify/kinds/site-view.ts'
import { evidence, type NodeShape } from '../helpers/node-view.ts'

const test = suite('causes in places that are seldom looked at')

const seat: Seat = { interface: 'vmbr1', network: '10.10.10.1/24' }
const judge = (check: Check, given: Parameters<typeof evidence>[0]) => {
  const { status, saw, cause = '' } = proverOf(check).judge(check, evidence(given))
  return `${status}: ${saw}; ${cause}`
}
const silent = { silence: 1, target: '198.51.100.1', from: '10.10.10.254' }
const nat: Check = { kind: 'nat', seat: { network: '10.10.10.0/24' }, out: 'vmbr0' }
const offer: Check = { kind: 'dhcp_offer', seat, ranges: [], router: '10.10.10.1', dns: ['10.10.10.1'] }
const name: Check = { kind: 'dns_name', seat, server: '10.10.10.1', name: 'web.x', addresses: ['10.10.10.20'] }
const forwarding: Check = { kind: 'forwarding', seat }
const MASQUERADE = '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE\nCOMMIT\n'
const table = (table: string, chain: string, ...rules: string[]): NodeShape => ({
  iptables: `${MASQUERADE}*${table}\n:${chain} ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`,
  facts: { reach: { reply: '198.51.100.1' } },
})

test('an answer of the node that a rule keeps from leaving', () => {
  const dhcp = table('filter', 'OUTPUT', '-A OUTPUT -s 10.10.10.1/32 -o vmbr1 -p udp -m udp --sport 67 -j DROP')
  assert.match(
    judge(offer, { node: dhcp }),
    /answers of the node do not leave by vmbr1 \(udp from port 67\) \(iptables: /,
  )
  const dns = table(
    'filter',
    'OUTPUT',
    '-A OUTPUT -p tcp -j DROP',
    '-A OUTPUT -o vmbr1 -p udp -m udp --sport 53 -j DROP',
  )
  assert.match(judge(name, { seen: {}, node: dns }), /answers of the node do not leave by vmbr1 \(udp from port 53\)/)
  const known = table('filter', 'OUTPUT', '-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT', '-A OUTPUT -j DROP')
  assert.not.match(judge(name, { seen: {}, node: known }), /answers of the node/)
})

test('a ping, its answer and the word of a router are different messages', () => {
  const pings = table('filter', 'OUTPUT', '-A OUTPUT -p icmp -m icmp --icmp-type 8 -j DROP')
  assert.not.match(judge(forwarding, { seen: silent, node: pings }), /answers of the node/)
  const errors = table('filter', 'OUTPUT', '-A OUTPUT -p icmp -m icmp --icmp-type 11 -j DROP')
  assert.match(judge(forwarding, { seen: silent, node: errors }), /answers of the node do not leave by vmbr1 \(icmp\)/)
})

test('a rule before the route is decided, and one after', () => {
  const before = table('raw', 'PREROUTING', '-A PREROUTING -i vmbr1 -p icmp -j DROP')
  assert.match(
    judge(forwarding, { seen: silent, node: before }),
    /icmp is not let in on vmbr1 \(iptables: -A PREROUTING/,
  )
  const after = table('mangle', 'POSTROUTING', '-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j DROP')
  assert.match(judge(nat, { seen: silent, node: after }), /not passed on from vmbr1 \(iptables: -A POSTROUTING/)
})

test('a rule of nftables at an interface counts for that interface alone', () => {
  const nft = (dev: string) => {
    const own = { family: 'netdev', table: 't' }
    const chain = { ...own, name: 'c', type: 'filter', hook: 'ingress', dev, prio: 0, policy: 'accept' }
    return JSON.stringify({ nftables: [{ chain }, { rule: { ...own, chain: 'c', expr: [{ drop: null }] } }] })
  }
  assert.match(judge(forwarding, { seen: silent, node: { nft: nft('vmbr1') } }), /nftables netdev t: /)
  assert.not.match(judge(forwarding, { seen: silent, node: { nft: nft('vmbr0') } }), /nftables/)
})

test('a node that says itself that it has no way for guests, though it has one', () => {
  const seen = { error: 'network unreachable', target: '198.51.100.1', from: '10.10.10.1' }
  assert.match(
    judge(nat, { seen, node: table('filter', 'FORWARD') }),
    /no route for packets of guests to 198\.51\.100\.1/,
  )
})

test('a forward whose packets are dropped before they are led to the guest', () => {
  const to = { address: '10.10.10.20', port: 8080 }
  const forward: Check = { kind: 'forward', protocol: 'tcp', port: 8443, to, from: 'outside' }
  const iptables = `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8443 -j DNAT --to-destination 10.10.10.20:8080\nCOMMIT
*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8443 -j DROP\nCOMMIT\n`
  const node = { iptables, facts: { 'tcp 10.10.10.20:8080': { open: 1 } } }
  assert.match(judge(forward, { outside: { error: 'timed out' }, node }), /tcp port 8443 is not let in on vmbr0/)
})

const site: Site = {
  name: 'git.example.org',
  port: 443,
  tls: true,
  file: '/etc/nginx/sites-available/x.conf',
  allow: [],
  behind: { kind: 'servers', servers: ['10.10.10.20:3000'], scheme: 'http' },
}

test('a forward that takes the port of a site is named, whatever answers there', () => {
  const iptables =
    '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i vmbr0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.10.10.20:22\nCOMMIT\n'
  const outside = { stage: 'handshake', error: 'wrong version number' }
  const named = /a forward takes port 443 from nginx: DNAT 10\.10\.10\.20:22/
  assert.match(judge({ kind: 'proxy', site }, { outside, node: { iptables } }), named)
  const unknown: Check = { kind: 'unknown_name', port: 443, tls: true }
  assert.match(judge(unknown, { outside, node: { iptables } }), named)
  assert.match(judge(unknown, { outside }), /what answers there is not nginx/)
})

test('visitors who are sent to where they come from do not get there', () => {
  const files = { [site.file]: 'proxy_pass http://pvectl_x;\nupstream pvectl_x {\n  server 10.10.10.20:3000;\n}\n' }
  const visited = (location: string, direct: number, headers = {}) =>
    judge(
      { kind: 'proxy', site },
      {
        outside: { stage: 'answered', answer: { status: 301, headers: { location, ...headers }, body: '' } },
        node: { files, facts: { [directId(site, '10.10.10.20', 3000)]: { status: direct } } },
      },
    )
  assert.match(
    visited('https://git.example.org/', 200),
    /^failed: 301 to the same address.*nginx sends visitors in a circle/,
  )
  assert.match(visited('/', 301), /^failed: .*the server behind sends visitors in a circle.*X-Forwarded-Proto/)
  assert.match(visited('/login', 301), /^passed: 301/)
  assert.match(visited('https://git.example.org/', 301, { 'set-cookie': 'a=b' }), /^passed: 301/)
})

test.run()
