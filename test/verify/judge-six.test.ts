import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check, Seat } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { evidence } from '../helpers/node-view.ts'

const test = suite('what answers of IPv6 come to')

const seat: Seat = { network: 'fd00:10::/64', interface: 'vmbr1' }
const nat: Check = { kind: 'nat', seat: { network: 'fd00:10::/64' }, out: 'vmbr0' }
const forwarding: Check = { kind: 'forwarding', seat: { interface: 'vmbr1' }, family: 6 }
const forward: Check = {
  kind: 'forward',
  protocol: 'tcp',
  address: '2001:db8::2',
  port: 8443,
  to: { address: 'fd00:10::20', port: 443 },
  from: 'outside',
}
const { address: _, ...unaddressed } = forward

const addresses6 = { vmbr0: '2001:db8::2/64', vmbr1: 'fd00:10::1/64' }
const MASQUERADE = '*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s fd00:10::/64 -o vmbr0 -j MASQUERADE\nCOMMIT\n'
const dnat = (to: string, more = '') =>
  `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 2001:db8::2/128 -p tcp -m tcp --dport 8443 -j DNAT --to-destination ${to}\nCOMMIT\n${more}`
const DROP = '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n'
const route = (gateway?: string) => ({ dev: 'vmbr0', gateway: '198.51.100.1', six: { dev: 'vmbr0', gateway } })
const reached = { reply: '2001:db8::1', target: '2001:db8::1', from: 'fd00:10::9' }
const silent = { silence: 1, target: '2001:db8::1', from: 'fd00:10::9' }
const OFF = 'ip_forward:1\n../ipv6/conf/all/forwarding:0'
const guestAnswers = { 'tcp fd00:10::20:443': { open: 1 } }

type Given = Parameters<typeof evidence>[0]
const CASES: readonly (readonly [string, Check, Given, RegExp])[] = [
  [
    'NAT66 works',
    nat,
    { seen: reached, node: { addresses6, ip6tables: MASQUERADE, defaultRoute: route('2001:db8::1') } },
    /^passed: 2001:db8::1 answers fd00:10::9/,
  ],
  ['answers without NAT66', nat, { seen: reached, node: { addresses6 } }, /^failed: .*not by NAT; no NAT rule hides/],
  [
    'no NAT66 rule: that of IPv4 is none',
    nat,
    { seen: silent, node: { addresses6 } },
    /^failed: no answer.*no NAT rule hides fd00:10::\/64 behind vmbr0; .*ip6tables -t nat/,
  ],
  [
    'IPv6 is not forwarded',
    nat,
    { seen: silent, node: { addresses6, ip6tables: MASQUERADE, forwarding: OFF } },
    /^failed: .*IPv6 forwarding is off \(net\/ipv6\/conf\/all\/forwarding = 0\)/,
  ],
  [
    'a firewall of IPv6',
    nat,
    { seen: silent, node: { addresses6, ip6tables: MASQUERADE + DROP } },
    /^failed: .*\(ip6tables: policy of FORWARD is drop\)/,
  ],
  [
    'the gateway is silent to the node too',
    nat,
    { seen: silent, node: { addresses6, ip6tables: MASQUERADE, facts: { reach6: { silence: 1 } } } },
    /^skipped: .*verify\.nat_target6/,
  ],
  [
    'a target that is named must answer',
    nat,
    {
      seen: silent,
      settings: { nat_target6: '2001:db8::1' },
      node: { addresses6, ip6tables: MASQUERADE, facts: { reach6: { silence: 1 } } },
    },
    /^failed: .*does not answer the node either/,
  ],
  [
    'a gateway on the link only',
    nat,
    { seen: { no_target: 1 }, node: { addresses6, defaultRoute: route('fe80::1') } },
    /^skipped: the IPv6 gateway fe80::1 is link-local.*verify\.nat_target6/,
  ],
  [
    'an address outside, and no route',
    nat,
    { seen: { no_target: 1 }, node: { addresses6 } },
    /^failed: no way out; the node has no IPv6 default route, though vmbr0 has 2001:db8::2; .*accept_ra/,
  ],
  ['no IPv6 outside', nat, { seen: { no_target: 1 } }, /^skipped: vmbr0 has no IPv6 address/],
  ['routes', forwarding, { seen: { error: 'time exceeded', from: 'fd00:10::1' } }, /^passed: fd00:10::1 answers/],
  ['does not route', forwarding, { seen: silent, node: { forwarding: OFF } }, /^failed: .*IPv6 forwarding is off/],
  [
    'routes IPv4, of which nobody asked',
    forwarding,
    { seen: silent, node: { forwarding: 'ip_forward:0\n../ipv6/conf/all/forwarding:1' } },
    /^failed: .*is lost before it is routed.*ip6tables-save/,
  ],
  ['a bridge of IPv4 alone', forwarding, { seen: { no_address: 1 } }, /^skipped: vmbr1 has no IPv6 address/],
  [
    'a forward to a guest that is silent',
    forward,
    { outside: { error: 'host unreachable' }, node: { addresses6, ip6tables: dnat('[fd00:10::20]:443') } },
    /^skipped: \[fd00:10::20\]:443 does not answer the node either/,
  ],
  ['no forward', forward, { node: { addresses6 } }, /^failed: .*no DNAT rule leads port 8443 anywhere/],
  [
    'a forward to another guest',
    forward,
    { node: { addresses6, ip6tables: dnat('[fd00:10::21]:443') } },
    /^failed: .*wrong DNAT: the rule leads to fd00:10::21:443/,
  ],
  [
    'a forward to another port, for the rule has none',
    forward,
    { node: { addresses6, ip6tables: dnat('fd00:10::20') } },
    /^failed: .*wrong DNAT: the rule leads to fd00:10::20 /,
  ],
  [
    'a forward behind a firewall',
    forward,
    {
      outside: { error: 'no answer' },
      node: { addresses6, ip6tables: dnat('[fd00:10:0::20]:443', DROP), facts: guestAnswers },
    },
    /^failed: .*ip6tables: policy of FORWARD is drop/,
  ],
  [
    'a forward of an address that the node does not have',
    forward,
    {
      outside: { error: 'no answer' },
      node: { addresses6: { vmbr1: 'fd00:10::1/64' }, ip6tables: dnat('[fd00:10::20]:443'), facts: guestAnswers },
    },
    /^failed: .*no interface of the node has 2001:db8::2/,
  ],
  [
    'this machine has no IPv6',
    forward,
    {
      outside: { error: 'network unreachable' },
      node: { addresses6, ip6tables: dnat('[fd00:10::20]:443'), facts: guestAnswers },
    },
    /^skipped: network unreachable.*has this machine a way out by IPv6/,
  ],
  [
    'which address outsiders use is not known',
    unaddressed as Check,
    {
      outside: { no_uplink6: 1 },
      node: { addresses6, ip6tables: dnat('[fd00:10::20]:443'), defaultRoute: route('fe80::1') },
    },
    /^skipped: the rule is there; .*`address`/,
  ],
  ['a seat on a network that is not there', nat, { seen: { no_address: 1 } }, /^failed: .* has no IPv6 address of its/],
]

