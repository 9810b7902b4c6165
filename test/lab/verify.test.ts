/** Breaks a working node, one thing at a time, and asks `verify` what is wrong. Nothing of it may stay on the node. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { VerifyReport } from '../../src/cli/run-verify.ts'
import type { RunEvent } from '../../src/engine/events.ts'
import type { CheckReport } from '../../src/verify/report.ts'
import { assertSame, labUp, pvectl, ROOT, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'

/** Each has a fault of its own at a time; else they are the same. */
const NODES = ['node1', 'node2', 'node3', 'node4'] as const

const test = suite('verify on a lab node')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-verify-'))
const playbook = join(dir, 'site.yml')
let lab: TestLab

/** Answers as a guest may: a web server with a WebSocket, something that greets as sshd does, and a name server. */
const GUEST = String.raw`use strict; use IO::Socket::INET; use IO::Select;
my ($web, $ssh) = map { IO::Socket::INET->new(LocalPort => $_, Listen => 50, ReuseAddr => 1) or die "$_: $!" } 8080, 22;
my $dns = IO::Socket::INET->new(LocalPort => 53, Proto => 'udp') or die;
my $all = IO::Select->new($web, $ssh, $dns);
while (1) { for my $s ($all->can_read) {
  if ($s == $dns) { $s->recv(my $q, 512); my ($id) = unpack 'n', $q; my $name = substr $q, 12; my $end = index($name, "\0") + 5;
    $s->send(pack('n6', $id, 0x8180, 1, 1, 0, 0) . substr($name, 0, $end) . pack('n3 N n C4', 0xc00c, 1, 1, 0, 4, 192, 0, 2, 7)); next }
  my $c = $s->accept or next;
  if ($s == $ssh) { print $c "SSH-2.0-guest\r\n"; close $c; next }
  my $up = 0; my $first = <$c> // ''; while (<$c>) { last if /^\r?\n/; $up = 1 if /^Upgrade: websocket/i }
  print $c $up && $first =~ m{ /ws } ? "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  close $c } }`

const GUEST_SETUP = `ip netns add guest
ip link add tap100i0 type veth peer name eth0 netns guest
ip link set tap100i0 master vmbr1 up
ip -n guest link set lo up; ip -n guest link set eth0 up
ip -n guest address add 10.10.10.20/24 dev eth0; ip -n guest route add default via 10.10.10.1
cat > /run/guest.pl <<'END'
${GUEST}
END
systemd-run -q --unit=guest ip netns exec guest perl /run/guest.pl`

const tls = { self_signed: true }
const TASKS = [
  { bridge: { name: 'vmbr1', address: '10.10.10.1/24', address6: 'fd00:10:10::1/64' } },
  { ip_forwarding: { ipv4: true, interfaces: ['vmbr0', 'vmbr1'] } },
  { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } },
  {
    dnsmasq: {
      interface: 'vmbr1',
      subnet: '10.10.10.1/24',
      domain: 'lab.internal',
      ranges: [{ start: '10.10.10.100', end: '10.10.10.199' }],
      reservations: [{ mac: 'bc:24:11:00:00:14', ip: '10.10.10.20', name: 'web' }],
      upstream: ['10.10.10.20'],
      ipv6_ra: true,
      // Else it pings each address for three seconds before it offers it.
      extra: ['no-ping'],
    },
  },
  { port_forward: { port: 8443, to: '10.10.10.20:8080' }, tags: ['out'] },
  // Nothing answers there; what counts is that it gets to the guest.
  { port_forward: { port: 5514, to: '10.10.10.20:514', protocol: 'udp' }, tags: ['out'] },
  { nginx_vhost: { reject_unknown: true, package: 'nginx-light' }, tags: ['web'] },
  {
    nginx_vhost: {
      server_names: ['git.example.org'],
      upstream: { servers: ['10.10.10.20:8080'] },
      tls,
      package: 'nginx-light',
    },
    tags: ['web'],
  },
]

