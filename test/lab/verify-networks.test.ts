/** What `verify` sees of IPv6 and of networks that are kept apart, on a node that is broken in two ways at a time. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { VerifyReport } from '../../src/cli/run-verify.ts'
import type { CheckReport } from '../../src/verify/report.ts'
import { assertSame, labUp, pvectl, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'

const test = suite('verify of IPv6 and of networks kept apart')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-verify-networks-'))
const playbook = join(dir, 'site.yml')
let lab: TestLab

const TASKS = [
  { bridge: { name: 'vmbr1', address: '10.10.10.1/24', address6: 'fd00:10:10::1/64' } },
  { ip_forwarding: { ipv6: true, interfaces: ['vmbr0', 'vmbr1'] } },
  { masquerade: { source: 'fd00:10:10::/64', out: 'vmbr0' } },
  { port_forward: { port: 8443, to: '[fd00:10:10::20]:443', address: '2001:db8:41::2' } },
  {
    partition: {
      networks: [
        { name: 'web', address: '10.20.1.1/24', nat: false, dhcp: false },
        { name: 'db', address: '10.20.2.1/24', nat: false, dhcp: false },
      ],
      allow: ['web -> db:5432', 'web -> db:udp/514'],
    },
  },
]

/** An IPv6 router on the uplink, and a guest that listens at port 443. */
const WORLD = `ip netns add isp
ip link add isp type veth peer name eth0 netns isp
ip link set isp master vmbr0 up
ip -n isp link set lo up; ip -n isp link set eth0 up
ip -n isp address add 2001:db8:41::1/64 dev eth0 nodad
ip address add 2001:db8:41::2/64 dev vmbr0 nodad
ip -6 route add default via 2001:db8:41::1
ip netns add guest
ip link add tap100i0 type veth peer name eth0 netns guest
ip link set tap100i0 master vmbr1 up
ip -n guest link set lo up; ip -n guest link set eth0 up
ip -n guest address add fd00:10:10::20/64 dev eth0 nodad
ip -n guest route add default via fd00:10:10::1
cat > /run/listen.pl <<'END'
use strict; use Socket;
socket(my $s, AF_INET6, SOCK_STREAM, 6) or die; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1; setsockopt $s, 41, 26, 1;
bind $s, Socket::pack_sockaddr_in6(shift, Socket::inet_pton(AF_INET6, '::')) or die; listen $s, 9;
while (accept my $c, $s) { close $c }
END
systemd-run -q --unit=guest ip netns exec guest perl /run/listen.pl 443
for i in $(seq 50); do ip netns exec guest ss -Hltn | grep -q :443 && break; sleep 0.1; done`

