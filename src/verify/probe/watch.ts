/** UDP of ours on its way through the node, which the guest need not answer. In Perl. */

/**
 * A packet socket keeps the namespace that it was opened in, so the process of a guest can see what becomes of what it
 * sends. The kernel passes on only UDP that begins as ours does (a program of classic BPF): a node may be busy.
 */
export const WATCH = `
# As an answer of the guest comes by a bridge, does the firewall of the node see it?
my $bridged_nat = slurp('/proc/sys/net/bridge/bridge-nf-call-iptables') // 0;
my $BEGIN = 0x70766563;

sub watch_socket {
    # To and from all interfaces (ETH_P_ALL), from the IP header on.
    socket(my $s, AF_PACKET, SOCK_DGRAM, unpack('S', pack 'n', 3)) or die "no packet socket: $!";
    my $filter = pack '(S C2 L)*',
        0x30, 0, 0, 0, 0x74, 0, 0, 4, 0x15, 0, 5, 4,
        0x30, 0, 0, 9, 0x15, 0, 9, 17, 0xb1, 0, 0, 0, 0x40, 0, 0, 8, 0x15, 5, 6, $BEGIN,
        0x15, 0, 5, 6, 0x30, 0, 0, 6, 0x15, 0, 3, 17, 0x20, 0, 0, 48, 0x15, 0, 1, $BEGIN,
        0x06, 0, 0, 65535, 0x06, 0, 0, 0;
    setsockopt $s, SOL_SOCKET, 26, pack 'S x!8 P', length($filter) / 8, $filter or die "no filter: $!";
    return $s;
}

# Where a datagram with the text was seen to arrive, and to leave for the guest; $ask sends one more.
sub watch_for {
    my ($s, $seconds, $text, $to, $port, $ask) = @_;
    my $guest = Socket::inet_pton($to =~ /:/ ? Socket::AF_INET6() : AF_INET, $to) // return { error => "$to is no address" };
    my ($seen, $end) = ({ bridged_nat => $bridged_nat + 0 }, time + $seconds);
    while ((my $now = time) < $end && !$seen->{left}) {
        $ask->() if $ask;
        receive($s, $now + 0.3 < $end ? $now + 0.3 : $end, sub {
            my ($packet, $from) = @_;
            return if index($packet, $text) < 0;
            my ($index, $type) = unpack 'x4 i x2 C', $from;
            my $v6 = ord($packet) >> 4 == 6;
            my $head = $v6 ? 40 : (ord($packet) & 15) * 4;
            my ($source, $target) = $v6 ? unpack('x8 a16 a16', $packet) : unpack('x12 a4 a4', $packet);
            my $their = unpack "x$head x2 n", $packet;
            my $link = link_of($index);
            # A bridge is asked before the firewall when it is both entrance and exit (br_netfilter); its port is not.
            my $is_exit = $link && ($link->{linkinfo}{info_kind} // '') ne 'bridge';
            if ($type == 4 && $is_exit && $target eq $guest && $their == $port) {
                $seen->{left} = $link->{ifname};
                $seen->{source} = Socket::inet_ntop($v6 ? Socket::AF_INET6() : AF_INET, $source);
            }
            elsif ($type != 4) { $seen->{arrived} //= $link ? $link->{ifname} : 'the port of the guest' }
            return $seen->{left};
        });
    }
    return $seen;
}

sub link_of { my ($index) = @_; return (grep { ($_->{ifindex} // 0) == $index } all_links())[0] }

# A guest sends datagrams to a port of the node.
sub udp_probe {
    my ($probe, $host) = @_;
    my $v6 = $host =~ /:/;
    my $address = Socket::inet_pton($v6 ? Socket::AF_INET6() : AF_INET, $host) // gethostbyname($host) // return { error => 'unknown host' };
    socket(my $s, $v6 ? Socket::AF_INET6() : AF_INET, SOCK_DGRAM, 17) or return { error => "$!" };
    my $to = $v6 ? Socket::pack_sockaddr_in6($probe->{port}, $address) : sockaddr_in($probe->{port}, $address);
    my $why;
    my $seen = watch_for($probe->{watch}, 4, $probe->{text}, $probe->{to}, $probe->{to_port}, sub { send($s, $probe->{text}, 0, $to) or $why = "$!" });
    $seen->{error} = $why if defined $why && !$seen->{left} && !$seen->{arrived};
    return { %$seen, target => $host };
}
`