test.before(() => {
  lab = labUp('verify', NODES.length, dir)
  const inventory = parse(readFileSync(lab.inventory, 'utf8'))
  const { hosts } = inventory.all.children.pve
  for (const node of NODES)
    hosts[node].vars.verify = {
      outside_name: 'outside.example.org',
      websocket_paths: { 'git.example.org': '/ws' },
      closed_ports: [8006],
      closed_to_guests: [3128],
    }
  writeFileSync(lab.inventory, JSON.stringify(inventory))
  const jump = { jump_user: { keys: hosts.node1.vars.jump_keys, permit_open: ['10.10.10.20'] }, tags: ['jump'] }
  const tasks = [...TASKS, jump].map((task) => ({ tags: ['net'], ...task }))
  writeFileSync(playbook, JSON.stringify([{ name: 'site', hosts: 'all', tasks }]))
  const { code, stdout, stderr } = pvectl(['apply', playbook, '-i', lab.inventory, '--yes'])
  assert.is(code, 0, stdout + stderr)
  for (const node of NODES) lab.ssh(node, GUEST_SETUP)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})
function verify(...flags: string[]): VerifyReport {
  const { code, stdout, stderr } = pvectl(['verify', playbook, '-i', lab.inventory, '--json', ...flags])
  assert.ok(stdout.includes('"exitCode"'), stdout + stderr)
  const report = JSON.parse(stdout) as VerifyReport
  assert.is(code, report.exitCode)
  return report
}

const checksOf = ({ hosts }: VerifyReport, node?: string): readonly CheckReport[] =>
  hosts.flatMap(({ host, checks }) => (node === undefined || host === node ? checks : []))
const lines = (checks: readonly CheckReport[]) =>
  checks.map((check) => `${check.status} ${check.kind}: ${check.saw}; ${check.cause}`).join('\n')

/** The node without the counters of its rules, which every packet turns. */
const snapshot = (node = 'node1') => lab.ssh(node, SNAPSHOT).replace(/packets \d+ bytes \d+/g, '')

/** All that was not skipped passed. */
function assertPasses(report: VerifyReport): void {
  assert.equal(
    checksOf(report).filter(({ status }) => status === 'failed'),
    [],
    lines(checksOf(report)),
  )
  assert.is(report.exitCode, 0)
}

test('all that the playbook describes is proven; the node is as it was', () => {
  const before = snapshot()
  const report = verify()
  assertPasses(report)
  assertSame(before, snapshot())
  const skipped = checksOf(report).filter(({ status }) => status === 'skipped')
  assert.equal(
    skipped.map(({ kind, saw }) => `${kind}: ${saw}`),
    NODES.map(() => 'forwarding: vmbr0 is the uplink, whose guests have a router of their own'),
  )
  const kinds = new Set(checksOf(report).flatMap(({ kind, status }) => (status === 'passed' ? [kind] : [])))
  assert.equal([...kinds].sort(), [
    ...['certificate', 'closed', 'dhcp_offer', 'dhcp_reservation', 'dns_name', 'dns_outside', 'forward', 'forwarding'],
    ...['ipv6_ra', 'jump', 'mtu', 'nat', 'proxy', 'redirect', 'unknown_name', 'websocket'],
  ])
  assert.is(
    lab.ssh('node1', 'cat /var/lib/misc/dnsmasq.leases 2>/dev/null | grep -v duid || :'),
    '',
    'no lease is left',
  )
})

interface Fault {
  readonly name: string
  readonly tag: 'net' | 'web' | 'jump' | 'out'
  readonly breaks: string
  readonly mends: string
  /** Kinds that must fail, no others, and what the first of them names as the cause. */
  readonly fails: readonly string[]
  readonly cause: RegExp
}

const SITE = '/etc/nginx/sites-available/pvectl-git.example.org.conf'
const CRT = '/etc/nginx/pvectl/git.example.org'

const JUMP = '/etc/ssh/sshd_config.d/60-pvectl-jump.conf'
const DNSMASQ = '/etc/dnsmasq.d/pvectl-vmbr1.conf'

const ALL_OF_DNSMASQ = ['dhcp_offer', 'dhcp_reservation', 'dns_name', 'dns_outside', 'ipv6_ra']

