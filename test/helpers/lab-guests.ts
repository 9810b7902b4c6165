/** Stand-ins for guests on lab nodes: network namespaces plugged into a bridge, with something that answers. */
import { execFileSync, spawn } from 'node:child_process'
import { createConnection } from 'node:net'
import type { TestLab } from './pvectl.ts'

/** A namespace on a bridge. */
export interface Guest {
  readonly name: string
  readonly bridge: string
  /** Addresses with prefix. */
  readonly addresses: readonly string[]
  /** IPv4 gateway. */
  readonly gateway?: string
}

/** Answers each connection with its own port and where it comes from. */
const ANSWER = `use IO::Socket::IP; $SIG{CHLD} = "IGNORE"; alarm 600;
for my $p (@ARGV) { next if fork; alarm 600;
my $s = IO::Socket::IP->new(LocalHost => "::", LocalPort => $p, Listen => 5, ReuseAddr => 1, V6Only => 0) or die "$p $!";
while (my $c = $s->accept) { my $h = $c->peerhost; $h =~ s/^::ffff://; print $c "$p from $h\\n"; close $c } exit }`

const ASK = `use IO::Socket::IP;
my $c = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Timeout => 2) or do { print "no answer"; exit };
my $l = <$c>; chomp $l; print $l`

/** A router advertisement without a prefix: who sent it is a default router for half an hour (RFC 4861). */
const ADVERTISE = `use Socket qw(:all);
open my $f, "<", "/sys/class/net/$ARGV[0]/ifindex"; my $i = 0 + <$f>;
socket(my $s, AF_INET6, SOCK_RAW, 58) or die; setsockopt($s, 41, 18, pack("i", 255)) or die;
setsockopt($s, 41, 17, pack("i", $i)) or die;
send($s, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $i)) or die $!`

/** Asks for what stateless DHCPv6 tells (RFC 8415, Information-request), and prints name server and domain. */
const INFORMATION = `use Socket qw(:all); alarm 5;
open my $f, "<", "/sys/class/net/eth0/ifindex"; my $i = 0 + <$f>;
socket(my $s, AF_INET6, SOCK_DGRAM, 17) or die; bind($s, pack_sockaddr_in6(546, inet_pton(AF_INET6, "::"))) or die $!;
my $m = pack("C", 11) . "abc" . pack("nn", 1, 10) . pack("nn", 3, 1) . pack("C6", 2, 0, 0, 0, 0, 1) . pack("nnnn", 6, 4, 23, 24) . pack("nnn", 8, 2, 0);
send($s, $m, 0, pack_sockaddr_in6(547, inet_pton(AF_INET6, "ff02::1:2"), $i)) or die $!; recv($s, my $r, 2000, 0);
for ($r = substr($r, 4); length $r; ) { my ($t, $l) = unpack("nn", $r); my $v = substr($r, 4, $l); $r = substr($r, 4 + $l);
print "dns ", inet_ntop(AF_INET6, substr($v, 0, 16)), "\n" if $t == 23; print "domain ", join(".", unpack("C/a* C/a*", $v)), "\n" if $t == 24 }`

/** Plugs guests in; a second one of the same name takes its place. */
export function plugIn(lab: TestLab, node: string, guests: readonly Guest[]): void {
  const script = guests.flatMap(({ name, bridge, addresses, gateway }) => [
    `ip netns del ${name} 2>/dev/null; ip link del ${name} 2>/dev/null`,
    'set -e',
    `ip netns add ${name}`,
    `ip link add ${name} type veth peer name eth0 netns ${name}`,
    `ip link set ${name} master ${bridge} up`,
    `ip -n ${name} link set lo up`,
    `ip -n ${name} link set eth0 up`,
    ...addresses.map((address) => `ip -n ${name} addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`),
    ...(gateway === undefined ? [] : [`ip -n ${name} route add default via ${gateway}`]),
    'set +e',
  ])
  lab.ssh(node, script.join('\n'))
}

/** Lets a guest answer on TCP ports, for ten minutes. */
export function answer(lab: TestLab, node: string, guest: string, ports: readonly number[]): void {
  lab.ssh(
    node,
    `nohup ip netns exec ${guest} perl -e '${ANSWER}' ${ports.join(' ')} >/dev/null 2>&1 &
for p in ${ports.join(' ')}; do
	n=0; until ip netns exec ${guest} ss -Hltn "sport = :$p" | grep -q . || [ $n -ge 50 ]; do sleep 0.1; n=$((n+1)); done
done`,
  )
}

/** Sends a router advertisement out of an interface of this machine. */
export function advertiseHere(link: string): void {
  execFileSync('perl', ['-e', ADVERTISE, link], { timeout: 10_000 })
}

/** What a guest is told by stateless DHCPv6: `dns ADDRESS` and `domain NAME`, a line each. */
export function askInformation(lab: TestLab, node: string, guest: string): string {
  return lab.ssh(node, `ip netns exec ${guest} perl -e '${INFORMATION}'`)
}

/** Lets this machine answer on a TCP port, beside the tests (`lab.ssh` holds them up); the result ends that. */
export function answerHere(port: number): () => void {
  const child = spawn('perl', ['-e', ANSWER, String(port)], { stdio: 'ignore', detached: true })
  return () => {
    if (child.pid !== undefined) process.kill(-child.pid)
  }
}

/** What the node itself (`guest` undefined), or a guest on it, gets for an answer; `no answer` after two seconds. */
export function ask(lab: TestLab, node: string, guest: string | undefined, host: string, port: number): string {
  const within = guest === undefined ? '' : `ip netns exec ${guest} `
  return lab.ssh(node, `${within}perl -e '${ASK}' ${host} ${port}`)
}

/** What this machine, which is outside of the node, gets for an answer; `no answer` after two seconds. */
export function askFromOutside(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 2000 })
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.on('error', () => resolve('no answer'))
    socket.on('timeout', () => socket.destroy(new Error('timeout')))
    socket.on('close', () => resolve(text.trim()))
  })
}
