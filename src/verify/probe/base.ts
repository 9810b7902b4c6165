/** What all of the probe is built on: processes that end together, namespaces, commands with a time limit. In Perl. */

/**
 * A namespace needs no name: it is gone with the last process in it, and so is the cable that leads into it, whatever
 * ended the processes. Those die with their parent (PR_SET_PDEATHSIG), so a kill of any of them leaves nothing.
 */
export const BASE = String.raw`
use strict; use warnings; no warnings 'portable';
use JSON::PP; use POSIX (); use Socket; use IO::Select; use IO::Poll qw(POLLHUP); use IO::Handle; use Time::HiRes qw(time sleep);
use constant { DEADLINE => 60, AF_PACKET => 17, SOCK_NONBLOCK => 2048 };
my $json = JSON::PP->new->ascii->canonical->allow_nonref;
my ($MARK, $PLAN) = @ARGV;
my $plan = $json->decode($PLAN);
my %CALL = (x86_64 => { unshare => 272, prctl => 157 }, aarch64 => { unshare => 97, prctl => 167 });
my $call = $CALL{(POSIX::uname())[4]};
$| = 1;

sub say_result { my ($what, $id, $value) = @_; return "$MARK " . $json->encode({ what => $what, id => "$id", value => $value }) . "\n" }

# A child that is gone as soon as its parent is.
sub child {
    my ($work) = @_;
    my $parent = $$;
    my $pid = fork // die "cannot fork: $!";
    return $pid if $pid;
    syscall($call->{prctl}, 1, 9, 0, 0, 0) if $call;
    exit 1 if getppid != $parent;
    $SIG{$_} = 'DEFAULT' for qw(TERM INT HUP ALRM);
    eval { $work->(); 1 } or print STDERR $@;
    POSIX::_exit(0);
}

# Runs jobs side by side, each in a process of its own; what they return, by id. Those that are late are killed.
sub parallel {
    my ($seconds, @jobs) = @_;
    my ($select, %of, %text, %result, @pids) = IO::Select->new;
    for my $job (@jobs) {
        my ($id, $work) = @$job;
        pipe(my $in, my $out) or die "cannot make a pipe: $!";
        push @pids, child(sub {
            close $in;
            my $value = eval { $work->() };
            my $why = $@; $why =~ s/ at - line.*//s;
            $value = { error => $why || 'no result' } if !defined $value;
            syswrite_all($out, $json->encode($value));
        });
        close $out; $select->add($in); $of{fileno $in} = $id; $text{$id} = '';
    }
    my $end = time + $seconds;
    while ($select->count && time < $end) {
        for my $in ($select->can_read($end - time)) {
            my $id = $of{fileno $in};
            next if sysread($in, $text{$id}, 65536, length $text{$id});
            $result{$id} = eval { $json->decode($text{$id}) } // { error => 'the probe broke off' };
            $select->remove($in); close $in;
        }
    }
    kill 9, @pids; waitpid $_, 0 for @pids;
    $result{$_} //= { error => 'no answer in time' } for map { $_->[0] } @jobs;
    return \%result;
}

sub syswrite_all {
    my ($out, $text) = @_;
    my $at = 0;
    while ($at < length $text) { $at += syswrite($out, $text, 65536, $at) // return }
}

# What a command prints; empty when it is not installed. Without complaints: ip tells of links that come and go meanwhile.
sub output { return run_command('/dev/null', @_) }

# What is wrong with a command; undefined when it did its work.
sub quiet { my $said = run_command(undef, @_); return $? == 0 ? undef : "@_: $said" }

sub run_command {
    my ($errors, @command) = @_;
    my $pid = open(my $from, '-|') // return '';
    if (!$pid) {
        defined $errors ? open(STDERR, '>', $errors) : open(STDERR, '>&', \*STDOUT);
        open STDIN, '<', '/dev/null';
        { no warnings 'exec'; exec { $command[0] } @command; }
        POSIX::_exit(127);
    }
    local $/; my $text = <$from> // ''; close $from;
    return $text;
}

sub slurp { my ($file) = @_; open my $in, '<:raw', $file or return undef; local $/; my $text = <$in>; $text =~ s{\n\z}{} if defined $text && $file =~ m{^/(proc|sys)/}; return $text }
sub ip_number { return unpack 'N', inet_aton($_[0]) }
sub ip_text { return inet_ntoa(pack 'N', $_[0]) }
# Bits of an address of either family, as a text of 0 and 1.
sub ip_bits { my ($ip) = @_; return unpack 'B*', Socket::inet_pton($ip =~ /:/ ? Socket::AF_INET6() : AF_INET, $ip) // '' }
sub in_network {
    my ($ip, $cidr) = @_;
    my ($net, $length) = split m{/}, $cidr;
    my ($one, $other) = (ip_bits($ip), ip_bits($net));
    return length $one && length $one == length $other && substr($one, 0, $length // 128) eq substr($other, 0, $length // 128);
}
`
