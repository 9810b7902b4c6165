/** Raw packets on the wire of a guest: DHCP, ARP, ICMP; and DNS and TCP as any program sends them. In Perl. */

/**
 * DHCP: a DISCOVER is all that is ever sent, so the server makes an offer and no lease. The hardware address of a
 * reservation stands in the message only: as the sender of a frame it would lead the bridge to take us for that guest.
 */
export const PACKETS = String.raw`
sub packet_socket {
    my ($type) = @_;
    socket(my $s, AF_PACKET, SOCK_RAW, unpack('S', pack 'n', $type)) or die "no packet socket: $!";
    my $request = pack 'a16 x24', 'eth0';
    ioctl($s, 0x8933, $request) or die "no eth0: $!";
    my $index = unpack 'x16 i', $request;
    bind($s, pack 'S n i S C C a8', AF_PACKET, $type, $index, 0, 0, 0, '') or die "cannot bind: $!";
    my $mac = pack 'a16 x24', 'eth0';
    ioctl($s, 0x8927, $mac) or die "no address: $!";
    return ($s, substr $mac, 18, 6);
}

sub checksum {
    my ($data) = @_;
    my $sum = 0;
    $sum += $_ for unpack 'n*', length($data) % 2 ? "$data\0" : $data;
    $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
    return ~$sum & 0xffff;
}

# Frames until the time is up or $each says that it has seen enough.
sub receive {
    my ($s, $end, $each) = @_;
    my $select = IO::Select->new($s);
    while ((my $left = $end - time) > 0) {
        next unless $select->can_read($left);
        my $from = recv($s, my $frame, 65536, 0) // next;
        return 1 if $each->($frame, $from);
    }
    return 0;
}

sub discover {
    my ($xid, $from, $hardware) = @_;
    my $options = pack('C3', 53, 1, 1) . pack('C2 n', 57, 2, 1472) . pack('C9', 55, 7, 1, 3, 6, 15, 26, 51, 54) . pack('C', 255);
    my $message = pack('C4 N n n N4', 1, 1, 6, 0, $xid, 0, 0x8000, 0, 0, 0, 0) . pack('a16 x192', $hardware) . pack('N', 0x63825363) . $options;
    $message .= "\0" x (300 - length $message) if length $message < 300;
    my $udp = pack('n4', 68, 67, 8 + length $message, 0) . $message;
    my $ip = pack 'C2 n3 C2 n N2', 0x45, 0, 20 + length $udp, 0, 0, 64, 17, 0, 0, 0xffffffff;
    substr $ip, 10, 2, pack 'n', checksum($ip);
    return ("\xff" x 6) . $from . pack('n', 0x0800) . $ip . $udp;
}

sub offer {
    my ($frame) = @_;
    return if length $frame < 14 + 20 + 8 + 240 || unpack('x12 n', $frame) != 0x0800;
    my $ip = substr $frame, 14;
    my $head = (ord($ip) & 15) * 4;
    return if ord(substr $ip, 9, 1) != 17 || unpack("x$head x2 n", $ip) != 68;
    my $message = substr $ip, $head + 8;
    my ($xid, $yours) = unpack 'x4 N x8 N', $message;
    my ($options, %option) = substr $message, 240;
    while (length $options) {
        my ($code, $length) = unpack 'C2', $options;
        last if !defined $code || $code == 255;
        if ($code == 0) { substr $options, 0, 1, ''; next }
        last if !defined $length;
        $option{$code} = substr $options, 2, $length;
        substr $options, 0, 2 + $length, '';
    }
    return if ord($option{53} // "\0") != 2;
    my $list = sub { [map { ip_text($_) } unpack 'N*', $option{$_[0]} // ''] };
    return ($xid, { address => ip_text($yours), server => $list->(54)->[0], router => $list->(3), dns => $list->(6), mask => $list->(1)->[0], lease => unpack 'N', $option{51} // "\0\0\0\0" });
}

# All DISCOVERs of a seat at once. dnsmasq pings an address for three seconds before it offers it, for one guest after
# the other, until it has done so six times in half a minute (do_icmp_ping of its dhcp.c).
my $dhcp_places = 1;
sub probe_dhcp {
    my (@probes) = @_;
    my ($s, $own) = packet_socket(0x0800);
    my (%of, %result);
    $of{int rand 0xffffffff} = $_ for @probes;
    my $all = 0;
    for my $wait (1.5, 2, 2.5, (3) x (($dhcp_places > 6 ? 6 : $dhcp_places) - 1)) {
        for my $xid (keys %of) {
            my $probe = $of{$xid};
            next if $result{$probe->{id}};
            my $mac = defined $probe->{mac} ? pack('H12', $probe->{mac} =~ s/://gr) : $own;
            send $s, discover($xid, $own, $mac), 0;
        }
        $all = receive($s, time + $wait, sub {
            my ($xid, $seen) = offer($_[0]);
            return unless defined $xid && $of{$xid};
            my $offers = $result{$of{$xid}{id}} //= [];
            push @$offers, $seen unless grep { ($_->{server} // '') eq ($seen->{server} // '') } @$offers;
            return keys(%result) == keys(%of);
        });
        last if $all;
    }
    # A second server is told by its own offer.
    receive($s, time + 0.3, sub {
        my ($xid, $seen) = offer($_[0]);
        return unless defined $xid && $of{$xid};
        my $offers = $result{$of{$xid}{id}};
        push @$offers, $seen unless grep { ($_->{server} // '') eq ($seen->{server} // '') } @$offers;
        return;
    }) if $all;
    return { map { ($_->{id} => { offers => $result{$_->{id}} // [] }) } @probes };
}

# True when somebody has the address.
sub taken {
    my (@addresses) = @_;
    my ($s, $own) = packet_socket(0x0806);
    my %seen;
    for (1, 2) {
        send $s, ("\xff" x 6) . $own . pack('n n n C2 n', 0x0806, 1, 0x0800, 6, 4, 1) . $own . pack('N', 0) . ("\0" x 6) . pack('N', $_), 0 for @addresses;
        receive($s, time + 0.25, sub { my ($op, $who) = unpack 'x20 n x6 N', $_[0]; $seen{$who} = 1 if defined $who && $op == 2; return });
    }
    return \%seen;
}

my @ERROR = ('network unreachable', 'host unreachable', 'protocol unreachable', 'port unreachable', 'fragmentation needed');
$ERROR[9] = $ERROR[10] = $ERROR[13] = 'administratively prohibited';

# An echo request, up to three times; hops and size as told. What answered, or nothing.
sub ping {
    my ($to, %with) = @_;
    socket(my $s, AF_INET, SOCK_RAW, 1) or die "no raw socket: $!";
    setsockopt $s, 0, 2, pack 'i', $with{hops} if $with{hops};
    setsockopt $s, 0, 10, pack 'i', 2 if $with{size};
    my $id = $$ & 0xffff;
    my $data = 'pvectl' . "\0" x (($with{size} // 84) - 28 - 6);
    my $failure;
    for my $try (1 .. 3) {
        my $packet = pack('C2 n3', 8, 0, 0, $id, $try) . $data;
        substr $packet, 2, 2, pack 'n', checksum($packet);
        if (!send $s, $packet, 0, sockaddr_in(0, inet_aton($to))) { $failure = "$!"; next }
        my $seen;
        receive($s, time + 1, sub {
            my $head = (ord($_[0]) & 15) * 4;
            my ($type, $code, $their) = unpack "x$head C2 x2 n", $_[0];
            my $from = ip_text(unpack 'x12 N', $_[0]);
            if ($type == 0 && $their == $id && $from eq $to) { $seen = { reply => $from } }
            elsif ($type == 3 || $type == 11) {
                my $inner = substr $_[0], $head + 8;
                my $length = (ord($inner) & 15) * 4;
                return unless (unpack "x$length x4 n", $inner) == $id;
                $seen = { error => $type == 11 ? 'time exceeded' : $ERROR[$code] // "unreachable ($code)", from => $from };
            }
            return defined $seen;
        });
        return $seen if $seen;
    }
    return { defined $failure ? (error => $failure) : (silence => 1) };
}

my %ERROR6 = (0 => 'network unreachable', 1 => 'administratively prohibited', 3 => 'host unreachable', 4 => 'port unreachable', 5 => 'administratively prohibited', 6 => 'network unreachable');

# The same with IPv6, where the kernel adds the checksum and takes the header off.
sub ping6 {
    my ($to, %with) = @_;
    my $v6 = Socket::AF_INET6();
    my $packed = Socket::inet_pton($v6, $to) // return { error => "$to is no address" };
    socket(my $s, $v6, SOCK_RAW, 58) or die "no raw socket: $!";
    setsockopt $s, 41, 16, pack 'i', $with{hops} if $with{hops};
    my $id = $$ & 0xffff;
    my $failure;
    for my $try (1 .. 3) {
        if (!send $s, pack('C2 n3', 128, 0, 0, $id, $try) . 'pvectl', 0, Socket::pack_sockaddr_in6(0, $packed)) { $failure = "$!"; next }
        my $seen;
        receive($s, time + 1, sub {
            my ($type, $code) = unpack 'C2', $_[0];
            my $sender = (Socket::unpack_sockaddr_in6($_[1]))[1];
            my $from = Socket::inet_ntop($v6, $sender);
            if ($type == 129 && $sender eq $packed && unpack('x4 n', $_[0]) == $id) { $seen = { reply => $from } }
            elsif (($type == 1 || $type == 3) && length $_[0] >= 54 && unpack('x52 n', $_[0]) == $id) {
                $seen = { error => $type == 3 ? 'time exceeded' : $ERROR6{$code} // "unreachable ($code)", from => $from };
            }
            return defined $seen;
        });
        return $seen if $seen;
    }
    return { defined $failure ? (error => $failure) : (silence => 1) };
}

# A TCP connection: open, refused, or why not.
sub tcp {
    my ($host, $port, $seconds, $scope) = @_;
    my $v6 = $host =~ /:/;
    my $address = Socket::inet_pton($v6 ? Socket::AF_INET6() : AF_INET, $host) // gethostbyname($host) // return { error => 'unknown host' };
    socket(my $s, $v6 ? Socket::AF_INET6() : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 6) or return { error => "$!" };
    my $to = $v6 ? Socket::pack_sockaddr_in6($port, $address, $scope // 0) : sockaddr_in($port, $address);
    if (!connect $s, $to) {
        return { error => "$!" } if !$!{EINPROGRESS};
        return { silence => 1 } unless IO::Select->new($s)->can_write($seconds // 3);
        my $error = unpack 'i', getsockopt $s, SOL_SOCKET, SO_ERROR;
        if ($error) { local $! = $error; return { error => "$!" } }
    }
    return { open => 1, socket => $s };
}

sub tcp_result { my $seen = tcp(@_); delete $seen->{socket}; return $seen }

sub question {
    my ($id, $name, $type) = @_;
    return pack('n6', $id, 0x0100, 1, 0, 0, 0) . join('', map { pack 'C/a*', $_ } split /\./, $name) . pack 'C n2', 0, $type, 1;
}

sub skip_name { my ($text, $at) = @_; while (1) { my $length = ord substr $text, $at, 1; return $at + 2 if $length >= 192; return $at + 1 if !$length; $at += 1 + $length } }

sub answer {
    my ($text) = @_;
    my ($flags, $questions, $answers) = unpack 'x2 n3', $text;
    my ($at, @addresses) = (12);
    $at = skip_name($text, $at) + 4 for 1 .. $questions;
    for (1 .. $answers) {
        $at = skip_name($text, $at);
        last if $at + 10 > length $text;
        my ($type, $length) = unpack 'n x6 n', substr $text, $at;
        my $data = substr $text, $at + 10, $length;
        push @addresses, inet_ntoa($data) if $type == 1;
        push @addresses, Socket::inet_ntop(Socket::AF_INET6(), $data) if $type == 28;
        $at += 10 + $length;
    }
    return { rcode => $flags & 15, addresses => \@addresses };
}

# All questions of a seat at once, each up to three times.
sub probe_dns {
    my (@probes) = @_;
    my (%result, %of, %sockets);
    my $id = int rand 30000;
    for my $probe (@probes) {
        for my $type (@{$probe->{types}}) { $of{++$id} = { probe => $probe, name => $probe->{name}, type => $type } }
        # A name that nobody has asked for before, so that the answer cannot come out of a cache.
        $of{++$id} = { probe => $probe, name => 'pvectl-' . int(rand 1e9) . ".$probe->{name}", type => 1, fresh => 1 } if $probe->{fresh};
        socket(my $s, AF_INET, SOCK_DGRAM, 17) or die "no socket: $!";
        $result{$probe->{id}} = { addresses => [] };
        if (connect $s, sockaddr_in(53, inet_aton($probe->{server}))) { $sockets{$probe->{server}} //= $s }
        else { $result{$probe->{id}}{error} = "$!" }
    }
    my $select = IO::Select->new(values %sockets);
    my $tries = 0;
    for my $wait (1, 1.5, 3) {
        last unless keys %of;
        for my $ask (keys %of) { my $s = $sockets{$of{$ask}{probe}{server}} or next; $result{$of{$ask}{probe}{id}}{error} = "$!" unless send $s, question($ask, $of{$ask}{name}, $of{$ask}{type}), 0 }
        my $end = time + $wait;
        while (keys %of && (my $left = $end - time) > 0) {
            for my $s ($select->can_read($left)) {
                my $text;
                if (!defined recv $s, $text, 4096, 0) { my $why = "$!"; $result{$_->{probe}{id}}{error} = $why for values %of; sleep 0.1; next }
                next if length $text < 12;
                my $asked = delete $of{unpack 'n', $text} or next;
                my $seen = eval { answer($text) } or next;
                my $into = $result{$asked->{probe}{id}};
                if ($asked->{fresh}) { $into->{fresh} = $seen->{rcode}; next }
                delete $into->{error};
                $into->{rcode} = $seen->{rcode}; push @{$into->{addresses}}, @{$seen->{addresses}};
            }
        }
    }
    $result{$_->{probe}{id}}{silence} = 1 for values %of;
    return \%result;
}

sub probe_dns_tcp {
    my ($probe) = @_;
    my $seen = tcp($probe->{server}, 53, 3);
    my $s = delete $seen->{socket} or return $seen;
    my $select = IO::Select->new($s);
    syswrite $s, pack 'n/a*', question(7, $probe->{name}, $probe->{types}[0]);
    my $text = '';
    my $end = time + 3;
    while ((my $left = $end - time) > 0) {
        next unless $select->can_read($left);
        sysread($s, $text, 4096, length $text) or last;
        my $length = length $text < 2 ? next : unpack 'n', $text;
        return answer(substr $text, 2) if length $text >= 2 + $length;
    }
    return { error => 'no answer over TCP' };
}
`
