/** What is read of the node itself, so that a failure can be explained. In Perl. */

/** Read-only. A legacy iptables would load the module of a table that is asked for, so only those are that are there. */
export const FACTS = String.raw`
sub fact {
    my ($fact) = @_;
    my ($kind, @args) = ($fact->{kind}, @{$fact->{args} // []});
    return { text => output(@args) } if $kind eq 'command';
    return { files => { map { ($_ => slurp($_)) } @args } } if $kind eq 'files';
    return { text => rules(@args) } if $kind eq 'rules';
    return { units => [map { unit($_) } @args] } if $kind eq 'units';
    return reach($args[0] // $default->{gateway}) if $kind eq 'reach';
    return reach($args[0] // gateway6()) if $kind eq 'reach6';
    return tcp_result(@args) if $kind eq 'tcp';
    return { addresses => [map { (Socket::getaddrinfo($_, '', { socktype => SOCK_STREAM }))[1 .. 1] ? 'yes' : () } @args] } if $kind eq 'resolve';
    return probe_dns({ id => 0, server => $args[0], name => $args[1], types => [$args[2]] })->{0} if $kind eq 'dns';
    return http(@args) if $kind eq 'http';
    return watch_for(watch_socket(), 5, @args) if $kind eq 'udp';
    return routes(@args) if $kind eq 'routes';
    return { error => "unknown fact $kind" };
}

sub rules {
    my ($save, $names) = @_;
    my $path = (grep { -x } map { "$_/$save" } '/usr/sbin', '/sbin')[0] // return '';
    return output($path) unless Cwd::realpath($path) =~ /legacy/;
    return join '', map { output($path, '-t', $_) } split /\n/, slurp($names) // '';
}

sub unit {
    my ($name) = @_;
    my %property = map { /^(\w+)=(.*)$/ ? ($1, $2) : () } split /\n/, output('systemctl', 'show', '-p', 'LoadState,ActiveState,SubState,UnitFileState,Result', '--', $name);
    my $log = ($property{ActiveState} // '') eq 'failed' ? output('journalctl', '-u', $name, '-n', 8, '-o', 'cat', '--no-pager') : '';
    return { name => $name, load => $property{LoadState}, active => $property{ActiveState}, file => $property{UnitFileState}, log => $log };
}

# What the kernel would do with a packet of a guest, and with the answer to it.
sub routes {
    my ($name, $network, $vlan, $target) = @_;
    my $seat = { $name eq '' ? () : (interface => $name), $network eq '' ? () : (network => $network), $vlan eq '' ? () : (vlan => $vlan) };
    my $family = family($seat);
    my ($place) = interface_of($seat) or return {};
    my ($own) = $place ? grep { $network eq '' || same_network($_, $network) } addresses($place->{link}, $family) : ();
    return {} if !$own;
    my $length = guest_prefix($own, map { $_->{seat} } @{$plan->{probes}});
    my $guest = $family == 6 ? free_address6($own) : $length > 29 ? undef : (grep { $_ ne $own->{local} } map { ip_text((ip_number($own->{local}) | (0xffffffff >> $length)) - $_) } 1, 2)[0];
    return {} if !defined $guest;
    $target = $family == 6 ? gateway6() : $default->{gateway} if $target eq '';
    my $seen = { back => { address => $guest, asked($family, $guest, 'from', $own->{local}) } };
    $seen->{there} = { address => $target, asked($family, $target, 'from', $guest, 'iif', $place->{link}{ifname}) } if defined $target;
    return $seen;
}

sub asked {
    my ($family, @packet) = @_;
    my ($said) = split /\n/, run_command(undef, 'ip', "-$family", 'route', 'get', @packet);
    $said //= ''; $said =~ s/\s+/ /g; $said =~ s/^RTNETLINK answers: | $//g;
    return (said => $said, $? == 0 && $said =~ / dev (\S+)/ ? (dev => $1) : ());
}

# Status line of a request to a server, as a proxy on the node would send it.
sub http {
    my ($host, $port, $request) = @_;
    my $seen = tcp($host, $port, 3);
    my $s = delete $seen->{socket} or return $seen;
    syswrite $s, $request;
    my $text = '';
    my $end = time + 3;
    while ((my $left = $end - time) > 0 && $text !~ /\n/) { next unless IO::Select->new($s)->can_read($left); sysread($s, $text, 4096, length $text) or last }
    return { status => $text =~ m{^HTTP/\S+ (\d+)} ? $1 + 0 : 0 };
}
`
