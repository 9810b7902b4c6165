import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check, Seat, Site } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { reasonOf } from '../../src/verify/outside/http.ts'
import type { Seen } from '../../src/verify/probe/plan.ts'
import { routeFact } from '../../src/verify/routes.ts'
import { evidence, type NodeShape } from '../helpers/node-view.ts'

const test = suite('causes beyond firewalls and services')

const seat: Seat = { interface: 'vmbr1', network: '10.10.10.1/24' }
const judge = (check: Check, given: Parameters<typeof evidence>[0]) => ({
  cause: '',
  ...proverOf(check).judge(check, evidence(given)),
})

const silent = { silence: 1, target: '198.51.100.1', from: '10.10.10.254' }
const nat: Check = { kind: 'nat', seat: { network: '10.10.10.0/24' }, out: 'vmbr0' }
const mtu: Check = { kind: 'mtu', seat }
const forwarding: Check = { kind: 'forwarding', seat: { interface: 'vmbr1' } }
const name: Check = { kind: 'dns_name', seat, server: '10.10.10.1', name: 'web.x', addresses: ['10.10.10.20'] }

/** A node whose kernel says this of packets of guests of a seat, and of the answers. */
const routed = (of: Seat, back: object, there: object = { dev: 'vmbr0', said: '' }): NodeShape => ({
  facts: {
    [routeFact(of).id]: { back: { address: '10.10.10.254', ...back }, there: { address: '198.51.100.1', ...there } },
    reach: { reply: '198.51.100.1' },
  },
})
const home = { dev: 'vmbr1', said: '10.10.10.254 dev vmbr1' }

test('a rule that takes answers elsewhere is named by every check that misses them', () => {
  const elsewhere = { dev: 'vmbr0', said: '10.10.10.254 via 198.51.100.1 dev vmbr0 table 77' }
  for (const check of [mtu, forwarding, nat, name]) {
    const { status, cause = '' } = judge(check, { seen: silent, node: routed((check as typeof mtu).seat, elsewhere) })
    assert.is(status, 'failed', check.kind)
    assert.match(cause, /^answers to guests of \S+ leave by vmbr0 \(ip route get 10\.10\.10\.254: .*table 77\)$/)
  }
})

test('packets that are routed nowhere, or are taken for forged, or leave elsewhere', () => {
  const cause = (there: object, verify = {}) =>
    judge(nat, { seen: silent, node: routed(nat.seat, home, there), settings: verify }).cause
  assert.match(cause({ said: 'Network is unreachable' }), /routed nowhere \(.* iif vmbr1: Network is unreachable\)/)
  assert.match(cause({ said: 'Invalid cross-device link' }), /rp_filter/)
  const target = { nat_target: '198.51.100.1:443' }
  const node: NodeShape = {
    facts: {
      [routeFact(nat.seat, '198.51.100.1').id]: { there: { address: '198.51.100.1', dev: 'wg0', said: '' } },
    },
  }
  assert.match(
    judge(nat, { seen: silent, node, settings: target }).cause,
    /leave by wg0, and the NAT rule is for vmbr0/,
  )
})

test('a smaller network than that of the playbook', () => {
  const links = [
    { ifname: 'vmbr1', mtu: 1500, flags: ['UP'], addr_info: [{ family: 'inet', local: '10.10.10.1', prefixlen: 28 }] },
  ]
  const { facts } = routed(seat, { dev: 'vmbr0', said: '' })
  const { cause } = judge(mtu, { seen: silent, node: { facts: { ...facts, links: { text: JSON.stringify(links) } } } })
  assert.match(cause, /^vmbr1 has 10\.10\.10\.1\/28 in place of 10\.10\.10\.1\/24, so answers to 10\.10\.10\.254 leave/)
})

test('nothing is said of an MTU that is large enough', () => {
  const lost = judge(mtu, { seen: { ...silent, small: { silence: 1 } }, node: routed(seat, home) })
  assert.match(lost.saw, /whatever the size/)
  assert.not.match(lost.cause, /MTU/)
  const small = judge(mtu, { seen: { ...silent, small: { reply: '10.10.10.1' } }, node: routed(seat, home) })
  assert.match(small.cause, /has an MTU of/)
})

test('a source address that the node does not have', () => {
  const iptables = (to: string) =>
    `*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source ${to}\nCOMMIT\n`
  const cause = (to: string) =>
    judge(nat, { seen: silent, node: { ...routed(nat.seat, home), iptables: iptables(to) } }).cause
  assert.match(cause('203.0.113.77'), /packets leave with 203\.0\.113\.77, which no interface of the node has/)
  assert.match(cause('198.51.100.10'), /the answer does not come back/)
})

const ranges = [{ start: '10.10.10.100', end: '10.10.10.101' }]
const dhcp: Check = { kind: 'dhcp_offer', seat, ranges, router: '10.10.10.1', dns: ['10.10.10.1'] }
const FILE = '/etc/dnsmasq.d/pvectl-vmbr1.conf'
const LEASES = '/var/lib/misc/dnsmasq.leases'

