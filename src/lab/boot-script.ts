/** What runs a node: a small shell script that outlives pvectl. */

/**
 * Runs one node until it powers off; a reboot inside the node starts it again. Its network namespace and cable are
 * made anew for each boot, since a rebooted machine has none of its old links, rules and kernel settings either.
 */
export const BOOT_SCRIPT = `#!/bin/sh
# Usage: boot NETNS VETH MAC BRIDGE ROOT MACHINE HOSTNAME CGROUP-FOLDER...
netns=$1 veth=$2 mac=$3 bridge=$4 root=$5 machine=$6 hostname=$7
shift 7
for folder; do
	echo $$ >"$folder/cgroup.procs" || exit 1
done
set --
[ ! -e /dev/net/tun ] || set -- --bind=/dev/net/tun

unplug() {
	ip link delete "$veth"
	ip netns delete "$netns"
} 2>/dev/null

plug() {
	ip netns add "$netns" &&
		ip link add "$veth" master "$bridge" type veth peer name eno1 address "$mac" netns "$netns" &&
		ip link set "$veth" up &&
		# A new namespace takes over the host's setting.
		ip netns exec "$netns" sysctl -qw net.ipv4.ip_forward=0
}

while :; do
	unplug
	plug || exit 1
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --keep-unit --register=no --boot \\
		--directory="$root" --machine="$machine" --hostname="$hostname" --network-namespace-path="/run/netns/$netns" \\
		--capability=all --resolv-conf=off --timezone=off --link-journal=no --console=pipe "$@"
	status=$?
	unplug
	# 133 is systemd-nspawn's word for a reboot.
	[ "$status" = 133 ] || exit "$status"
done
`
