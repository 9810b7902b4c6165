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
sub all_links { return @links }
my %link = map { ($_->{ifname} => $_) } @links;
my ($default, $default6) = map { my $family = $_; (grep { ($_->{dst} // '') eq 'default' && $_->{dev} } ip_list($family, 'route'))[0] } '-4', '-6';

# Addresses of the node on a link; of IPv6 those that guests may know.
sub addresses {
    my ($link, $family) = @_;
    return grep { $family == 6 ? $_->{family} eq 'inet6' && $_->{scope} eq 'global' : $_->{family} eq 'inet' } @{$link->{addr_info} // []};
}
sub family { my ($seat) = @_; return ($seat->{network} // '') =~ /:/ ? 6 : 4 }

# The node's address in the network, or a network of the node's that the address is in.
sub same_network {
    my ($own, $network) = @_;
    return in_network($own->{local}, $network) || in_network((split m{/}, $network)[0], "$own->{local}/$own->{prefixlen}");
}

# The interface that guests of a seat are on, and why there is none.
sub interface_of {
    my ($seat) = @_;
    my ($name, $network) = @$seat{qw(interface network)};
    if (!defined $name) {
        my $family = family($seat);
        my @found = grep { grep { in_network($_->{local}, $network) } addresses($_, $family) } @links;
        @found = grep { grep { same_network($_, $network) } addresses($_, $family) } @links if !@found;
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

# Length of the network as guests know it: that of the playbook, where it names the node's address there.
sub guest_prefix {
    my ($own, @seats) = @_;
    my ($told) = grep { defined } map { my ($ip, $length) = split m{/}, $_->{network} // ''; ($ip // '') eq $own->{local} ? $length : () } @seats;
    return defined $told && $told < $own->{prefixlen} && $told <= 29 ? $told : $own->{prefixlen};
}

# An address that nobody has, from the top of the network of the node's address there; and whether the node answered.
sub free_address {
    my ($own, $bits) = @_;
    return undef if $bits > 29 || $bits < 8;
    my $mask = (0xffffffff << (32 - $bits)) & 0xffffffff;
    my $last = (ip_number($own) & $mask) | (~$mask & 0xffffffff);
    my @candidates = grep { $_ != ip_number($own) } map { $last - $_ } 1 .. 5;
    my $taken = taken(@candidates, ip_number($own));
    my ($free) = grep { !$taken->{$_} } @candidates;
    return defined $free ? (ip_text($free), $taken->{ip_number($own)}) : undef;
}

# An address of the network that nobody is likely to have: of so many, one by chance.
sub free_address6 {
    my ($own) = @_;
    my $length = $own->{prefixlen};
    return undef if $length > 120;
    my $bits = substr(ip_bits($own->{local}), 0, $length) . join '', map { int rand 2 } $length + 1 .. 128;
    return Socket::inet_ntop(Socket::AF_INET6(), pack 'B128', $bits);
}

# Takes an IPv6 address; true when somebody has it. Asked only where there are few to choose from.
sub take6 {
    my ($address, $length) = @_;
    return quiet('ip', 'addr', 'add', "$address/$length", 'dev', 'eth0', 'nodad') if $length <= 96;
    if (open my $dad, '>', '/proc/sys/net/ipv6/conf/eth0/accept_dad') { print $dad 1; close $dad }
    my $why = quiet('ip', 'addr', 'add', "$address/$length", 'dev', 'eth0');
    my $end = time + 3;
    while (!$why && time < $end) {
        my ($link) = ip_list('-6', 'addr', 'show', 'dev', 'eth0', 'tentative');
        my ($new) = grep { ($_->{local} // '') eq $address } @{$link->{addr_info} // []} or return;
        return "somebody has $address" if $new->{dadfailed};
        sleep 0.1;
    }
    return $why;
}

# What the node learned or was told to use as its IPv6 gateway. A link-local one is beyond the reach of guests.
sub gateway6 { my $gateway = ($default6 // {})->{gateway}; return defined $gateway && $gateway !~ /^fe[89ab]/i ? $gateway : undef }

# The IPv6 address that the node has outside.
sub uplink6 { my ($own) = $default6 ? addresses($link{$default6->{dev}}, 6) : (); return $own && $own->{local} }

# Not by the address that the probes took themselves.
sub router_advertisement {
    my ($taken) = @_;
    my $seen = {};
    my $end = time + 6;
    my $whole;
    while (time < $end) {
        my ($link) = ip_list('-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'global');
        my ($address) = grep { ($_->{scope} // '') eq 'global' && $_->{local} ne ($taken // '') } @{$link->{addr_info} // []};
        my @routes = ip_list('-6', 'route', 'show', 'default', 'proto', 'ra');
        my ($route) = @routes;
        $seen->{address} = "$address->{local}/$address->{prefixlen}" if $address;
        $seen->{router} = $route->{gateway} // $route->{nexthops}[0]{gateway} if $route;
        $seen->{routers} = [map { $_->{nexthops} ? map { $_->{gateway} } @{$_->{nexthops}} : $_->{gateway} } @routes];
        # A second router is told by its own advertisement, which may come half a second later (RFC 4861, 6.2.6).
        $whole //= time if $seen->{address} && $seen->{router};
        last if $whole && time > $whole + 0.75;
        sleep 0.25;
    }
    return $seen;
}

# All probes of one place; runs inside its namespace.
sub seat_probes {
    my ($group, $cable, @probes) = @_;
    my ($place, $own6) = @$group{qw(place own6)};
    my $free6 = $own6 && free_address6($own6);
    my $why = quiet('ip', 'link', 'set', 'dev', 'lo', 'up');
    # Routers are asked again and again: the first questions are lost while a port of the bridge still learns.
    for my $own (['eth0', 'accept_dad', 0], map { my $who = $_; map { [$who, $_, 1] } 'router_solicitation_interval', 'router_solicitation_max_interval' } 'default', 'eth0') {
        my ($who, $name, $value) = @$own;
        open my $setting, '>', "/proc/sys/net/ipv6/conf/$who/$name" or next;
        print $setting $value; close $setting;
    }
    if (!$why && defined $place->{vlan} && !$place->{aware}) {
        $why = quiet('ip', 'link', 'set', 'dev', 'eth0', 'name', 'trunk') // quiet('ip', 'link', 'set', 'dev', 'trunk', 'up')
            // quiet('ip', 'link', 'add', 'link', 'trunk', 'name', 'eth0', 'type', 'vlan', 'id', $place->{vlan});
    }
    $why //= quiet('ip', 'link', 'set', 'dev', 'eth0', 'up');
    if ($why) { excuse($group, $why); return { map { ($_->{id} => { setup => $why }) } @probes } }
    wait_for_port($place, $cable);
    my @dhcp = grep { $_->{kind} eq 'dhcp' } @probes;
    my @ra = grep { $_->{kind} eq 'ra' } @probes;
    my @rest = grep { $_->{kind} ne 'dhcp' && $_->{kind} ne 'ra' } @probes;
    my @closed = grep { $_->{kind} eq 'closed' } @probes;
    my @jobs = map { my $probe = $_; ["link $probe->{id}" => sub { knock_on_link($place, $probe->{port}) }] } @closed;
    push @jobs, map { my $probe = $_; [$probe->{id} => sub { router_advertisement($free6) }] } @ra;
    push @jobs, ['dhcp' => sub { probe_dhcp(@dhcp) }] if @dhcp;
    my ($four, $six) = map { my $family = $_; [grep { $_->{family} == $family } @rest] } 4, 6;
    push @jobs, ['four' => sub { addressed_probes($group, @$four) }] if @$four || %{$group->{listens}};
    push @jobs, ['six' => sub { addressed_probes6($own6, $free6, @$six) }] if @$six;
    my $seen = parallel(25, @jobs);
    for my $kind (['dhcp', @dhcp], ['four', @$four], ['six', @$six]) {
        my ($name, @members) = @$kind;
        my $results = delete $seen->{$name} // next;
        $seen->{$_->{id}} = $results->{error} ? { setup => $results->{error} } : $results->{$_->{id}} for @members;
    }
    $seen->{$_->{id}}{link} = delete $seen->{"link $_->{id}"} for @closed;
    return $seen;
}

# The node by the address that every interface with IPv6 has, unless told otherwise: all who are on the bridge can guess it.
sub knock_on_link {
    my ($place, $port) = @_;
    my ($own) = grep { $_->{family} eq 'inet6' && $_->{scope} eq 'link' } @{$place->{link}{addr_info} // []};
    return { no_address => 1 } if !$own;
    my ($eth0) = ip_list('link', 'show', 'dev', 'eth0');
    return { %{tcp_result($own->{local}, $port, 3, $eth0->{ifindex})}, target => $own->{local} };
}

# Probes that need an address, as a guest with a lease has one.
sub addressed_probes {
    my ($group, @probes) = @_;
    my $own = $group->{own4};
    my $none = sub { my ($why, $value) = @_; excuse($group, $value // $why =~ tr/_/ /r); return { map { ($_->{id} => { $why => $value // 1 }) } @probes } };
    return $none->('no_address') if !$own;
    my $prefix = guest_prefix($own, map { $_->{seat} } @probes);
    my ($free, $alive) = free_address($own->{local}, $prefix);
    return $none->('no_free_address') if !defined $free;
    my $why = quiet('ip', 'addr', 'add', "$free/$prefix", 'dev', 'eth0') // quiet('ip', 'route', 'add', 'default', 'via', $own->{local});
    return $none->('setup', $why) if $why;
    my @calls = grep { $_->{kind} eq 'between' } @probes;
    @probes = grep { $_->{kind} ne 'between' } @probes;
    my @dns = grep { $_->{kind} eq 'dns' } @probes;
    my @jobs = map { my $probe = $_; [$probe->{id} => sub { my $seen = probe($probe, $own); $seen->{from} //= $free; $seen }] } grep { $_->{kind} ne 'dns' } @probes;
    push @jobs, ['dns' => sub { probe_dns(@dns) }] if @dns;
    push @jobs, ['tcp' => sub { probe_dns_tcp($dns[0]) }] if @dns;
    push @jobs, ['calls' => sub { call_neighbours($group, $alive, @calls) }] if @calls;
    push @jobs, ['ears' => sub { listen_for_neighbours($group, $free, $alive) }] if %{$group->{listens}};
    my $seen = parallel(20, @jobs);
    my ($answers, $over_tcp, $calls) = delete @$seen{qw(dns tcp calls ears)};
    $seen->{$_->{id}} = $calls->{error} ? { setup => $calls->{error} } : $calls->{$_->{id}} for @calls;
    $seen->{$_->{id}} = $answers->{error} ? { setup => $answers->{error} } : $answers->{$_->{id}} for @dns;
    $seen->{$dns[0]{id}}{tcp} = $over_tcp if @dns;
    return $seen;
}

# The same with an address of IPv6. Routers may announce more: the source is said, so that the network of the probe is tried.
sub addressed_probes6 {
    my ($own, $free, @probes) = @_;
    return { map { ($_->{id} => { no_address => 1 }) } @probes } if !$own;
    return { map { ($_->{id} => { no_free_address => 1 }) } @probes } if !defined $free;
    my $why = take6($free, $own->{prefixlen}) // quiet('ip', '-6', 'route', 'add', 'default', 'via', $own->{local}, 'dev', 'eth0', 'src', $free, 'metric', 1);
    return { map { ($_->{id} => { setup => $why }) } @probes } if $why;
    return parallel(20, map { my $probe = $_; [$probe->{id} => sub { my $seen = probe6($probe, $own); $seen->{from} //= $free; $seen }] } @probes);
}

sub probe6 {
    my ($probe, $own) = @_;
    my $kind = $probe->{kind};
    if ($kind eq 'nat') { return reach($probe->{target} // gateway6()) }
    if ($kind eq 'forwarding') {
        # To a neighbour, but by way of the node: that needs no other route.
        my $to = free_address6($own);
        my $why = quiet('ip', '-6', 'route', 'add', "$to/128", 'via', $own->{local}, 'dev', 'eth0');
        return { $why ? (setup => $why) : %{ping6($to, hops => 1)}, target => $to };
    }
    if ($kind eq 'tcp') {
        my $host = $probe->{host} // $own->{local};
        $host = uplink6() // return { no_uplink6 => 1 } if $host eq 'uplink6';
        return { %{tcp_result($host, $probe->{port})}, target => $host };
    }
    if ($kind eq 'udp') {
        my $host = $probe->{host} eq 'uplink6' ? uplink6() // return { no_uplink6 => 1 } : $probe->{host};
        return udp_probe($probe, $host);
    }
    return { error => "unknown probe $kind" };
}

sub probe {
    my ($probe, $own) = @_;
    my $kind = $probe->{kind};
    my $target = $probe->{target} // $default->{gateway};
    return reach($target) if $kind eq 'nat';
    return { %{ping($target // '192.0.2.1', hops => 1)}, target => $target // '192.0.2.1' } if $kind eq 'forwarding';
    if ($kind eq 'mtu') {
        my $seen = ping($own->{local}, size => $probe->{size});
        $seen->{small} = ping($own->{local}) if !$seen->{reply};
        return { %$seen, target => $own->{local} };
    }
    return { %{tcp_result($probe->{host} // $own->{local}, $probe->{port})}, target => $probe->{host} // $own->{local} } if $kind eq 'tcp' || $kind eq 'closed';
    return udp_probe($probe, $probe->{host}) if $kind eq 'udp';
    return { error => "unknown probe $kind" };
}

# To an address by ping, to address and port by TCP.
sub reach {
    my ($target) = @_;
    return { no_target => 1 } if !defined $target;
    my ($host, $port) = $target =~ /^\[(.*)\](?::(\d+))?$/ || $target =~ /^([^:]*):(\d+)$/ ? ($1, $2) : ($target);
    return { %{defined $port ? tcp_result($host, $port) : $host =~ /:/ ? ping6($host) : ping($host)}, target => $target };
}
`