test('no offer: a file for another interface, and ranges that are used up', () => {
  const cause = (files: Readonly<Record<string, string>>) =>
    judge(dhcp, { seen: { offers: [] }, node: { files } }).cause
  assert.match(cause({ [FILE]: 'interface=vmbr9\n' }), /pvectl-vmbr1\.conf is for vmbr9, not for vmbr1/)
  const lease = (ip: string, end: number) => `${end} 02:00:00:00:00:01 ${ip} * *\n`
  const soon = Math.floor(Date.now() / 1000) + 60
  const full = lease('10.10.10.100', 0) + lease('10.10.10.101', soon)
  assert.match(cause({ [FILE]: 'interface=vmbr1\n', [LEASES]: full }), /all 2 addresses of the ranges are leased/)
  const half = lease('10.10.10.100', 0) + lease('10.10.10.101', 1000) + lease('10.10.10.20', 0)
  assert.not.match(cause({ [FILE]: 'interface=vmbr1\n', [LEASES]: half }), /leased/)
})

test('another router on the bridge', () => {
  const ra: Check = { kind: 'ipv6_ra', seat }
  const seen = (...routers: string[]) => ({ address: 'fd00::9/64', router: routers[0], routers })
  const node: NodeShape = { addresses6: { vmbr1: 'fe80::1/64' } }
  assert.is(judge(ra, { seen: seen('fe80::1'), node }).status, 'passed')
  const { status, cause } = judge(ra, { seen: seen('fe80::1', 'fe80::bad'), node })
  assert.is(status, 'failed')
  assert.match(cause, /another router announces itself on vmbr1: fe80::bad/)
})

const site: Site = {
  file: '/etc/nginx/sites-available/s.conf',
  name: 'git.example.org',
  port: 443,
  tls: true,
  behind: { kind: 'servers', servers: ['10.10.10.20:3000'], scheme: 'http' },
  allow: [],
}
const files = { [site.file]: 'x', '/etc/nginx/sites-enabled/s.conf': 'x' }
const answer = (status: number, body = '') => ({ stage: 'answered', answer: { status, headers: {}, body } })
const direct = (fact: string, status: number): Readonly<Record<string, Seen>> => ({
  [`${fact} git.example.org 10.10.10.20:3000`]: { status },
})
const OWN_PAGE = '<html><hr><center>nginx</center></html>'

test('a refusal of nginx itself is no answer of the server', () => {
  const proxy = (body: string, status: number) =>
    judge({ kind: 'proxy', site }, { outside: answer(403, body), node: { files, facts: direct('get', status) } })
  assert.match(proxy(OWN_PAGE, 200).cause, /nginx refuses the request before it gets to the server/)
  assert.is(proxy(OWN_PAGE, 403).status, 'passed', 'the server behind is an nginx as well')
  assert.is(proxy('forbidden', 200).status, 'passed', 'a page of the server')
  const socket = judge(
    { kind: 'websocket', site },
    { outside: answer(403, OWN_PAGE), node: { files, facts: direct('socket', 101) } },
  )
  assert.match(socket.cause, /nginx refuses the request/)
})

test('a handshake that breaks off is not blamed on the way there', () => {
  const listeners = 'tcp LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:(("nginx",pid=2,fd=1))'
  const error = reasonOf(
    new Error(
      '0:error:0A000410:SSL routines:f:sslv3 alert handshake failure:../x/rec_layer_s3.c:16:SSL alert number 40',
    ),
  )
  assert.is(error, 'sslv3 alert handshake failure')
  const check: Check = { kind: 'certificate', site, file: '/etc/ssl/s.crt' }
  const { cause } = judge(check, { outside: { stage: 'handshake', error }, node: { files, listeners } })
  assert.match(cause, /nginx breaks the handshake off/)
})

test('a jump account that may do more than could be tried', () => {
  const check: Check = { kind: 'jump', user: 'jump', keys: [], permitted: ['10.10.10.20:22'] }
  const seen = (config: string) => {
    const others = [{ end: '127.0.0.1:22', passage: { kind: 'prohibited' } }]
    const allowed = [{ end: '10.10.10.20:22', passage: { kind: 'open' } }]
    const outside = { allowed, others, shell: null, listens: false }
    return judge(check, { outside, node: { facts: { 'sshd jump': { text: config } } } })
  }
  assert.is(seen('permittty no\npermitopen 10.10.10.20:22').status, 'passed')
  const more = seen('permittty no\npermitopen 10.10.10.20:22 10.10.10.21:22')
  assert.is(more.status, 'failed')
  assert.match(more.saw, /it may also lead to 10\.10\.10\.21:22/)
  const login = judge(check, {
    outside: { login: 'accepts no key' },
    node: {
      files: {},
      facts: {
        'user jump': { text: 'jump:x:997:' },
        'sshd jump': { text: 'allowusers root ada' },
        'file /etc/ssh/sshd_config.d/60-pvectl-jump.conf': {
          files: {
            '/etc/ssh/sshd_config.d/60-pvectl-jump.conf': 'x',
            '/etc/ssh/pvectl-authorized-keys/jump': 'x',
          },
        },
      },
    },
  })
  assert.match(login.cause, /AllowUsers of sshd names root ada, not jump/)
})

test.run()
