/** The course of the probe: facts of the node and all places of guests, side by side. In Perl. */

/** Ends by itself when the one that started it or reads its output is gone, and in any case after a minute. */
export const MAIN = String.raw`
my $started_by = getppid;
$SIG{PIPE} = 'DEFAULT';
child(sub {
    my $main = getppid;
    my $end = time + DEADLINE;
    my $reader = IO::Poll->new;
    $reader->mask(\*STDOUT => POLLHUP);
    while (time < $end && stat "/proc/$started_by") { last if $reader->poll(0.5) > 0 }
    kill 9, $main;
});

my $wanted = $plan->{facts};
my (%groups, @out);
# Those that say their network come first: the others are content with any.
for my $probe (sort { (defined $b->{seat}{network} ? 1 : 0) <=> (defined $a->{seat}{network} ? 1 : 0) } @{$plan->{probes}}) {
    my ($place, $why) = interface_of($probe->{seat});
    if (!$place) { print say_result('probe', $probe->{id}, { place => $why }); next }
    if ($probe->{kind} eq 'forwarding' && grep { $_ && $_->{dev} eq $place->{name} } $default, $default6) { print say_result('probe', $probe->{id}, { uplink => 1 }); next }
    my $family = $probe->{family} //= family($probe->{seat});
    my $group = join_group(\%groups, $place, $probe->{seat}, $family);
    push @{$group->{probes}}, $probe;
    arrange_calls(\%groups, $group, @{$probe->{tries} // []});
}

sub sit {
    my ($group, $cable) = @_;
    my $mtu = 1500;
    for (@{$group->{probes}}) { $mtu = $_->{size} if ($_->{size} // 0) > $mtu }
    die "this machine's processor is not known\n" if !$call;
    pipe(my $ready, my $tell) or die; pipe(my $wait, my $go) or die; pipe(my $in, my $out) or die;
    $_->{watch} = watch_socket() for grep { $_->{kind} eq 'udp' } @{$group->{probes}};
    my $pid = child(sub {
        close $_ for $ready, $go, $in;
        syscall($call->{unshare}, 0x40000000) == 0 or do { syswrite $tell, "no namespace: $!"; return };
        syswrite $tell, '+'; close $tell;
        sysread($wait, my $why, 65536);
        my @probes = @{$group->{probes}};
        excuse($group, $why) if $why ne '+';
        my $seen = $why eq '+' ? seat_probes($group, $cable, @probes) : { map { ($_->{id} => { setup => $why }) } @probes };
        syswrite_all($out, $json->encode($seen));
    });
    close $_ for $tell, $wait, $out;
    sysread $ready, my $said, 4096;
    $said = 'the namespace broke off' if !defined $said || $said eq '';
    my $why = $said eq '+' ? plug($group->{place}, $cable, $pid, $mtu) : $said;
    syswrite $go, $why // '+';
    local $/; my $text = <$in>;
    my $seen = eval { $json->decode($text) } // { map { ($_->{id} => { setup => 'the probe broke off' }) } @{$group->{probes}} };
    kill 9, $pid; waitpid $pid, 0;
    # The kernel clears a namespace away a little after its last process; the cable is taken away now.
    quiet('ip', 'link', 'del', 'dev', $cable);
    return $seen;
}

$dhcp_places = (grep { grep { $_->{kind} eq 'dhcp' && !defined $_->{mac} } @{$_->{probes}} } values %groups) || 1;
my $number = 0;
my @jobs = map { my $group = $_; my $cable = "pvv$$" . 'n' . $number++; ["seat $cable" => sub { sit($group, $cable) }] } map { $groups{$_} } sort keys %groups;
push @jobs, map { my $fact = $_; ["fact $fact->{id}" => sub { fact($fact) }] } @$wanted;
my $seen = parallel(50, @jobs);
for my $id (sort keys %$seen) {
    my ($what, $name) = split / /, $id, 2;
    if ($what eq 'fact') { print say_result('fact', $name, $seen->{$id}); next }
    my $results = $seen->{$id};
    if ($results->{error}) { my ($n) = $name =~ /n(\d+)$/; my $group = $groups{(sort keys %groups)[$n]}; $results = { map { ($_->{id} => { setup => $results->{error} }) } @{$group->{probes}} } }
    print say_result('probe', $_, $results->{$_}) for sort keys %$results;
}
print say_result('default', 0, { %{$default // {}}, six => $default6 // {}, controller => (split / /, $ENV{SSH_CONNECTION} // '')[0] // '' });
print "$MARK end\n";
exit 0;
`