test.before(() => {
  lab = labUp('verify-networks', 1, dir)
  const inventory = parse(readFileSync(lab.inventory, 'utf8'))
  inventory.all.children.pve.hosts.node1.vars.verify = { closed_to_guests: [3128] }
  writeFileSync(lab.inventory, JSON.stringify(inventory))
  writeFileSync(playbook, JSON.stringify([{ name: 'site', hosts: 'all', tasks: TASKS }]))
  const { code, stdout, stderr } = pvectl(['apply', playbook, '-i', lab.inventory, '--yes'])
  assert.is(code, 0, stdout + stderr)
  lab.ssh('node1', WORLD)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** All checks but the one that would need a way of IPv6 from this machine to the node. */
function verify(): readonly CheckReport[] {
  const { stdout, stderr } = pvectl(['verify', playbook, '-i', lab.inventory, '--json'])
  assert.ok(stdout.includes('"exitCode"'), stdout + stderr)
  const checks = (JSON.parse(stdout) as VerifyReport).hosts.flatMap((host) => host.checks)
  return checks.filter(({ kind, title }) => kind !== 'forward' || title.endsWith('also for guests'))
}

const lines = (checks: readonly CheckReport[]) =>
  checks.map((check) => `${check.status} ${check.title}: ${check.saw}; ${check.cause}`).join('\n')

/** Without counters, and without what a bridge says whose last guest left. */
const snapshot = () => lab.ssh('node1', SNAPSHOT).replace(/packets \d+ bytes \d+| linkdown(?= )/g, '')

function assertAllPass(): void {
  const checks = verify()
  const seen = checks.map(({ kind, status }) => `${kind} ${status}`)
  const six = checks.filter(({ title }) => title.includes('IPv6')).map(({ kind, status }) => `${kind} ${status}`)
  assert.equal(
    [...new Set(seen)].sort(),
    ['between', 'closed', 'forward', 'forwarding', 'mtu', 'nat']
      .map((k) => `${k} passed`)
      .concat('forwarding skipped')
      .sort(),
    lines(checks),
  )
  assert.equal(six, ['forwarding skipped', 'forwarding passed', 'nat passed'], lines(checks))
}

test('all passes, and nothing of it stays', () => {
  const before = snapshot()
  assertAllPass()
  assertSame(before, snapshot())
})

interface Fault {
  readonly name: string
  readonly breaks: string
  readonly mends: string
  /** Titles that must fail, no others, each with its cause. */
  readonly fails: readonly (readonly [RegExp, RegExp])[]
}

const WEB = /^guests of web reach db:5432, and nothing else in db$/
const DB = /^guests of db reach nothing in web$/
const NAT66 = /^guests of fd00:10:10::\/64 reach the IPv6 gateway by vmbr0$/
const ROUTING6 = /^the node routes IPv6 for guests of vmbr1$/
const FORWARD6 = /^tcp port 8443 of 2001:db8:41::2 leads to .* also for guests$/
const SHUT = ['vmbr1', 'web', 'db'].map((name) => new RegExp(`^port 3128 is closed to guests of ${name}$`))

const RELOAD = 'nft -f /etc/pvectl/pvectl-partition.nft'
const RULE = '-s fd00:10:10::/64 -o vmbr0 -j MASQUERADE'
const without = (rule: string) =>
  `nft delete rule inet pvectl-partition forward handle $(nft -a list table inet pvectl-partition | sed -n 's/.*${rule}.* # handle //p')`

const FAULTS: readonly Fault[] = [
  {
    name: 'the table of the partition deleted; no NAT66',
    breaks: `nft delete table inet pvectl-partition; ip6tables -t nat -D POSTROUTING ${RULE}`,
    mends: `${RELOAD}; ip6tables -t nat -A POSTROUTING ${RULE}`,
    fails: [
      [WEB, /the table inet pvectl-partition of nftables is gone/],
      [DB, /the table inet pvectl-partition of nftables is gone/],
      [NAT66, /no NAT rule hides fd00:10:10::\/64 behind vmbr0/],
    ],
  },
  {
    name: 'the rule that drops what web sends taken out; IPv6 forwarding off',
    breaks: `${without('iifname "web".*drop')}; sysctl -qw net.ipv6.conf.all.forwarding=0`,
    mends: `${RELOAD}; sysctl -qw net.ipv6.conf.all.forwarding=1; ip -6 route replace default via 2001:db8:41::1`,
    fails: [
      [WEB, /no rule of inet pvectl-partition drops what goes from web to db/],
      [ROUTING6, /IPv6 forwarding is off/],
      [NAT66, /IPv6 forwarding is off/],
    ],
  },
  {
    name: 'the rule that lets web reach db taken out; a wrong DNAT of IPv6',
    breaks: `${without('tcp dport 5432 accept')}; ip6tables-save -t nat | sed 's/::20\\]:443/::21]:443/' | ip6tables-restore`,
    mends: `${RELOAD}; ip6tables-save -t nat | sed 's/::21\\]:443/::20]:443/' | ip6tables-restore`,
    fails: [
      [WEB, /no rule of inet pvectl-partition lets tcp port 5432 pass from web to db/],
      [FORWARD6, /wrong DNAT: the rule leads to fd00:10:10::21:443/],
    ],
  },
  {
    name: 'another policy and no rules; a proxy that listens at the link-local address',
    breaks: `nft 'flush chain inet pvectl-partition forward; chain inet pvectl-partition forward { policy drop; }'
systemd-run -q --unit=proxy perl /run/listen.pl 3128; for i in $(seq 50); do ss -Hltn | grep -q :3128 && break; sleep 0.1; done`,
    mends: `systemctl stop proxy; nft delete table inet pvectl-partition; ${RELOAD}`,
    fails: [
      [WEB, /lets tcp port 5432 pass from web to db \(policy of forward\)/],
      [NAT66, /nftables inet pvectl-partition: policy of forward is drop/],
      [FORWARD6, /nftables inet pvectl-partition: policy of forward is drop/],
      ...SHUT.map((title) => [title, /^perl listens at all addresses, and the link-local one/] as const),
    ],
  },
]

for (const { name, breaks, mends, fails } of FAULTS) {
  test(`${name}: named, and nothing else`, () => {
    lab.ssh('node1', breaks)
    let checks: readonly CheckReport[] = []
    try {
      checks = verify()
    } finally {
      lab.ssh('node1', mends)
    }
    const failed = checks.filter(({ status }) => status === 'failed')
    for (const [title, cause] of fails) {
      const found = failed.find((check) => title.test(check.title))
      assert.match(found?.cause ?? `passed: ${title}\n${lines(checks)}`, cause)
    }
    assert.is(failed.length, fails.length, lines(failed))
  })
}

test('all mended, all passes', assertAllPass)

test.run()
