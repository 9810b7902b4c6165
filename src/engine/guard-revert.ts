/** The script by which a node takes a change back. */
import { rawScript } from '../connection/script.ts'
import { LINKS_REVERT } from './guard-links.ts'
import { LOGINS_REVERT } from './guard-logins.ts'
import { NET_REVERT } from './guard-net.ts'
import { PVE_REVERT } from './guard-pve.ts'
import { BOOT } from './record.ts'

/**
 * Runs on the node with nobody watching. The first thing it does is to win the rename; what it finds then it puts back:
 * files, links that the change made, addresses, ports, routes, rules, forwarding, daemons that read the files. Where it
 * is broken off itself it is run again, out of the renamed folder: at boot while the files are not back, by whoever asks
 * for the report, and by the next run.
 */
export const REVERT = rawScript(String.raw`#!/bin/sh
# Written by pvectl: puts back what run $(cat run) changed.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 022
root=/var/lib/pvectl/guard
case "$0" in
*.reverted/revert)
	# Begun before, and broken off: by a power cut, or killed.
	run=$(cat "$(dirname "$0")/run") || exit 1
	cd "$root/$run.reverted" || exit 1
	[ "$1" = later ] || [ ! -e done ] || exit 0
	;;
*)
	run=$(cat $root/armed/run 2>/dev/null) || exit 0
	if mv $root/armed "$root/$run.reverted" 2>/dev/null; then cd "$root/$run.reverted" || exit 1
	else
		# On a file system that became read-only nobody can win; a confirmation cannot either.
		[ -e $root/armed/run ] && ! { true > $root/probe; } 2>/dev/null || exit 0
		[ ! -e "/run/pvectl-$run.reverted" ] || exit 0
		cp -a $root/armed "/run/pvectl-$run.reverted" && cd "/run/pvectl-$run.reverted" || exit 1
		rm -f report done
	fi
	;;
esac
keep=$(cat keep)
rm -f reserve
exec 3>>report
note() { printf '%s\n' "$*" >&3; }
failed() { note "NOT put back: $*"; }
if [ "$1" != later ]; then
	p=$(cat pid 2>/dev/null)
	if [ -n "$p" ] && [ "$p" != $$ ] && grep -qs "$root" "/proc/$p/cmdline"; then exit 0; fi
	echo $$ > pid
	${BOOT.latin1}
	[ -e boot ] || echo "$pv_boot" > boot
	# Room for what is compared: where one place is full, another.
	for t in /run/pvectl-revert "$PWD/tmp" /dev/shm/pvectl-revert; do
		{ rm -rf -- "$t"; mkdir -m 700 "$t" && head -c 131072 /dev/zero > "$t/room" && rm "$t/room"; } 2>/dev/null && break
	done
fi
${PVE_REVERT}
${LINKS_REVERT}
${NET_REVERT}
${LOGINS_REVERT}
if [ "$1" = later ]; then pve_later; exit 0; fi
[ "$1" = timer ] || systemctl stop "pvectl-guard-$run.timer" 2>/dev/null
how='reverted by'; [ ! -s report ] || how='had broken off, taken up again by'
note "$how $1 at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
# Nothing of the run may go on beside this.
if [ -e "/run/pvectl/$run" ]; then
	: > "/run/pvectl/$run/stop"
	w=$(cat worker)
	if grep -q "$run" "/proc/$w/cmdline" 2>/dev/null; then kill -TERM -"$w"; sleep 0.2; kill -KILL -"$w" 2>/dev/null; fi
fi
names() { cat "$@" 2>/dev/null | sed -n 's/^[[:blank:]]*iface[[:blank:]][[:blank:]]*\([^[:blank:]]*\).*/\1/p' | sort -u; }
[ -e names.after ] || names /etc/network/interfaces /etc/network/interfaces.d/* > names.after
# files
touched=$(cat touched 2>/dev/null)
touches() { touched="$touched $1"; printf ' %s' "$1" >> touched; }
grep '^/etc/pve/' "$keep/.paths" > pve-paths 2>/dev/null || rm -f pve-paths
[ "$1" = boot ] || pve_stop
if [ -e "$keep/.paths" ]; then
	while IFS= read -r p; do
		case "$p" in /etc/pve/*) continue ;; esac
		if [ "$1 $p" = "boot /etc/network/interfaces.new" ]; then
			# The boot would apply it: that was not asked for, and may be what cut the node off.
			note "not put back at boot: $p, which is kept in $keep/files"
		elif [ -e "$keep/files$p" ] || [ -L "$keep/files$p" ]; then
			[ -d "$(dirname "$p")" ] || mkdir -p -- "$(dirname "$p")"
			# On a full disk the kept file itself takes the place.
			{ cp -a -- "$keep/files$p" "$p.pvectl-revert" || { rm -rf -- "$p.pvectl-revert"; cp -al -- "$keep/files$p" "$p.pvectl-revert"; }; } 2>/dev/null &&
				mv -f -- "$p.pvectl-revert" "$p" && note "restored $p" || {
				rm -rf -- "$p.pvectl-revert"
				# A file that cannot be replaced could not be replaced by the run either.
				[ -f "$p" ] && cmp -s -- "$keep/files$p" "$p" || failed "$p, which is kept in $keep/files"
			}
		elif [ -e "$p" ] || [ -L "$p" ]; then
			rm -rf -- "$p" && note "removed $p" || failed "$p, which was not there"
		fi
		touches "$p"
	done < "$keep/.paths"
fi
# The way in as it was, also where a command changed it behind the back of the run. What stood there is kept.
put_away() { mkdir -p "$PWD/replaced$(dirname "$1")" && mv -f -- "$1" "$PWD/replaced$1"; }
# The cluster filesystem takes no owners and modes.
into_pve() {
	{ [ ! -x /usr/bin/pmxcfs ] || mountpoint -q /etc/pve; } && mkdir -p "$PWD/replaced$(dirname "$1")" && { [ ! -e "$1" ] || cat -- "$1" > "$PWD/replaced$1"; } &&
		cat -- "snap$1" > "$1.pvectl-revert" && mv -f -- "$1.pvectl-revert" "$1"
}
parents() {
	[ ! -d "$(dirname "$1")" ] || return 0
	parents "$(dirname "$1")"
	mkdir "$(dirname "$1")" && chown --reference="snap$(dirname "$1")" "$(dirname "$1")" && chmod --reference="snap$(dirname "$1")" "$(dirname "$1")"
}
as_before() {
	[ -d snap ] || return 0
	# At boot /etc/pve is not there yet; what the run itself wrote in it is pve_put's.
	case "$1" in /etc/pve/*) if [ "$2" = boot ] || grep -qsxF "$1" pve-paths; then return 0; fi ;; esac
	k=; [ ! -e "$1" ] || k="; what stood there is kept in $PWD/replaced"
	if [ -e "snap$1" ] || [ -L "snap$1" ]; then
		if [ -L "snap$1" ]; then [ "$(readlink "snap$1")" = "$(readlink "$1")" ] && return 0
		else cmp -s "snap$1" "$1" && return 0; fi
		case "$1" in
		/etc/pve/*) into_pve "$1" 2>/dev/null || { failed "$1, which is kept in $PWD/snap"; return 0; } ;;
		*) { [ ! -e "$1" ] || put_away "$1"; } && parents "$1" && cp -a -- "snap$1" "$1.pvectl-revert" && mv -f -- "$1.pvectl-revert" "$1" || { rm -rf -- "$1.pvectl-revert"; failed "$1, which is kept in $PWD/snap"; return 0; } ;;
		esac
	elif [ -e "$1" ]; then put_away "$1" || { failed "$1, which was not there"; return 0; }
	else return 0; fi
	note "$1 is as before the run$k"
	touches "$1"
}
all_before() {
	while IFS= read -r p; do as_before "$p" "$1"; done
}
for p in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* snap/etc/ssh/sshd_config.d/* snap/etc/ssh/ssh_host_* \
	/etc/systemd/system/ssh.service.d/* snap/etc/systemd/system/ssh.service.d/*; do printf '%s\n' "$p"; done |
	sed 's/^snap//' | cat - behind.sshd > $t/ways
case "$1" in
timer | systemd | boot) { login_files; for p in /etc/sudoers /etc/sudoers.d/* snap/etc/sudoers.d/* /etc/network/interfaces /etc/network/interfaces.d/* snap/etc/network/interfaces.d/*; do printf '%s\n' "$p"; done; } |
	sed 's/^snap//' | cat - behind.links >> $t/ways ;;
esac
all_before "$1" < $t/ways
logins_back
pve_put || pve_wait
[ ! -e "$keep/run" ] || echo reverted > "$keep/result"
sync
: > files-back
rm -f /etc/systemd/system/sysinit.target.wants/pvectl-guard.service /etc/systemd/system/pvectl-guard.service
# daemons that the run brought: with their package's own configuration they would answer on all interfaces
was() { grep -qE "^$2=($3)\$" "unit.$1"; }
if was ssh UnitFileState enabled && [ "$(systemctl show -P UnitFileState ssh.service 2>/dev/null)" != enabled ]; then
	systemctl unmask -q ssh.service
	systemctl enable -q ssh.service 2>/dev/null && note 'enabled ssh' || failed 'ssh, which was enabled'
	[ "$1" != boot ] || systemctl --no-block start ssh.service
fi
for d in dnsmasq nginx; do
	[ -s "unit.$d" ] || continue
	now=$(systemctl show -P UnitFileState $d.service 2>/dev/null)
	if [ "$now" = enabled ] && ! was $d UnitFileState 'enabled.*'; then
		systemctl --no-reload disable $d.service >/dev/null 2>&1 && note "disabled $d"
		[ "$1" != boot ] || systemctl --no-block stop $d.service 2>/dev/null
	elif [ "$now" = disabled ] && was $d UnitFileState enabled; then
		systemctl --no-reload enable $d.service >/dev/null 2>&1 && note "enabled $d"
	fi
done
if [ "$1" = boot ]; then
	# Nothing is up yet; the restored files bring the old state with them.
	note 'at boot: the restored files are used'; : > done; exit 0
fi
names interfaces /etc/network/interfaces.d/* > $t/names.before
link_names_back
ovs_back
# links that only the new file knows
comm -13 $t/names.before names.after > $t/names.new
while IFS= read -r l; do
	if [ -e "/sys/class/net/$l" ] && ! grep -q "^[0-9]*: $l[:@]" links; then ip link del "$l" 2>/dev/null && note "removed link $l"; fi
done < $t/names.new
# what is gone
cat $t/names.before names.after | sort -u > $t/names.all
while IFS= read -r l; do
	if [ ! -e "/sys/class/net/$l" ] && grep -q "^[0-9]*: $l[:@]" links; then ifup --force "$l" >/dev/null 2>&1 && note "brought up $l"; fi
done < $t/names.before
bond_modes_back
# ports
while read -r l m; do
	[ -e "/sys/class/net/$l" ] || continue
	now=$(readlink "/sys/class/net/$l/master" 2>/dev/null); now=$(basename "$now" 2>/dev/null)
	[ "$now" != "$m" ] || continue
	case "$now$m" in ''|*ovs-system*) continue ;; esac
	if [ -n "$m" ]; then join "$l" "$m" && note "put $l back into $m"; else ip link set "$l" nomaster && note "took $l out of $now"; fi
done < masters
bonds_back
# addresses and link state of the links that the file describes
while IFS= read -r l; do
	[ -e "/sys/class/net/$l" ] || continue
	grep -q "^[0-9]*: $l[:@]" links || continue
	awk -v l="$l" '$2==l {print $4}' addresses | sort > $t/want
	ip -o address show dev "$l" | awk '{print $4}' | sort > $t/have
	comm -13 $t/want $t/have | while read -r a; do case "$a" in fe80:*) ;; *) ip address del "$a" dev "$l" && note "removed $a from $l" ;; esac; done
	comm -23 $t/want $t/have | while read -r a; do
		b=$(awk -v l="$l" -v a="$a" '$2==l && $4==a {for(i=5;i<NF;i++) if($i=="brd") print "brd " $(i+1)}' addresses)
		case "$a" in fe80:*) ;; *) ip address add "$a" $b dev "$l" && note "added $a to $l" ;; esac
	done
	m=$(sed -n "s/^[0-9]*: $l[:@].* mtu \([0-9]*\) .*/\1/p" links)
	[ "$(cat "/sys/class/net/$l/mtu")" = "$m" ] || { ip link set "$l" mtu "$m" && note "set the mtu of $l to $m"; }
	w=down; if grep "^[0-9]*: $l[:@]" links | grep -q '[<,]UP[,>]'; then w=up; fi
	now=down; if ip -o link show dev "$l" | grep -q '[<,]UP[,>]'; then now=up; fi
	[ $w = $now ] || { ip link set "$l" $w && note "set $l $w"; }
done < $t/names.all
# routes, of all tables; twice, since one may lead to the gateway of another
plain_routes() { sed -e 's/ linkdown//' -e 's/ dead//' -e 's/ expires [0-9]*sec//' "$@"; }
for v in 4 6 4 6; do
	plain_routes "routes$v" > $t/routes
	ip -$v route show table all | plain_routes > $t/now.routes
	grep -vxFf $t/routes $t/now.routes | grep -v 'proto kernel' | while IFS= read -r r; do set -f; ip -$v route del $r 2>/dev/null && note "removed route $r"; done
	grep -vxFf $t/now.routes $t/routes | while IFS= read -r r; do set -f; ip -$v route replace $r 2>/dev/null && note "restored route $r"; done
done
for v in 4 6; do
	ip -$v rule show > $t/now.prules
	grep -vxFf $t/now.prules "prules$v" | while read -r pref rest; do set -f; ip -$v rule add pref "$(printf %s "$pref" | tr -d :)" $rest && note "restored rule $pref $rest"; done
	grep -vxFf "prules$v" $t/now.prules | while read -r pref rest; do ip -$v rule del pref "$(printf %s "$pref" | tr -d :)" && note "removed rule $pref $rest"; done
done
net_back
# tables that did not exist before; those of iptables are emptied below
nft list tables 2>/dev/null | grep -vxFf tables | while read -r _ family name; do
	case "$family" in ip|ip6) nft list table "$family" "$name" 2>/dev/null | grep -q 'managed by iptables-nft' && continue ;; esac
	case "$family $name" in 'ip filter'|'ip nat'|'ip mangle'|'ip raw'|'ip6 filter'|'ip6 nat'|'ip6 mangle'|'ip6 raw') continue ;; esac
	nft delete table "$family" "$name" && note "removed nft table $family $name"
done
# tables that did, with what they held
for f in nft.*.*; do
	[ -e "$f" ] || continue
	n=$(sed -n '1s/^table \([^ ]* [^ ]*\) {.*/\1/p' "$f")
	nft -s list table $n > $t/now.table 2>/dev/null && cmp -s "$f" $t/now.table && continue
	{ [ ! -s $t/now.table ] || echo "delete table $n"; cat "$f"; } | nft -f - && note "restored nft table $n" || failed "nft table $n, which is kept in $PWD/$f"
done
# shapers and filters of packets
tc qdisc show 2>/dev/null | grep -vxFf qdiscs | while read -r _ kind _ _ dev where _; do
	case "$kind $where" in
	'ingress '*|'clsact '*) tc qdisc del dev "$dev" "$kind" ;;
	*' root') tc qdisc del dev "$dev" root 2>/dev/null ;;
	*) false ;;
	esac && note "removed qdisc $kind of $dev"
done
# bridges
while IFS=: read -r f v; do
	[ ! -e "$f" ] || [ "$(cat "$f")" = "$v" ] || { echo "$v" > "$f" && note "set $f to $v" || failed "$f, which was $v"; }
done < bridges
# VLANs of their ports: a line each of port, numbers and flags
vids() { awk 'NR > 1 && NF { if (/^[^ \t]/) { p = $1; $1 = "" } $1 = $1; sub(/^ */, ""); print p, $0 }' "$1" | sort; }
bridge -compressvlans vlan show > $t/now.vlans 2>/dev/null
vids vlans > $t/want; vids $t/now.vlans > $t/have
vlan() {
	while read -r l n flags; do
		grep -q "^[0-9]*: $l[:@]" links && [ -e "/sys/class/net/$l" ] || continue
		self=; [ ! -d "/sys/class/net/$l/bridge" ] || self=self
		case "$flags" in *PVID*) pvid=pvid ;; *) pvid= ;; esac
		case "$flags" in *Untagged*) untagged=untagged ;; *) untagged= ;; esac
		[ "$1" = add ] || pvid= untagged=
		bridge vlan "$1" dev "$l" vid "$n" $pvid $untagged $self && note "VLAN $n of $l: $1" || failed "VLAN $n of $l"
	done
}
comm -13 $t/want $t/have | vlan del
comm -23 $t/want $t/have | vlan add
# rules; a table that did not exist before is emptied. Those of Proxmox VE are its own to make, from the files
cp rules4 rules6 $t/
[ ! -e pve-stopped ] || sed -i '/PVEFW-/d' $t/rules4 $t/rules6
plain() { sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//' "$1"; }
for v in 4 6; do
	p=iptables; [ $v = 4 ] || p=ip6tables
	$p-save > $t/now.rules 2>/dev/null || continue
	for tb in $(sed -n 's/^\*//p' $t/now.rules); do
		grep -qxF "*$tb" $t/rules$v || sed -n "/^\*$tb\$/,/^COMMIT/p" $t/now.rules | sed -n -e 's/^\(:[^ ]* \)[AD][^ ]*/\1ACCEPT/p' -e '/^[*C]/p' >> $t/rules$v
	done
	plain $t/now.rules > $t/a; plain $t/rules$v > $t/b
	cmp -s $t/a $t/b || { $p-restore -w 10 < $t/rules$v && note "restored $p rules" || failed "$p rules, which are kept in $PWD/rules$v"; }
done
# tables of our own that were there before, as their files have them again
for f in /etc/pvectl/*.nft; do
	case "$touched " in *" $f "*) [ ! -e "$f" ] || { nft -f "$f" && note "loaded $f"; } ;; esac
done
# daemons that read the files
case "$touched" in *" /etc/systemd/"*) systemctl daemon-reload ;; esac
case "$touched" in
*" /etc/systemd/system/ssh"*) systemctl restart ssh && note 'restarted ssh' ;;
*" /etc/ssh/"*) sshd -t && systemctl reload ssh && note 'reloaded ssh' ;;
esac
for d in dnsmasq nginx; do
	[ -s "unit.$d" ] || continue
	if was $d ActiveState 'active|activating|reloading'; then
		systemctl is-active --quiet $d.service || { systemctl start $d.service && note "started $d"; }
	elif systemctl is-active --quiet $d.service; then systemctl stop $d.service && note "stopped $d"; fi
done
case "$touched" in *" /etc/dnsmasq"*) systemctl is-active --quiet dnsmasq && systemctl restart dnsmasq && note 'restarted dnsmasq' ;; esac
case "$touched" in *" /etc/nginx/"*) systemctl is-active --quiet nginx && nginx -t -q 2>/dev/null && systemctl try-reload-or-restart nginx && note 'reloaded nginx' ;; esac
if [ -e ssh-was-active ] && ! systemctl is-active --quiet ssh.service; then
	systemctl reset-failed ssh.service 2>/dev/null
	systemctl restart ssh.service && note 'started ssh' || failed 'ssh, which does not start'
fi
systemctl is-active --quiet "pvectl-guard-$run-later" || pve_start
[ ! -e "/run/pvectl/$run/log" ] || printf '\n%s end reverted\n' "$(cat mark)" >> "/run/pvectl/$run/log"
: > done
rm -rf -- "$t"
sync
`)
