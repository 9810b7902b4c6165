/** The script by which a node takes a change back. */
import { rawScript } from '../connection/script.ts'
import { PVE_REVERT } from './guard-pve.ts'

/**
 * Runs on the node with nobody watching. The first thing it does is to win the rename; what it finds then it puts back:
 * files, links that the change made, addresses, ports, routes, rules, forwarding, daemons that read the files.
 */
export const REVERT = rawScript(String.raw`#!/bin/sh
# Written by pvectl: puts back what run $(cat run) changed.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 022
root=/var/lib/pvectl/guard
if [ "$1" = later ]; then run=$(cat "$(dirname "$0")/run") || exit 1
else
	run=$(cat $root/armed/run 2>/dev/null) || exit 0
	mv $root/armed "$root/$run.reverted" 2>/dev/null || exit 0
fi
cd "$root/$run.reverted" || exit 1
keep=$(cat keep)
exec 3>>report
note() { printf '%s\n' "$*" >&3; }
${PVE_REVERT}
if [ "$1" = later ]; then pve_later; exit 0; fi
[ "$1" = timer ] || systemctl stop "pvectl-guard-$run.timer" 2>/dev/null
note "reverted by $1 at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
# Nothing of the run may go on beside this.
if [ -e "/run/pvectl/$run" ]; then
	: > "/run/pvectl/$run/stop"
	w=$(cat worker)
	if grep -q "$run" "/proc/$w/cmdline" 2>/dev/null; then kill -TERM -"$w"; sleep 0.2; kill -KILL -"$w" 2>/dev/null; fi
fi
names() { sed -n 's/^[[:blank:]]*iface[[:blank:]][[:blank:]]*\([^[:blank:]]*\).*/\1/p' "$1" 2>/dev/null | sort -u; }
names /etc/network/interfaces > names.after
names interfaces > names.before
# files
touched=
grep '^/etc/pve/' "$keep/.paths" > pve-paths 2>/dev/null || rm -f pve-paths
[ "$1" = boot ] || pve_stop
if [ -e "$keep/.paths" ]; then
	while IFS= read -r p; do
		case "$p" in /etc/pve/*) continue ;; esac
		if [ "$1 $p" = "boot /etc/network/interfaces.new" ]; then
			# The boot would apply it: that was not asked for, and may be what cut the node off.
			note "not put back at boot: $p, which is kept in $keep/files"
		elif [ -e "$keep/files$p" ] || [ -L "$keep/files$p" ]; then
			cp -a -- "$keep/files$p" "$p.pvectl-revert" && mv -f -- "$p.pvectl-revert" "$p" && note "restored $p"
		elif [ -e "$p" ] || [ -L "$p" ]; then
			rm -rf -- "$p" && note "removed $p"
		fi
		touched="$touched $p"
	done < "$keep/.paths"
fi
pve_put || pve_wait
[ ! -e "$keep/run" ] || echo reverted > "$keep/result"
sync
rm -f /etc/systemd/system/sysinit.target.wants/pvectl-guard.service /etc/systemd/system/pvectl-guard.service
# daemons that the run brought: with their package's own configuration they would answer on all interfaces
was() { grep -qE "^$2=($3)\$" "unit.$1"; }
for d in dnsmasq nginx; do
	[ -s "unit.$d" ] || continue
	now=$(systemctl is-enabled $d.service 2>/dev/null)
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
# links that only the new file knows
comm -13 names.before names.after > names.new
while IFS= read -r l; do
	if [ -e "/sys/class/net/$l" ] && ! grep -q "^[0-9]*: $l[:@]" links; then ip link del "$l" 2>/dev/null && note "removed link $l"; fi
done < names.new
# what is gone
cat names.before names.after | sort -u > names.all
while IFS= read -r l; do
	if [ ! -e "/sys/class/net/$l" ] && grep -q "^[0-9]*: $l[:@]" links; then ifup --force "$l" >/dev/null 2>&1 && note "brought up $l"; fi
done < names.before
# ports
while read -r l m; do
	[ -e "/sys/class/net/$l" ] || continue
	now=$(readlink "/sys/class/net/$l/master" 2>/dev/null); now=$(basename "$now" 2>/dev/null)
	[ "$now" != "$m" ] || continue
	case "$now$m" in '') continue ;; esac
	if [ -n "$m" ]; then ip link set "$l" master "$m" && note "put $l back into $m"; else ip link set "$l" nomaster && note "took $l out of $now"; fi
done < masters
# addresses and link state of the links that the file describes
while IFS= read -r l; do
	[ -e "/sys/class/net/$l" ] || continue
	grep -q "^[0-9]*: $l[:@]" links || continue
	awk -v l="$l" '$2==l {print $4}' addresses | sort > want
	ip -o address show dev "$l" | awk '{print $4}' | sort > have
	comm -13 want have | while read -r a; do case "$a" in fe80:*) ;; *) ip address del "$a" dev "$l" && note "removed $a from $l" ;; esac; done
	comm -23 want have | while read -r a; do
		b=$(awk -v l="$l" -v a="$a" '$2==l && $4==a {for(i=5;i<NF;i++) if($i=="brd") print "brd " $(i+1)}' addresses)
		case "$a" in fe80:*) ;; *) ip address add "$a" $b dev "$l" && note "added $a to $l" ;; esac
	done
	m=$(sed -n "s/^[0-9]*: $l[:@].* mtu \([0-9]*\) .*/\1/p" links)
	[ "$(cat "/sys/class/net/$l/mtu")" = "$m" ] || { ip link set "$l" mtu "$m" && note "set the mtu of $l to $m"; }
	if grep "^[0-9]*: $l[:@]" links | grep -q '[<,]UP[,>]'; then ip link set "$l" up; else ip link set "$l" down; fi
done < names.all
# routes
for v in 4 6; do
	ip -$v route show table main > now.routes
	grep -vxFf "routes$v" now.routes | grep -v 'proto kernel' | while IFS= read -r r; do set -f; ip -$v route del $r 2>/dev/null && note "removed route $r"; done
	grep -vxFf now.routes "routes$v" | sed 's/ linkdown//' | while IFS= read -r r; do set -f; ip -$v route replace $r 2>/dev/null && note "restored route $r"; done
done
for v in 4 6; do
	ip -$v rule show | grep -vxFf "prules$v" | while read -r pref rest; do ip -$v rule del pref "$(printf %s "$pref" | tr -d :)" && note "removed rule $pref $rest"; done
done
# tables that did not exist before; those of iptables are emptied below
nft list tables 2>/dev/null | grep -vxFf tables | while read -r _ family name; do
	nft list table "$family" "$name" 2>/dev/null | grep -q 'managed by iptables-nft' && continue
	case "$family $name" in 'ip filter'|'ip nat'|'ip mangle'|'ip raw'|'ip6 filter'|'ip6 nat'|'ip6 mangle'|'ip6 raw') continue ;; esac
	nft delete table "$family" "$name" && note "removed nft table $family $name"
done
# rules; a table that did not exist before is emptied. Those of Proxmox VE are its own to make, from the files
[ ! -e pve-stopped ] || sed -i '/PVEFW-/d' rules4 rules6
plain() { sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//' "$1"; }
for v in 4 6; do
	p=iptables; [ $v = 4 ] || p=ip6tables
	$p-save > now.rules 2>/dev/null || continue
	for t in $(sed -n 's/^\*//p' now.rules); do
		grep -qxF "*$t" "rules$v" || sed -n "/^\*$t\$/,/^COMMIT/p" now.rules | sed -n -e 's/^\(:[^ ]* \)[AD][^ ]*/\1ACCEPT/p' -e '/^[*C]/p' >> "rules$v"
	done
	plain now.rules > a; plain "rules$v" > b
	cmp -s a b || { $p-restore < "rules$v" && note "restored $p rules"; }
done
# tables of our own that were there before, as their files have them again
for f in /etc/pvectl/*.nft; do
	case "$touched " in *" $f "*) [ ! -e "$f" ] || { nft -f "$f" && note "loaded $f"; } ;; esac
done
while read -r f v; do
	[ "$(cat "$f")" = "$v" ] || { printf '%s\n' "$v" > "$f" && note "set $f to $v"; }
done < forwarding
# daemons that read the files
case "$touched" in *" /etc/systemd/"*) systemctl daemon-reload ;; esac
case "$touched" in *" /etc/ssh/"*) sshd -t && systemctl reload ssh && note 'reloaded ssh' ;; esac
for d in dnsmasq nginx; do
	[ -s "unit.$d" ] || continue
	if was $d ActiveState 'active|activating|reloading'; then
		systemctl is-active --quiet $d.service || { systemctl start $d.service && note "started $d"; }
	elif systemctl is-active --quiet $d.service; then systemctl stop $d.service && note "stopped $d"; fi
done
case "$touched" in *" /etc/dnsmasq"*) systemctl is-active --quiet dnsmasq && systemctl restart dnsmasq && note 'restarted dnsmasq' ;; esac
case "$touched" in *" /etc/nginx/"*) systemctl is-active --quiet nginx && nginx -t -q 2>/dev/null && systemctl try-reload-or-restart nginx && note 'reloaded nginx' ;; esac
if [ -e ssh-was-active ] && ! systemctl is-active --quiet ssh.service; then systemctl restart ssh.service && note 'started ssh'; fi
systemctl is-active --quiet "pvectl-guard-$run-later" || pve_start
[ ! -e "/run/pvectl/$run/log" ] || printf '\n%s end reverted\n' "$(cat mark)" >> "/run/pvectl/$run/log"
: > done
sync
`)
