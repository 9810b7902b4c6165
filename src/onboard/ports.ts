/** Do packets of corosync get through between two nodes? Tried with packets, both ways at once. */
import { randomBytes } from 'node:crypto'
import type { Connection } from '../connection/connection.ts'
import { type Script, sh } from '../connection/script.ts'

/** Ports of corosync: one for each of eight links. */
export const COROSYNC_PORTS = [5405, 5406, 5407, 5408, 5409, 5410, 5411, 5412] as const

/** What came of packets one way. */
export interface OneWay {
  readonly open: readonly number[]
  readonly blocked: readonly number[]
  /** Somebody listens there already (corosync), so that nothing could be tried. */
  readonly busy: readonly number[]
}

/** Both ways between a new node and a member. */
export interface PortResult {
  /** From the new node to the member. */
  readonly there: OneWay
  readonly back: OneWay
}

/** A node with the address that the other one is to send to. */
export interface PortPeer {
  readonly connection: Connection
  readonly address: string
}

/** Tries all ports between two nodes: one exchange with each, at the same time, of at most six seconds. */
export async function tryPorts(node: PortPeer, member: PortPeer, signal?: AbortSignal): Promise<PortResult> {
  const token = randomBytes(8).toString('hex')
  const options = { timeoutMs: 20_000, ...(signal === undefined ? {} : { signal }) }
  const [atNode, atMember] = await Promise.all([
    node.connection.run(portScript(node.address, member.address, token), options),
    member.connection.run(portScript(member.address, node.address, token), options),
  ])
  return { there: parseWay(atMember.stdout.toString('utf8')), back: parseWay(atNode.stdout.toString('utf8')) }
}

/** What a node heard: lines `open PORT`, `busy PORT`; all else is blocked. */
export function parseWay(text: string): OneWay {
  const numbers = (word: string) =>
    text.split('\n').flatMap((line) => {
      const [first, port] = line.split(' ')
      return first === word ? [Number(port)] : []
    })
  const [open, busy] = [numbers('open'), numbers('busy')]
  return { open, busy, blocked: COROSYNC_PORTS.filter((port) => !open.includes(port) && !busy.includes(port)) }
}

/**
 * Listens and sends for up to six seconds, and stops once all is heard and the other side has had its time. Perl is on
 * every node.
 */
function portScript(own: string, peer: string, token: string): Script {
  return sh`timeout 15 perl -e ${PROGRAM} ${own} ${peer} ${token} ${COROSYNC_PORTS.map(String)} 2>/dev/null || :`
}

const PROGRAM = `
use strict; use IO::Socket::IP; use IO::Select; use Time::HiRes qw(time);
my ($own, $peer, $token, @ports) = @ARGV;
my ($select, %port, %heard, %busy) = (IO::Select->new);
for my $p (@ports) {
	my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => $own, LocalPort => $p);
	if ($s) { $select->add($s); $port{$s} = $p } else { $busy{$p} = 1 }
}
my $end = time + 6;
my $enough;
while (time < $end) {
	for my $p (@ports) {
		my $to = IO::Socket::IP->new(Proto => "udp", PeerHost => $peer, PeerPort => $p) or next;
		$to->send($token);
	}
	my $next = time + 0.2;
	while ((my $left = $next - time) > 0) {
		for my $s ($select->can_read($left)) {
			my $said;
			$s->recv($said, 64);
			$heard{$port{$s}} = 1 if defined $said && $said eq $token;
		}
	}
	$enough //= time + 2 if keys %heard == keys %port;
	last if defined $enough && time > $enough;
}
print "open $_\\n" for sort keys %heard;
print "busy $_\\n" for sort keys %busy;
`
