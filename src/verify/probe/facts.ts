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
