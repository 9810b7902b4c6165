/** What the guard keeps and puts back of bonds and of Open vSwitch, which `ip link` alone cannot. */

/** Settings of bonds, and the database of Open vSwitch with a text that tells whether it has changed. */
export const LINKS_SNAPSHOT = `for f in /sys/class/net/*/bonding; do
	b=${'$'}{f%/bonding} b=${'$'}{b##*/}
	for o in mode miimon xmit_hash_policy lacp_rate primary; do
		v=
		read -r v _ < "$f/$o" && echo "$b $o $v"
	done
done > bonds 2>/dev/null
if [ -e /usr/bin/ovs-vsctl ] && ovs-vsctl -t 5 show > ovs.before 2>/dev/null; then
	ovsdb-client -t 10 backup > ovs.db 2>/dev/null || rm -f ovs.db
	ovs-vsctl -t 5 list Port 2>/dev/null | grep -E '^(name|tag|trunks|vlan_mode|bond_mode|lacp|other_config) ' >> ovs.before
fi`

/** Functions of the revert: `ovs_back`, before links are looked at, and `bonds_back`, after their slaves are back. */
export const LINKS_REVERT = String.raw`ovs_state() {
	ovs-vsctl -t 5 show 2>/dev/null
	ovs-vsctl -t 5 list Port 2>/dev/null | grep -E '^(name|tag|trunks|vlan_mode|bond_mode|lacp|other_config) '
}
ovs_back() {
	[ -e /usr/bin/ovs-vsctl ] && ovs-vsctl -t 5 show > /dev/null 2>&1 || return 0
	if [ ! -e ovs.before ]; then
		for b in $(ovs-vsctl -t 5 list-br); do ovs-vsctl -t 10 del-br "$b" && note "removed OVS bridge $b" || failed "OVS bridge $b, which was not there"; done
		return 0
	fi
	[ -e ovs.db ] || return 0
	ovs_state > $t/ovs.now
	cmp -s ovs.before $t/ovs.now && return 0
	# guests that were plugged in meanwhile
	for b in $(ovs-vsctl -t 5 list-br); do
		for p in $(ovs-vsctl -t 5 list-ports "$b" | grep -E '^(tap|veth|fwln)[0-9]+'); do
			grep -q "\"*$p\"*$" ovs.before || echo "$b $p $(ovs-vsctl -t 5 get Port "$p" tag | tr -dc '0-9')"
		done
	done > $t/ovs.guests
	ovsdb-client -t 10 restore < ovs.db && note 'restored the database of Open vSwitch' || failed "the database of Open vSwitch, which is kept in $PWD/ovs.db"
	# waits until it has taken effect
	ovs-vsctl -t 10 -- --if-exists del-port pvectl-none
	while read -r b p v; do ovs-vsctl -t 10 -- --may-exist add-port "$b" "$p" ${'$'}{v:+tag=$v} && note "put $p back into $b"; done < $t/ovs.guests
}
join() {
	[ ! -d "/sys/class/net/$2/bonding" ] || ip link set "$1" down
	ip link set "$1" master "$2"
}
bond_modes_back() {
	while read -r b o v; do
		[ "$o" = mode ] && [ -d "/sys/class/net/$b/bonding" ] || continue
		read -r now _ < "/sys/class/net/$b/bonding/mode"
		[ "$now" != "$v" ] || continue
		ip link set "$b" down
		for s in $(cat "/sys/class/net/$b/bonding/slaves"); do ip link set "$s" nomaster; done
		ip link set "$b" type bond mode "$v" && note "set the mode of $b to $v" || failed "the mode of $b, which was $v"
	done < bonds
}
bonds_back() {
	while read -r b o v; do
		[ "$o" != mode ] && [ -n "$v" ] && [ -d "/sys/class/net/$b/bonding" ] || continue
		now=
		read -r now _ < "/sys/class/net/$b/bonding/$o"
		[ "$now" != "$v" ] || continue
		[ "$o" != lacp_rate ] || ip link set "$b" down
		ip link set "$b" type bond "$o" "$v" 2>/dev/null && note "set $o of $b to $v"
		[ "$o" != lacp_rate ] || ip link set "$b" up
	done < bonds
}
`