const FAULTS: readonly Fault[] = [
  {
    name: 'dnsmasq stopped',
    tag: 'net',
    breaks: 'systemctl stop dnsmasq',
    mends: 'systemctl start dnsmasq',
    fails: ALL_OF_DNSMASQ,
    cause: /dnsmasq\.service is not running/,
  },
  {
    name: 'dnsmasq masked',
    tag: 'net',
    breaks: 'systemctl stop dnsmasq; systemctl mask --runtime dnsmasq',
    mends: 'systemctl unmask --runtime dnsmasq; systemctl start dnsmasq',
    fails: ALL_OF_DNSMASQ,
    cause: /dnsmasq\.service is masked/,
  },
  {
    name: 'dnsmasq with a broken configuration',
    tag: 'net',
    breaks: 'echo nonsense-word > /etc/dnsmasq.d/zz.conf; systemctl restart dnsmasq || :',
    mends: 'rm /etc/dnsmasq.d/zz.conf; systemctl reset-failed dnsmasq; systemctl start dnsmasq',
    fails: ALL_OF_DNSMASQ,
    cause: /dnsmasq\.service failed: bad option at line 1 of \/etc\/dnsmasq\.d\/zz\.conf/,
  },
  {
    name: 'a firewall before port 67',
    tag: 'net',
    breaks: 'iptables -I INPUT -i vmbr1 -p udp --dport 67 -j DROP',
    mends: 'iptables -D INPUT -i vmbr1 -p udp --dport 67 -j DROP',
    fails: ['dhcp_offer', 'dhcp_reservation'],
    cause: /udp port 67 is not let in on vmbr1 \(iptables: -A INPUT -i vmbr1 -p udp .*--dport 67 -j DROP\)/,
  },
  {
    name: 'a firewall of nftables before port 53',
    tag: 'net',
    breaks: `nft 'add table inet strict; add chain inet strict in { type filter hook input priority 0; policy accept; }; add rule inet strict in iifname "vmbr1" meta l4proto { tcp, udp } th dport 53 drop'`,
    mends: 'nft delete table inet strict',
    fails: ['dns_name', 'dns_outside'],
    cause: /udp port 53 is not let in on vmbr1 \(nftables inet strict: .*drop\)/,
  },
  {
    name: 'DNS over TCP shut',
    tag: 'net',
    breaks: 'iptables -I INPUT -i vmbr1 -p tcp --dport 53 -j REJECT',
    mends: 'iptables -D INPUT -i vmbr1 -p tcp --dport 53 -j REJECT',
    fails: ['dns_name'],
    cause: /tcp port 53 is not let in/,
  },
  {
    name: 'another address for a name',
    tag: 'net',
    breaks: `sed -i.old 's/^host-record=web.*/host-record=web.lab.internal,10.10.10.99/' /etc/dnsmasq.d/pvectl-vmbr1.conf; mv /etc/dnsmasq.d/pvectl-vmbr1.conf.old /root/; systemctl restart dnsmasq`,
    mends: 'mv /root/pvectl-vmbr1.conf.old /etc/dnsmasq.d/pvectl-vmbr1.conf; systemctl restart dnsmasq',
    fails: ['dns_name'],
    cause: /the configuration of dnsmasq says something else/,
  },
  {
    name: 'name servers that do not answer',
    tag: 'net',
    breaks: 'ip netns exec guest iptables -I INPUT -p udp --dport 53 -j DROP',
    mends: 'ip netns exec guest iptables -D INPUT -p udp --dport 53 -j DROP',
    fails: ['dns_outside'],
    cause: /the node itself cannot resolve outside\.example\.org/,
  },
  {
    name: 'forwarding off',
    tag: 'net',
    breaks: 'sysctl -qw net.ipv4.ip_forward=0',
    mends: 'sysctl -qw net.ipv4.ip_forward=1',
    fails: ['forwarding', 'nat'],
    cause: /IPv4 forwarding is off/,
  },
  {
    name: 'forwarding off for the bridge alone',
    tag: 'net',
    breaks: 'sysctl -qw net.ipv4.conf.vmbr1.forwarding=0',
    mends: 'sysctl -qw net.ipv4.conf.vmbr1.forwarding=1',
    fails: ['forwarding', 'nat'],
    cause: /conf\/vmbr1\/forwarding = 0/,
  },
  {
    name: 'a bridge with a small MTU',
    tag: 'net',
    breaks: 'ip link set vmbr1 mtu 1400',
    mends: 'ip link set vmbr1 mtu 1500; ip link set tap100i0 mtu 1500',
    fails: ['mtu'],
    cause: /vmbr1 has an MTU of 1400/,
  },
  {
    name: 'no MASQUERADE rule',
    tag: 'net',
    breaks: 'iptables -t nat -D POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
    mends: 'iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
    fails: ['nat'],
    cause: /no NAT rule hides 10\.10\.10\.0\/24 behind vmbr0/,
  },
  {
    name: 'a FORWARD chain that drops',
    tag: 'net',
    breaks: 'iptables -P FORWARD DROP',
    mends: 'iptables -P FORWARD ACCEPT',
    fails: ['nat'],
    cause: /icmp is not passed on from vmbr1 \(iptables: policy of FORWARD is drop\)/,
  },
  {
    name: 'the bridge down',
    tag: 'net',
    breaks: 'ip link set vmbr1 down',
    mends:
      'ifdown vmbr1; ifup vmbr1; ip link set tap100i0 master vmbr1; systemctl restart dnsmasq; sysctl -qw net.ipv4.conf.vmbr1.forwarding=1',
    fails: [...ALL_OF_DNSMASQ, 'mtu', 'forwarding', 'nat'],
    cause: /vmbr1 is down/,
  },
  {
    name: 'a policy rule that takes answers to guests elsewhere',
    tag: 'net',
    breaks: 'ip rule add pref 10 to 10.10.10.0/24 blackhole',
    mends: 'ip rule del pref 10',
    fails: ['mtu', 'forwarding', 'nat', 'dns_name', 'dns_outside'],
    cause: /answers to guests of vmbr1 go nowhere \(ip route get 10\.10\.10\.\d+:/,
  },
  {
    name: 'a smaller network on the bridge',
    tag: 'net',
    breaks: 'ip address add 10.10.10.1/28 dev vmbr1; ip address del 10.10.10.1/24 dev vmbr1',
    mends:
      'ip address add 10.10.10.1/24 dev vmbr1; ip address del 10.10.10.1/28 dev vmbr1; systemctl restart dnsmasq; sleep 0.5',
    fails: ['mtu', 'forwarding', 'nat', 'dns_name', 'dns_outside'],
    cause: /vmbr1 has 10\.10\.10\.1\/28 in place of 10\.10\.10\.1\/24/,
  },
  {
    name: 'dnsmasq for another interface',
    tag: 'net',
    breaks: `cp ${DNSMASQ} /root/; sed -i s/^interface=vmbr1/interface=vmbr9/ ${DNSMASQ}; systemctl restart dnsmasq`,
    mends: `mv /root/${basename(DNSMASQ)} ${DNSMASQ}; systemctl restart dnsmasq; sleep 0.5`,
    fails: ALL_OF_DNSMASQ,
    cause: /pvectl-vmbr1\.conf is for vmbr9, not for vmbr1/,
  },
  {
    name: 'a second router on the bridge',
    tag: 'net',
    breaks: `ip -n guest address add fd66::1/64 dev eth0 nodad
printf '%s\\n' port=0 interface=eth0 bind-interfaces enable-ra dhcp-range=fd66::,ra-only,64 pid-file=/run/second.pid leasefile-ro > /run/second.conf
ip netns exec guest dnsmasq -C /run/second.conf; sleep 0.5`,
    mends: 'kill $(cat /run/second.pid); ip -n guest address del fd66::1/64 dev eth0',
    fails: ['ipv6_ra'],
    cause: /another router announces itself on vmbr1: fe80:/,
  },
  {
    name: 'a firewall before the answers of the node',
    tag: 'net',
    breaks: 'iptables -A OUTPUT -o vmbr0 -j ACCEPT; iptables -P OUTPUT DROP',
    mends: 'iptables -P OUTPUT ACCEPT; iptables -F OUTPUT',
    fails: ['forwarding', 'dhcp_offer', 'dhcp_reservation', 'dns_name', 'dns_outside'],
    cause: /answers of the node do not leave by vmbr1 .*\(iptables: policy of OUTPUT is drop\)/,
  },
  {
    // Guests wait as long, and then all works.
    name: 'a bridge whose ports learn before they pass anything on',
    tag: 'net',
    breaks: 'ip link set vmbr1 type bridge forward_delay 600 stp_state 1',
    mends: 'ip link set vmbr1 type bridge stp_state 0 forward_delay 200',
    fails: [],
    cause: /no cause/,
  },
  {
    name: 'wrong DNAT',
    tag: 'out',
    breaks: `iptables-save -t nat | sed 's/10.10.10.20:8080/10.10.10.21:8080/' | iptables-restore`,
    mends: `iptables-save -t nat | sed 's/10.10.10.21:8080/10.10.10.20:8080/' | iptables-restore`,
    fails: ['forward'],
    cause: /wrong DNAT: the rule leads to 10\.10\.10\.21:8080/,
  },
  {
    name: 'a firewall before the guest, of UDP alone',
    tag: 'out',
    breaks: 'iptables -I FORWARD -p udp --dport 514 -j DROP',
    mends: 'iptables -D FORWARD -p udp --dport 514 -j DROP',
    fails: ['forward'],
    cause: /udp port 514 is not passed on from vmbr\d \(iptables: .*-j DROP\)/,
  },
  {
    name: 'expired certificate',
    tag: 'web',
    breaks: `cp -p ${CRT}.crt ${CRT}.key /root/; mkdir -p /root/ca; cd /root/ca; : > index; echo 01 > serial
printf '%s\\n' '[ca]' 'default_ca=c' '[c]' database=index serial=serial new_certs_dir=. default_md=sha256 policy=p x509_extensions=e '[p]' commonName=supplied '[e]' subjectAltName=DNS:git.example.org > conf
openssl req -new -key ${CRT}.key -subj /CN=git.example.org -out csr
openssl ca -batch -notext -config conf -selfsign -keyfile ${CRT}.key -in csr -out ${CRT}.crt -startdate 20260101000000Z -enddate 20260201000000Z 2>/dev/null
systemctl reload nginx; sleep 0.3`,
    mends: `mv /root/git.example.org.* /etc/nginx/pvectl/; systemctl reload nginx; sleep 0.3`,
    fails: ['certificate'],
    cause: /git\.example\.org\.crt expired \d+ days ago/,
  },
  {
    name: 'a certificate that names its site in the subject alone',
    tag: 'web',
    breaks: `cp -p ${CRT}.crt ${CRT}.key /root/
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=git.example.org -keyout ${CRT}.key -out ${CRT}.crt -days 30 2>/dev/null
systemctl reload nginx; sleep 0.3`,
    mends: `mv /root/git.example.org.* /etc/nginx/pvectl/; systemctl reload nginx; sleep 0.3`,
    fails: ['certificate'],
    cause: /git\.example\.org\.crt is for other names, or for none/,
  },
  {
    name: 'a renewed certificate that nginx has not read',
    tag: 'web',
    breaks: `cp -p ${CRT}.crt /root/
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=git.example.org -addext subjectAltName=DNS:git.example.org -keyout /dev/null -out ${CRT}.crt -days 30 2>/dev/null`,
    mends: `mv /root/git.example.org.crt ${CRT}.crt`,
    fails: ['certificate'],
    cause: /nginx has not read/,
  },
  {
    name: 'wrong upstream, dead',
    tag: 'web',
    breaks: `sed -i 's/10.10.10.20:8080/10.10.10.20:8081/' ${SITE}; systemctl reload nginx; sleep 0.3`,
    mends: `sed -i 's/10.10.10.20:8081/10.10.10.20:8080/' ${SITE}; systemctl reload nginx; sleep 0.3`,
    fails: ['proxy'],
    cause: /wrong upstream: .* to 10\.10\.10\.20:8081 in place of 10\.10\.10\.20:8080/,
  },
  {
    name: 'the server behind gone',
    tag: 'web',
    breaks: 'systemctl kill -s STOP guest; ip netns exec guest iptables -I INPUT -p tcp --dport 8080 -j REJECT',
    mends: 'ip netns exec guest iptables -F INPUT; systemctl kill -s CONT guest',
    fails: ['proxy'],
    cause: /the server behind does not answer the node \(10\.10\.10\.20:8080: connection refused\)/,
  },
  {
    name: 'WebSockets not passed on',
    tag: 'web',
    breaks: `sed -i.old '/Upgrade/d' ${SITE}; mv ${SITE}.old /root/site; systemctl reload nginx; sleep 0.3`,
    mends: `cp /root/site ${SITE}; systemctl reload nginx; sleep 0.3`,
    fails: ['websocket'],
    cause: /the site does not pass the upgrade on/,
  },
  {
    name: 'nginx stopped',
    tag: 'web',
    breaks: 'systemctl stop nginx',
    mends: 'systemctl start nginx',
    fails: ['certificate', 'proxy', 'redirect', 'unknown_name'],
    cause: /nginx\.service is not running/,
  },
  {
    name: 'a firewall before port 443',
    tag: 'web',
    breaks: 'iptables -I INPUT -i vmbr0 -p tcp --dport 443 -j REJECT',
    mends: 'iptables -D INPUT -i vmbr0 -p tcp --dport 443 -j REJECT',
    fails: ['certificate', 'proxy', 'unknown_name'],
    cause: /tcp port 443 is not let in on vmbr0/,
  },
  {
    name: 'a jump account without limits',
    tag: 'jump',
    breaks: `mv /etc/ssh/sshd_config.d/60-pvectl-jump.conf /root/; cp /etc/ssh/pvectl-authorized-keys/jump /root/keys
install -d -m 0755 /home/jump/.ssh ~jump/.ssh 2>/dev/null; cp /root/keys ~jump/.ssh/authorized_keys; chown -R jump ~jump/.ssh; chmod 755 ~jump; systemctl reload ssh; sleep 0.5`,
    mends: 'mv /root/60-pvectl-jump.conf /etc/ssh/sshd_config.d/; rm -rf ~jump/.ssh; systemctl reload ssh; sleep 0.5',
    fails: ['jump'],
    cause: /60-pvectl-jump\.conf is missing/,
  },
  {
    name: 'a jump account that may reach one guest more',
    tag: 'jump',
    breaks: `cp ${JUMP} /root/; sed -i 's/PermitOpen.*/& 10.10.10.21:22/' ${JUMP}; systemctl reload ssh; sleep 0.5`,
    mends: `mv /root/${basename(JUMP)} ${JUMP}; systemctl reload ssh; sleep 0.5`,
    fails: ['jump'],
    cause: /sshd permits 10\.10\.10\.21:22 as well/,
  },
]

/** Runs something while nodes are broken, each in its own way; they are mended whatever comes of that. */
function whileBroken<T>(faults: readonly Pick<Fault, 'breaks' | 'mends'>[], work: () => T): T {
  const broken: (() => void)[] = []
  try {
    faults.forEach(({ breaks, mends }, i) => {
      const node = NODES[i] ?? 'node1'
      broken.push(() => lab.ssh(node, mends))
      lab.ssh(node, breaks)
    })
    return work()
  } finally {
    for (const mend of broken) mend()
  }
}

/** What went wrong with a node that has this fault, and nothing else. */
function assertNamed({ name, fails, cause }: Fault, checks: readonly CheckReport[]): void {
  const failed = checks.filter(({ status }) => status === 'failed')
  const kinds = [...new Set(failed.map(({ kind }) => kind as string))].sort()
  assert.equal(kinds, [...fails].sort(), `${name}\n${lines(checks)}`)
  assert.match(failed.find(({ kind }) => kind === fails[0])?.cause ?? 'no cause', cause)
}

/** As many faults at once as there are nodes, of those that need the same checks. */
const BATCHES = (['net', 'web', 'jump'] as const).flatMap((tag) => {
  const alike = FAULTS.filter((fault) => fault.tag === tag || (tag === 'jump' && fault.tag === 'out'))
  return Array.from({ length: Math.ceil(alike.length / NODES.length) }, (_, i) =>
    alike.slice(i * NODES.length, (i + 1) * NODES.length),
  )
})

for (const faults of BATCHES) {
  test(`${faults.map(({ name }) => name).join('; ')}: each named, and nothing else`, () => {
    const tags = [...new Set(faults.map(({ tag }) => tag))].flatMap((tag) => ['--tags', tag])
    const nodes = NODES.slice(0, faults.length)
    const report = whileBroken(faults, () => verify(...tags, '--limit', nodes.join()))
    for (const [i, fault] of faults.entries()) assertNamed(fault, checksOf(report, nodes[i]))
    assert.is(report.exitCode, faults.some(({ fails }) => fails.length > 0) ? 5 : 0)
  })
}

test('apply --verify: as described, and yet it does not work, so the node failed', () => {
  const args = [
    'apply',
    playbook,
    '-i',
    lab.inventory,
    '--yes',
    '--verify',
    '--tags',
    'net',
    '--limit',
    'node1',
    '--json',
  ]
  const { code, stdout } = whileBroken(
    [{ breaks: 'iptables -P FORWARD DROP', mends: 'iptables -P FORWARD ACCEPT' }],
    () => pvectl(args),
  )
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent)
  const end = events.find((event) => event.event === 'host:finished')
  assert.is(code, 5, stdout)
  assert.is(end?.event === 'host:finished' && end.status, 'failed')
  assert.match(JSON.stringify(end), /CHECK_FAILED.*policy of FORWARD is drop/)
  assert.is(pvectl(args).code, 0)
})

