import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check, Seat, Site } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { evidence } from '../helpers/node-view.ts'

const test = suite('what answers come to')

const seat: Seat = { interface: 'vmbr1', network: '10.10.10.1/24' }
const dhcp: Check = {
  kind: 'dhcp_offer',
  seat,
  ranges: [{ start: '10.10.10.100', end: '10.10.10.199' }],
  router: '10.10.10.1',
  dns: ['10.10.10.1'],
}
const reserved: Check = { kind: 'dhcp_reservation', seat, mac: 'bc:24:11:00:00:14', ip: '10.10.10.20' }
const name: Check = {
  kind: 'dns_name',
  seat,
  server: '10.10.10.1',
  name: 'web.lab.internal',
  addresses: ['10.10.10.20'],
}
const outside: Check = { kind: 'dns_outside', seat, server: '10.10.10.1' }
const nat: Check = { kind: 'nat', seat: { network: '10.10.10.0/24' }, out: 'vmbr0' }
const forwarding: Check = { kind: 'forwarding', seat }
const mtu: Check = { kind: 'mtu', seat }
const site: Site = {
  file: '/etc/nginx/sites-available/s.conf',
  name: 'git.example.org',
  port: 443,
  tls: true,
  behind: { kind: 'servers', servers: ['10.10.10.20:3000'], scheme: 'http' },
  allow: [],
}
const certificate: Check = { kind: 'certificate', site, file: '/etc/ssl/s.crt' }
const proxy: Check = { kind: 'proxy', site }
const websocket: Check = { kind: 'websocket', site }
const unknown: Check = { kind: 'unknown_name', port: 443, tls: true }
const jump: Check = { kind: 'jump', user: 'jump', keys: ['ssh-ed25519 AAAA x'], permitted: ['10.10.10.20:22'] }
const forward: Check = {
  kind: 'forward',
  protocol: 'tcp',
  port: 8443,
  to: { address: '10.10.10.20', port: 443 },
  from: 'outside',
}
const closed: Check = { kind: 'closed', port: 8006, from: 'outside' }

const offer = (more: object = {}) => ({
  offers: [
    {
      address: '10.10.10.150',
      server: '10.10.10.1',
      mask: '255.255.255.0',
      router: ['10.10.10.1'],
      dns: ['10.10.10.1'],
      ...more,
    },
  ],
})
const conf = { '/etc/dnsmasq.d/pvectl-vmbr1.conf': 'x' }
const reached = { reply: '198.51.100.1', target: '198.51.100.1', from: '10.10.10.254' }
const silent = { silence: 1, target: '198.51.100.1', from: '10.10.10.254' }
const DAY = 86_400_000
const shown = (more: object = {}) => ({
  stage: 'answered',
  answer: { status: 200, headers: {}, body: '' },
  certificate: {
    names: 'git.example.org',
    matches: true,
    validFrom: Date.now() - DAY,
    validTo: Date.now() + 90 * DAY,
    fingerprint: 'ab',
    ...more,
  },
})
const status = (code: number) => ({ ...shown(), answer: { status: code, headers: {}, body: '' } })
const files = {
  [site.file]: 'upstream x {\n    server 10.10.10.20:3000;\n}\n  proxy_pass http://pvectl_x;\n',
  '/etc/nginx/sites-enabled/s.conf': 'x',
}
const dnat = (to: string) =>
  `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8443 -j DNAT --to-destination ${to}\nCOMMIT\n`

