/** What passes the node between two networks: a guest in each, at the same time. In Perl. */

/**
 * The guest that is called tells all callers its address when it listens, by pipes that were there before anybody went
 * into a namespace; callers tell it when they are done. Whoever does not come to it is waited for only so long.
 */
export const NEIGHBOURS = String.raw`
# A group of probes that others call gets ears, and one that calls gets news.
sub join_group {
    my ($groups, $place, $seat, $family) = @_;
    my $network = $seat->{network};
    my ($own) = grep { !defined $network || $network =~ /:/ != ($family == 6) || same_network($_, $network) } addresses($place->{link}, $family);
    my $key = join '/', $place->{name}, $place->{vlan} // '';
    # A second network on the same bridge has guests of its own.
    my $other = $groups->{$key} && $groups->{$key}{"own$family"};
    $key .= "/$own->{local}" if defined $network && $own && $other && $other->{local} ne $own->{local};
    my $group = $groups->{$key} //= { key => $key, place => $place, probes => [], listens => {}, callers => {}, calls => {} };
    $group->{"own$family"} //= $own;
    if (!$group->{news}) { for my $box (qw(news ends)) { pipe(my $in, my $out) or die "cannot make a pipe: $!"; $group->{$box} = [$in, $out] } }
    return $group;
}

sub arrange_calls {
    my ($groups, $group, @tries) = @_;
    for my $try (grep { !defined $_->{address} } @tries) {
        my ($place, $why) = interface_of($try->{to});
        if (!$place) { $try->{why} = 'its network is missing'; next }
        my $other = join_group($groups, $place, $try->{to}, 4);
        $try->{group} = $other->{key};
        $other->{listens}{"$try->{protocol} $try->{port}"} = [$try->{protocol}, $try->{port}];
        $other->{callers}{$group->{key}} = $group;
        $group->{calls}{$other->{key}} = $other;
    }
}

sub announce {
    my ($group, $news) = @_;
    syswrite $_->{news}[1], $json->encode({ %$news, group => $group->{key} }) . "\n" for values %{$group->{callers}};
}

sub hang_up { my ($group) = @_; syswrite $_->{ends}[1], "$group->{key}\n" for values %{$group->{calls}} }

# A group that comes to nothing lets nobody wait.
sub excuse { my ($group, $why) = @_; announce($group, { why => $why }); hang_up($group) }

# Lines out of a pipe until there are as many as wanted, or the time is up.
sub lines_of {
    my ($in, $wanted, $end) = @_;
    my ($text, $select) = ('', IO::Select->new($in));
    while (($text =~ tr/\n//) < $wanted && (my $left = $end - time) > 0) {
        next unless $select->can_read($left);
        sysread($in, $text, 65536, length $text) or last;
    }
    return split /\n/, $text;
}

sub listen_for_neighbours {
    my ($group, $address, $alive) = @_;
    my $select = IO::Select->new($group->{ends}[0]);
    my %is_udp;
    for my $service (values %{$group->{listens}}) {
        my ($protocol, $port) = @$service;
        socket(my $s, AF_INET, $protocol eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) or die "no socket: $!";
        setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
        bind $s, sockaddr_in($port, INADDR_ANY) or die "cannot listen at $protocol port $port: $!";
        if ($protocol eq 'udp') { $is_udp{fileno $s} = 1 } else { listen $s, 100 }
        $select->add($s);
    }
    announce($group, { address => $address, ($alive ? () : (why => 'the node does not see it')) });
    my ($left, $end) = (scalar keys %{$group->{callers}}, time + 14);
    while ($left > 0 && time < $end) {
        for my $s ($select->can_read($end - time)) {
            if ($s == $group->{ends}[0]) { sysread($s, my $text, 65536); $left -= ($text // '') =~ tr/\n// }
            elsif ($is_udp{fileno $s}) { my $from = recv($s, my $text, 512, 0); send($s, $text, 0, $from) if $from }
            else { accept(my $caller, $s); close $caller }
        }
    }
    return {};
}

sub call_neighbours {
    my ($group, $alive, @probes) = @_;
    my %news = map { my $news = eval { $json->decode($_) } // {}; (($news->{group} // '') => $news) } lines_of($group->{news}[0], scalar keys %{$group->{calls}}, time + 12);
    my (@jobs, %seen);
    for my $probe (@probes) {
        my $at = 0;
        for my $try (@{$probe->{tries}}) {
            my $there = $try->{why} ? $try : defined $try->{address} ? $try : $news{$try->{group}} // { why => 'its place did not come about' };
            my $to = $there->{address};
            my $number = $at++;
            if ($there->{why} || !defined $to) { $seen{$probe->{id}}[$number] = { why => $there->{why} // 'no address' }; next }
            push @jobs, ["$probe->{id} $number" => sub { return { %{$try->{protocol} eq 'udp' ? udp_result($to, $try->{port}) : tcp_result($to, $try->{port}, 2)}, address => $to } }];
        }
    }
    my $results = parallel(6, @jobs);
    for my $key (keys %$results) { my ($id, $number) = split / /, $key; $seen{$id}[$number] = $results->{$key} }
    hang_up($group);
    return { map { ($_->{id} => { tries => $seen{$_->{id}} // [], ($alive ? (alive => 1) : ()) }) } @probes };
}

sub udp_result {
    my ($host, $port) = @_;
    socket(my $s, AF_INET, SOCK_DGRAM, 17) or return { error => "$!" };
    connect $s, sockaddr_in($port, inet_aton($host)) or return { error => "$!" };
    for my $wait (0.4, 0.6, 1) {
        send $s, 'pvectl', 0;
        next unless IO::Select->new($s)->can_read($wait);
        return defined recv($s, my $text, 512, 0) ? { open => 1 } : { error => "$!" };
    }
    return { silence => 1 };
}
`