const shut: Check = { kind: 'closed', port: 22, from: { interface: 'vmbr1' } }
const listeners = 'tcp LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=3,fd=1))'
const silence = { silence: 1, target: 'fe80::1' }

const CLOSED: typeof CASES = [
  ['closed at each address', shut, { seen: { error: 'Connection refused', link: silence } }, /^passed: connection ref/],
  [
    'no address at all',
    shut,
    { seen: { no_address: 1, link: { no_address: 1 } } },
    /^passed: the node has no address on/,
  ],
  ['IPv6 alone, closed', shut, { seen: { no_address: 1, link: silence } }, /^passed: no answer/],
  [
    'open by the link-local address of a bridge that has no other',
    shut,
    { seen: { no_address: 1, link: { open: 1, target: 'fe80::1' } }, node: { listeners } },
    /^failed: it answers at fe80::1; sshd listens at all addresses.*; `link_local: false`/,
  ],
  [
    'a firewall of IPv4 only',
    shut,
    { seen: { silence: 1, link: { open: 1, target: 'fe80::1' } }, node: { listeners } },
    /^failed: it answers at fe80::1; .*refuse port 22 of IPv6 too/,
  ],
  ['one of the two was not seen', shut, { seen: { silence: 1, link: {} } }, /^skipped: nothing was seen/],
]

for (const [name, check, given, wanted] of [...CASES, ...CLOSED]) {
  test(name, () => {
    const { status, saw, cause, hint } = proverOf(check).judge(check, evidence(given))
    assert.match([`${status}: ${saw}`, cause, hint].filter(Boolean).join('; '), wanted)
  })
}

test('the seat of a network of IPv6 asks for its own target', () => {
  const { host } = evidence({ settings: { nat_target: '192.0.2.1', nat_target6: '[2001:db8::5]:443' } })
  assert.is(proverOf(nat).title(nat, host), 'guests of fd00:10::/64 reach [2001:db8::5]:443 by vmbr0')
  assert.equal(proverOf(nat).probe?.(nat, host), { kind: 'nat', seat: nat.seat, target: '[2001:db8::5]:443' })
  const hairpin: Check = { ...(unaddressed as typeof forward), from: seat }
  assert.equal(proverOf(hairpin).probe?.(hairpin, host), { kind: 'tcp', seat, host: 'uplink6', port: 8443 })
})

test.run()