type Given = Parameters<typeof evidence>[0]
/** Check, what was seen, and `status: saw; cause` as a beginning or a pattern. */
const CASES: readonly (readonly [string, Check, Given, RegExp])[] = [
  ['an offer', dhcp, { seen: offer() }, /^passed: 10\.10\.10\.150, router 10\.10\.10\.1, DNS 10\.10\.10\.1/],
  [
    'an offer out of range',
    dhcp,
    { seen: offer({ address: '10.10.10.7' }), node: { files: conf } },
    /^failed: 10\.10\.10\.7.*in no range.*says something else/,
  ],
  [
    'a wrong router',
    dhcp,
    { seen: offer({ router: ['10.10.10.2'] }), node: { files: conf } },
    /^failed: .*router should be 10\.10\.10\.1/,
  ],
  [
    'a wrong netmask',
    dhcp,
    { seen: offer({ mask: '255.255.0.0' }), node: { files: conf } },
    /^failed: .*netmask 255\.255\.0\.0 in place of 255\.255\.255\.0/,
  ],
  [
    'a second server',
    dhcp,
    { seen: { offers: [...offer().offers, ...offer({ server: '10.10.10.66' }).offers] } },
    /^failed: 10\.10\.10\.66 offers.*another DHCP server is on vmbr1/,
  ],
  [
    'no offer, dnsmasq stopped',
    dhcp,
    { seen: { offers: [] }, node: { units: { 'dnsmasq.service': 'inactive' } } },
    /^failed: no offer; dnsmasq\.service is not running/,
  ],
  [
    'no offer, nothing listens',
    dhcp,
    { seen: { offers: [] }, node: { listeners: '' } },
    /^failed: no offer; nothing listens on udp port 67/,
  ],
  ['no offer, the file is gone', dhcp, { seen: { offers: [] } }, /^failed: no offer; .*pvectl-vmbr1\.conf is missing/],
  [
    'no offer, bridge down',
    dhcp,
    { seen: { offers: [] }, node: { down: ['vmbr1'] } },
    /^failed: no offer; vmbr1 is down/,
  ],
  ['no offer, and no reason', dhcp, { seen: { offers: [] }, node: { files: conf } }, /^failed: no offer; dnsmasq runs/],
  ['no bridge at all', dhcp, { seen: { place: { missing: 1, interface: 'vmbr1' } } }, /^failed: there is no vmbr1/],
  [
    'no bridge but a card',
    dhcp,
    { seen: { place: { no_bridge: 1, interface: 'eno2' } } },
    /^skipped: eno2 is no bridge/,
  ],
  [
    'a probe that broke off',
    dhcp,
    { seen: { setup: 'no namespace: Operation not permitted' } },
    /^skipped: .*Operation not permitted/,
  ],
  ['the reserved address', reserved, { seen: offer({ address: '10.10.10.20' }) }, /^passed/],
  [
    'another one',
    reserved,
    { seen: offer(), node: { files: conf } },
    /^failed: 10\.10\.10\.150 offered in place of 10\.10\.10\.20/,
  ],
  ['a name', name, { seen: { rcode: 0, addresses: ['10.10.10.20'], tcp: { rcode: 0 } } }, /^passed: 10\.10\.10\.20/],
  [
    'a name that is not known',
    name,
    { seen: { rcode: 3, addresses: [] } },
    /^failed: no such name.*in place of 10\.10\.10\.20/,
  ],
  [
    'not over TCP',
    name,
    { seen: { rcode: 0, addresses: ['10.10.10.20'], tcp: { error: 'no answer over TCP' } } },
    /^failed: .*nothing over TCP/,
  ],
  [
    'refused, dnsmasq failed',
    name,
    { seen: { error: 'Connection refused' }, node: { units: { 'dnsmasq.service': 'failed' } } },
    /^failed: no answer: Connection refused; dnsmasq\.service failed/,
  ],
  ['outside', outside, { seen: { rcode: 0, addresses: ['192.0.2.7'], fresh: 3 } }, /^passed/],
  [
    'outside, from a cache',
    outside,
    { seen: { rcode: 0, addresses: ['192.0.2.7'] }, settings: { outside_name: 'a.example' } },
    /^failed: .*out of a cache/,
  ],
  [
    'outside, and the node cannot either',
    outside,
    { seen: { rcode: 5, addresses: [] }, node: { facts: { resolve: { addresses: [] } } } },
    /^skipped: the node itself cannot resolve debian\.org/,
  ],
  [
    'outside, a name that was set',
    outside,
    { seen: { rcode: 5, addresses: [] }, settings: { outside_name: 'a.example' } },
    /^failed: REFUSED; the node itself cannot resolve a\.example/,
  ],
  [
    'outside, only guests cannot',
    outside,
    { seen: { rcode: 5, addresses: [] }, node: { facts: { resolve: { addresses: ['yes'] } } } },
    /^failed: REFUSED; dnsmasq has no name server to ask/,
  ],
  ['out and back', nat, { seen: reached }, /^passed: 198\.51\.100\.1 answers/],
  [
    'out and back without NAT',
    nat,
    { seen: reached, node: { iptables: '' } },
    /^failed: .*but not by NAT; no NAT rule/,
  ],
  [
    'out, forwarding off',
    nat,
    { seen: silent, node: { forwarding: 'ip_forward:0' } },
    /^failed: .*; IPv4 forwarding is off \(net\/ipv4\/ip_forward = 0\)/,
  ],
  [
    'out, forwarding off for the bridge',
    nat,
    { seen: silent, node: { forwarding: 'ip_forward:1\nconf/vmbr1/forwarding:0' } },
    /conf\/vmbr1\/forwarding = 0/,
  ],
  ['out, no rule', nat, { seen: silent, node: { iptables: '' } }, /no NAT rule hides 10\.10\.10\.0\/24 behind vmbr0/],
  [
    'out, the gateway says nothing to the node either',
    nat,
    { seen: silent, node: { facts: { reach: { silence: 1 } } } },
    /^skipped: 198\.51\.100\.1 does not answer the node either/,
  ],
  [
    'out, a target that was set',
    nat,
    { seen: silent, settings: { nat_target: '198.51.100.1' } },
    /^failed: .*does not answer the node either/,
  ],
  [
    'no default route',
    nat,
    { seen: { no_target: 1 }, node: { defaultRoute: {} } },
    /^failed: no way out; the node has no default route/,
  ],
  [
    'no gateway',
    nat,
    { seen: { no_target: 1 }, node: { defaultRoute: { dev: 'ppp0' } } },
    /^skipped: the node has no default gateway/,
  ],
  ['a router', forwarding, { seen: { error: 'time exceeded', from: '10.10.10.1' } }, /^passed/],
  ['no router', forwarding, { seen: silent, node: { forwarding: 'ip_forward:0' } }, /^failed: .*forwarding is off/],
  ['the uplink', forwarding, { seen: { uplink: 1 } }, /^skipped: vmbr1 is the uplink/],
  ['full size', mtu, { seen: { reply: '10.10.10.1', target: '10.10.10.1' } }, /^passed/],
  [
    'too small',
    { ...mtu, mtu: 9000 },
    { seen: { silence: 1, target: '10.10.10.1' } },
    /^failed: .*vmbr1 has an MTU of 1500/,
  ],
  [
    'no ping let in',
    mtu,
    { seen: { silence: 1, target: '10.10.10.1' }, node: { iptables: '*filter\n:INPUT DROP [0:0]\nCOMMIT\n' } },
    /^skipped: the node answers no ping/,
  ],
  ['a certificate', certificate, { outside: shown() }, /^passed: until/],
  [
    'expired',
    certificate,
    { outside: shown({ validTo: Date.now() - 2.5 * DAY }) },
    /^failed: expired .*s\.crt expired 3 days ago/,
  ],
  ['not yet valid', certificate, { outside: shown({ validFrom: Date.now() + DAY }) }, /^failed: valid from/],
  [
    'for another name',
    certificate,
    { outside: shown({ matches: false, names: 'other' }), node: { files } },
    /^failed: it is for other; \/etc\/ssl\/s\.crt is for other names/,
  ],
  [
    'of another site',
    certificate,
    { outside: shown({ matches: false, names: 'other' }) },
    /^failed: it is for other; .*s\.conf is missing/,
  ],
  [
    'nginx stopped',
    certificate,
    { outside: { stage: 'connect', error: 'connection refused' }, node: { units: { 'nginx.service': 'inactive' } } },
    /^failed: port 443: connection refused; nginx\.service is not running/,
  ],
  [
    'somebody else has the port',
    certificate,
    {
      outside: { stage: 'handshake', error: 'x' },
      node: { listeners: 'tcp LISTEN 0 1 0.0.0.0:443 0.0.0.0:* users:(("perl",pid=1,fd=1))' },
    },
    /port 443 is taken by another program: perl/,
  ],
  [
    'something in between',
    certificate,
    { outside: { stage: 'connect', error: 'timed out' } },
    /something between this machine and the node/,
  ],
  ['answered', proxy, { outside: status(404), node: { files } }, /^passed: 404/],
  [
    'a gateway error',
    proxy,
    { outside: status(502), node: { files, facts: { 'tcp 10.10.10.20:3000': { error: 'Connection refused' } } } },
    /^failed: 502 from nginx; the server behind does not answer the node \(10\.10\.10\.20:3000: connection refused\)/,
  ],
  [
    'wrong upstream',
    proxy,
    { outside: status(200), node: { files: { ...files, [site.file]: 'server 10.10.10.21:3000;' } } },
    /^failed: 200 from elsewhere; wrong upstream: .*10\.10\.10\.21:3000 in place of 10\.10\.10\.20:3000/,
  ],
  [
    'not for this machine',
    { ...proxy, site: { ...site, allow: ['192.0.2.0/24'] } },
    { outside: status(403), node: { files } },
    /^skipped: 403/,
  ],
  ['a socket', websocket, { outside: status(101) }, /^passed/],
  ['no socket anywhere', websocket, { outside: status(200) }, /^skipped: no WebSocket at \//],
  [
    'a socket that the site hides',
    websocket,
    { outside: status(200), node: { facts: { 'socket git.example.org 10.10.10.20:3000': { status: 101 } } } },
    /^failed: 200, and 101 from the server itself/,
  ],
  ['refused', unknown, { outside: { stage: 'handshake', error: 'refused the name' } }, /^passed/],
  ['another site for unknown names', unknown, { outside: shown() }, /^failed: a certificate for git\.example\.org/],
  [
    'nothing there',
    unknown,
    { outside: { stage: 'connect', error: 'connection refused' }, node: { units: { 'nginx.service': 'inactive' } } },
    /^failed/,
  ],
  ['no key', jump, { outside: { noKey: 'yes' } }, /^skipped: no key here/],
  [
    'to the guest only',
    jump,
    {
      outside: {
        allowed: [{ end: '10.10.10.20:22', passage: { kind: 'open', said: '' } }],
        others: [{ end: '127.0.0.1:22', passage: { kind: 'prohibited' } }],
        shell: null,
        listens: false,
      },
    },
    /^passed: reached 10\.10\.10\.20:22/,
  ],
  [
    'everywhere',
    jump,
    {
      outside: {
        allowed: [],
        others: [{ end: '127.0.0.1:22', passage: { kind: 'unreachable', why: 'x' } }],
        shell: 'uid=1',
        listens: true,
      },
    },
    /^failed: it also leads to 127\.0\.0\.1:22; it runs commands \(uid=1\); it can open ports.*60-pvectl-jump\.conf is missing/,
  ],
  [
    'nowhere',
    jump,
    {
      outside: {
        allowed: [{ end: '10.10.10.20:22', passage: { kind: 'prohibited' } }],
        others: [],
        shell: null,
        listens: false,
      },
    },
    /^failed: refused: 10\.10\.10\.20:22/,
  ],
  [
    'the guest is off',
    jump,
    {
      outside: {
        allowed: [{ end: '10.10.10.20:22', passage: { kind: 'unreachable', why: 'no route to host' } }],
        others: [],
        shell: null,
        listens: false,
      },
    },
    /^skipped: .*no guest answers/,
  ],
  ['no account', jump, { outside: { login: 'node1: does not let in' } }, /^failed: .*there is no account jump/],
  ['a forward', forward, { outside: { open: 1 }, node: { iptables: dnat('10.10.10.20:443') } }, /^passed/],
  [
    'a wrong one, though somebody answers',
    forward,
    { outside: { open: 1 }, node: { iptables: dnat('10.10.10.21:443') } },
    /^failed: connected; wrong DNAT: the rule leads to 10\.10\.10\.21:443/,
  ],
  [
    'none',
    forward,
    { outside: { error: 'connection refused' }, node: { iptables: '' } },
    /^failed: connection refused; no DNAT rule/,
  ],
  [
    'the guest does not answer',
    forward,
    { outside: { error: 'timed out' }, node: { iptables: dnat('10.10.10.20:443') } },
    /^skipped: 10\.10\.10\.20:443 does not answer the node either/,
  ],
  [
    'not forwarded',
    forward,
    {
      outside: { error: 'timed out' },
      node: {
        iptables: dnat('10.10.10.20:443'),
        forwarding: 'ip_forward:0',
        facts: { 'tcp 10.10.10.20:443': { open: 1 } },
      },
    },
    /^failed: timed out; IPv4 forwarding is off/,
  ],
  ['closed', closed, { outside: { error: 'connection refused' } }, /^passed/],
  ['open', closed, { outside: { open: 1 } }, /^failed: it answers; pveproxy listens there/],
]

for (const [title, check, given, expected] of CASES) {
  test(`${check.kind}: ${title}`, () => {
    const { status: outcome, saw, cause } = proverOf(check).judge(check, evidence({ checks: [check], ...given }))
    assert.match(`${outcome}: ${saw}; ${cause}`, expected)
  })
}

test('whatever is asked of a broken-off probe is skipped or failed, never passed', () => {
  for (const [, check] of CASES) {
    const verdict = proverOf(check).judge(check, evidence({ checks: [check] }))
    assert.is.not(verdict.status, 'passed', `${check.kind}: ${verdict.saw}`)
  }
})

test.run()
