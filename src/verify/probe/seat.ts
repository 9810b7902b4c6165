/** The place of a guest: a namespace on the bridge, and the probes in it. In Perl. */

/**
 * What must not happen to the bridge: that it takes the hardware address of the new port (the lowest of its ports, or
 * the only one), or its MTU (the smallest). So the cable gets the bridge's MTU and a high address, and a bridge that
 * has no port at all gets the address it has for good, which else would be zero after the cable is gone. What cannot be
 * helped is that a bridge which never had a port says NO-CARRIER afterwards, as it does when its last guest stops.
 */
export const SEAT = String.raw`
sub ip_list { return @{ (eval { $json->decode(output('ip', '-j', @_)) }) // [] } }
my @links = ip_list('-d', 'addr');
my %link = map { ($_->{ifname} => $_) } @links;
my ($default) = grep { ($_->{dst} // '') eq 'default' } ip_list('-4', 'route');

sub addresses { my ($link) = @_; return grep { $_->{family} eq 'inet' } @{$link->{addr_info} // []} }

# The node's address in the network, or a network of the node's that the address is in.
sub same_network {
    my ($own, $network) = @_;
    return in_network($own->{local}, $network) || in_network((split m{/}, $network)[0], "$own->{local}/$own->{prefixlen}");
}

# The interface that guests of a seat are on, and why there is none.
sub interface_of {
    my ($seat) = @_;
    my ($name, $network) = @$seat{qw(interface network)};
    return (undef, { ipv6 => 1, network => $network }) if defined $network && $network =~ /:/ && !defined $name;
    if (!defined $name) {
        my @found = grep { grep { in_network($_->{local}, $network) } addresses($_) } @links;
        @found = grep { grep { same_network($_, $network) } addresses($_) } @links if !@found;
        return (undef, { missing => 1, network => $network }) if !@found;
        $name = $found[0]{ifname};
    }
    my $link = $link{$name} // return (undef, { missing => 1, interface => $name });
    my $kind = $link->{linkinfo}{info_kind} // '';
    my ($bridge, $vlan) = ($link, $seat->{vlan});
    if ($kind eq 'vlan') { $bridge = $link{$link->{link} // ''} // $link; $vlan //= $link->{linkinfo}{info_data}{id} }
    elsif (defined $vlan) { $link = (grep { ($_->{linkinfo}{info_kind} // '') eq 'vlan' && ($_->{link} // '') eq $name && $_->{linkinfo}{info_data}{id} == $vlan } @links)[0] // { ifname => "$name.$vlan" } }
    my $holder = $bridge->{linkinfo}{info_kind} // '';
    return (undef, { no_bridge => $holder, interface => $name }) if $holder ne 'bridge';
    return ({ name => $name, link => $link, bridge => $bridge->{ifname}, vlan => $vlan, aware => $bridge->{linkinfo}{info_data}{vlan_filtering} // 0 });
}

# Lays a cable from the bridge into the namespace of a process; why not.
sub plug {
    my ($place, $cable, $pid, $guest_mtu) = @_;
    my ($bridge, $vlan) = @$place{qw(bridge vlan)};
    my $sys = "/sys/class/net/$bridge";
    my $mtu = slurp("$sys/mtu");
    if ((slurp("$sys/addr_assign_type") // 3) != 3 && !glob("$sys/brif/*")) {
        my $why = quiet('ip', 'link', 'set', 'dev', $bridge, 'address', slurp("$sys/address"));
        return $why if $why;
    }
    my $mac = sprintf 'fe:ff:ff:%02x:%02x:%02x', map { int rand 256 } 1 .. 3;
    my $why = quiet('ip', 'link', 'add', 'name', $cable, 'address', $mac, 'mtu', $mtu, 'type', 'veth', 'peer', 'name', 'eth0', 'mtu', $guest_mtu, 'netns', $pid)
        // quiet('ip', 'link', 'set', 'dev', $cable, 'addrgenmode', 'none', 'master', $bridge)
        // quiet('ip', 'link', 'set', 'dev', $cable, 'up');
    if (!$why && defined $vlan && $place->{aware}) {
        $why = quiet('bridge', 'vlan', 'add', 'dev', $cable, 'vid', $vlan, 'pvid', 'untagged');
        quiet('bridge', 'vlan', 'del', 'dev', $cable, 'vid', 1) if $vlan != 1;
    }
    return $why;
}

# A port listens and learns first, where the bridge has a forward delay; it stays disabled while the bridge is down.
sub wait_for_port {
    my ($place, $cable) = @_;
    return if !grep { $_ eq 'UP' } @{$link{$place->{bridge}}{flags}};
    my $end = time + 31;
    sleep 0.02 while time < $end && (slurp("/sys/class/net/$cable/brport/state") // 3) != 3;
}

# An address that nobody has, from the top of the network of the node's address there.
sub free_address {
    my ($own, $bits) = @_;
    return undef if $bits > 29 || $bits < 8;
    my $mask = (0xffffffff << (32 - $bits)) & 0xffffffff;
    my $last = (ip_number($own) & $mask) | (~$mask & 0xffffffff);
    my @candidates = grep { $_ != ip_number($own) } map { $last - $_ } 1 .. 5;
    my $taken = taken(@candidates);
    my ($free) = grep { !$taken->{$_} } @candidates;
    return defined $free ? ip_text($free) : undef;
}

sub router_advertisement {
    my $seen = {};
    my $end = time + 6;
    while (time < $end) {
        my ($link) = ip_list('-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'global');
        my ($address) = grep { ($_->{scope} // '') eq 'global' } @{$link->{addr_info} // []};
        my ($route) = ip_list('-6', 'route', 'show', 'default');
        $seen->{address} = "$address->{local}/$address->{prefixlen}" if $address;
        $seen->{router} = $route->{gateway} if $route;
        last if $seen->{address} && $seen->{router};
        sleep 0.25;
    }
    return $seen;
}

# All probes of one place; runs inside its namespace.
sub seat_probes {
    my ($place, $cable, $own, @probes) = @_;
    my $why = quiet('ip', 'link', 'set', 'dev', 'lo', 'up');
    open my $dad, '>', '/proc/sys/net/ipv6/conf/eth0/accept_dad'; print $dad 0 if $dad; close $dad if $dad;
    if (!$why && defined $place->{vlan} && !$place->{aware}) {
        $why = quiet('ip', 'link', 'set', 'dev', 'eth0', 'name', 'trunk') // quiet('ip', 'link', 'set', 'dev', 'trunk', 'up')
            // quiet('ip', 'link', 'add', 'link', 'trunk', 'name', 'eth0', 'type', 'vlan', 'id', $place->{vlan});
    }
    $why //= quiet('ip', 'link', 'set', 'dev', 'eth0', 'up');
    return { map { ($_->{id} => { setup => $why }) } @probes } if $why;
    wait_for_port($place, $cable);
    my @dhcp = grep { $_->{kind} eq 'dhcp' } @probes;
    my @ra = grep { $_->{kind} eq 'ra' } @probes;
    my @rest = grep { $_->{kind} ne 'dhcp' && $_->{kind} ne 'ra' } @probes;
    my @jobs = map { my $probe = $_; [$probe->{id} => \&router_advertisement] } @ra;
    push @jobs, ['dhcp' => sub { probe_dhcp(@dhcp) }] if @dhcp;
    push @jobs, ['rest' => sub { addressed_probes($own, @rest) }] if @rest;
    my $seen = parallel(25, @jobs);
    for my $group (['dhcp', @dhcp], ['rest', @rest]) {
        my ($name, @members) = @$group;
        my $results = delete $seen->{$name} // next;
        $seen->{$_->{id}} = $results->{error} ? { setup => $results->{error} } : $results->{$_->{id}} for @members;
    }
    return $seen;
}

# Probes that need an address, as a guest with a lease has one.
sub addressed_probes {
    my ($own, @probes) = @_;
    return { map { ($_->{id} => { no_address => 1 }) } @probes } if !$own;
    my $free = free_address($own->{local}, $own->{prefixlen});
    return { map { ($_->{id} => { no_free_address => 1 }) } @probes } if !defined $free;
    my $why = quiet('ip', 'addr', 'add', "$free/$own->{prefixlen}", 'dev', 'eth0') // quiet('ip', 'route', 'add', 'default', 'via', $own->{local});
    return { map { ($_->{id} => { setup => $why }) } @probes } if $why;
    my @dns = grep { $_->{kind} eq 'dns' } @probes;
    my @jobs = map { my $probe = $_; [$probe->{id} => sub { my $seen = probe($probe, $own); $seen->{from} //= $free; $seen }] } grep { $_->{kind} ne 'dns' } @probes;
    push @jobs, ['dns' => sub { probe_dns(@dns) }] if @dns;
    push @jobs, ['tcp' => sub { probe_dns_tcp($dns[0]) }] if @dns;
    my $seen = parallel(20, @jobs);
    my ($answers, $over_tcp) = delete @$seen{qw(dns tcp)};
    $seen->{$_->{id}} = $answers->{error} ? { setup => $answers->{error} } : $answers->{$_->{id}} for @dns;
    $seen->{$dns[0]{id}}{tcp} = $over_tcp if @dns;
    return $seen;
}

sub probe {
    my ($probe, $own) = @_;
    my $kind = $probe->{kind};
    my $target = $probe->{target} // $default->{gateway};
    return reach($target) if $kind eq 'nat';
    return { %{ping($target // '192.0.2.1', hops => 1)}, target => $target // '192.0.2.1' } if $kind eq 'forwarding';
    return { %{ping($own->{local}, size => $probe->{size})}, target => $own->{local} } if $kind eq 'mtu';
    return { %{tcp_result($probe->{host} // $own->{local}, $probe->{port})}, target => $probe->{host} // $own->{local} } if $kind eq 'tcp';
    return { error => "unknown probe $kind" };
}

# To an address by ping, to address and port by TCP.
sub reach {
    my ($target) = @_;
    return { no_target => 1 } if !defined $target;
    my ($host, $port) = $target =~ /^(.*):(\d+)$/ ? ($1, $2) : ($target);
    return { %{defined $port ? tcp_result($host, $port) : ping($host)}, target => $target };
}
`
