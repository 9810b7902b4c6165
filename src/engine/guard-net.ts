/** What the guard keeps and puts back of the network beside links, addresses, routes and rules. */

/** Kernel parameters that decide whether packets are answered; a few files each link, not all of the thousands. */
const PARAMETERS = [
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/net/ipv4/conf/*/arp_ignore',
  '/proc/sys/net/ipv4/conf/*/arp_announce',
  '/proc/sys/net/ipv4/conf/*/arp_filter',
  '/proc/sys/net/ipv4/conf/*/rp_filter',
  '/proc/sys/net/ipv4/conf/*/forwarding',
  '/proc/sys/net/ipv6/conf/*/disable_ipv6',
  '/proc/sys/net/ipv6/conf/*/forwarding',
  '/proc/sys/net/bridge/bridge-nf-call-*',
].join(' ')

/** Neighbours that somebody set by hand, kernel parameters, policies of IPsec, ports of bridges, and frames filtered by ebtables. */
export const NET_SNAPSHOT = `ip neigh show nud permanent > neighbours
grep -sH . ${PARAMETERS} > parameters || :
grep -sH . /sys/class/net/*/brport/state > ports || :
ip -o xfrm policy > xfrm 2>/dev/null || :
ebtables-save > ebtables 2>/dev/null || rm -f ebtables`

/**
 * Functions of the revert: `link_names_back` before links are looked at, `net_back` after addresses and routes are back.
 * A link keeps its number when it is renamed.
 */
export const NET_REVERT = String.raw`link_names_back() {
	ip -o link show > $t/now.links
	sed -n 's/^\([0-9]*\): \([^:@]*\)[:@].*/\1 \2/p' links | while read -r i l; do
		[ ! -e "/sys/class/net/$l" ] || continue
		now=$(sed -n "s/^$i: \([^:@]*\)[:@].*/\1/p" $t/now.links)
		[ -n "$now" ] || continue
		ip link set "$now" down; ip link set "$now" name "$l" && ip link set "$l" up && note "renamed $now to $l"
	done
}
net_back() {
	while IFS= read -r l; do
		was=$(grep "^[0-9]*: $l[:@]" links) now=$(ip -o link show dev "$l" 2>/dev/null)
		[ -n "$was" ] && [ -n "$now" ] || continue
		case "$was" in *NOARP*) ;; *) case "$now" in *NOARP*) ip link set "$l" arp on && note "set arp of $l on" ;; esac ;; esac
		m=$(printf %s "$was" | sed -n 's/.*link\/ether \([0-9a-f:]*\) .*/\1/p')
		case "$now" in *"$m"*) ;; *) ip link set "$l" address "$m" && note "set the hardware address of $l to $m" || failed "the hardware address $m of $l" ;; esac
	done < $t/names.all
	ip neigh show nud permanent | grep -vxFf neighbours | while read -r a _ d _; do ip neigh del "$a" dev "$d" && note "removed neighbour $a of $d"; done
	while IFS=: read -r f s; do
		[ -e "$f" ] && [ "$s" = 3 ] && [ "$(cat "$f")" = 0 ] || continue
		l=${'$'}{f%/brport/state} l=${'$'}{l##*/}
		[ "$(cat "/sys/class/net/$l/operstate")" != up ] || { bridge link set dev "$l" state 3 && note "set the port $l to forwarding"; }
	done < ports
	ip -o xfrm policy 2>/dev/null | grep -vxFf xfrm | while IFS= read -r x; do
		set -f
		s=$(printf '%s' "$x" | cut -d '\' -f 1) d=$(printf '%s' "$x" | sed -n 's/.*dir \([a-z]*\) .*/\1/p')
		ip xfrm policy delete $s dir $d 2>/dev/null && note "removed IPsec policy $s dir $d"
	done
	# All twice: what is set for all links is set for each, too.
	for n in 1 2; do
		while IFS=: read -r f v; do
			[ -e "$f" ] && [ "$(cat "$f")" != "$v" ] || continue
			printf '%s\n' "$v" > "$f" && note "set $f to $v"
		done < parameters
	done
	if [ -e ebtables ]; then
		ebtables-save > $t/now.ebtables 2>/dev/null
		grep -v '^#' ebtables > $t/want; grep -v '^#' $t/now.ebtables > $t/have
		cmp -s $t/want $t/have || { { cat ebtables; for tb in $(sed -n 's/^\*//p' $t/have | grep -vxF "$(sed -n 's/^\*//p' $t/want)"); do
			echo "*$tb"; sed -n "/^\*$tb\$/,/^\*/s/^\(:[^ ]*\) .*/\1 ACCEPT/p" $t/have; done; } > $t/all.ebtables
			ebtables-restore < $t/all.ebtables && note 'restored ebtables rules' || failed "ebtables rules, which are kept in $PWD/ebtables"; }
	fi
}`