test('all mended, all passes', () => assertPasses(verify()))

/** Waits until the probe has plugged its cable in. */
const UNDER_WAY = 'for i in $(seq 100); do sleep 0.1; ip -br link | grep -q ^pvv && echo yes && break; done'

const KILLS = ['pkill -9 -o -f "perl - pvectl"', 'pkill -9 -n -f "perl - pvectl"', 'pkill -9 -f "perl - pvectl"', '']

/** Ends a probe that is under way; without a command, by the end of pvectl itself. Nothing may be left. */
async function killedAt(node: string, kill: string): Promise<void> {
  const before = snapshot(node)
  const links = 'ip -br link | cut -d" " -f1; bridge link | wc -l; ls /run/netns; pgrep -c perl'
  const was = lab.ssh(node, links)
  // The probe waits for a server that does not answer, so there is time for a kill.
  lab.ssh(node, 'systemctl stop dnsmasq')
  const args = ['verify', playbook, '-i', lab.inventory, '--tags', 'net', '--limit', node]
  const child = spawn('node', [join(ROOT, 'bin/pvectl.js'), ...args], { stdio: 'ignore' })
  await sleep(100)
  assert.is(lab.ssh(node, UNDER_WAY).trim(), 'yes', 'the probe is under way')
  if (kill === '') child.kill('SIGKILL')
  else lab.ssh(node, kill)
  // Of a killed watcher nobody takes notice: the probe ends by itself, and then pvectl does.
  let now = ''
  for (let waited = 0; waited < 20 && now !== was; waited++) {
    await sleep(500)
    now = lab.ssh(node, links)
  }
  child.kill('SIGKILL')
  assert.is(now, was, `after: ${kill || 'the end of pvectl itself'}`)
  await sleep(500)
  lab.ssh(node, 'systemctl start dnsmasq; sleep 1')
  assertSame(before, snapshot(node))
}

test('killed at any moment, nothing stays on the node', async () => {
  await Promise.all(KILLS.map((kill, i) => killedAt(NODES[i] ?? 'node1', kill)))
})

test.run()
