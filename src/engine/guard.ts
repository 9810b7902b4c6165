/**
 * The guard: commit-confirmed changes. Before the first risky step the node itself arms a timed revert; only a new,
 * authenticated connection that has seen the node converged disarms it. `docs/safety.md` states the promises.
 */
import { rawScript, type Script, sh } from '../connection/script.ts'
import { PVE_REVERT } from './guard-pve.ts'

/** Where an armed revert keeps its state: there while it waits, and the winner of the race renames it away. */
export const GUARD_ROOT = '/var/lib/pvectl/guard'

/** Seconds that a risky run waits for its confirmation, unless told otherwise. */
export const CONFIRM_TIMEOUT_S = 90

/**
 * Arms the guard from within the worker, after `PV_RUN` and `PV_KEEP` are set. Everything the revert needs is on disk
 * before the first step: a snapshot of links, addresses, routes, rules and forwarding, the revert script, a timer with
 * one second of accuracy, and a boot unit, so that a power loss reverts too.
 */
export function armScript(runId: string, timeoutSeconds: number, mark: string): Script {
  return sh`pv_guard=${GUARD_ROOT}/armed
rm -rf -- ${GUARD_ROOT}/arming
# Not as a condition: sh ignores set -e inside one.
(
set -e
mkdir -p -m 700 ${GUARD_ROOT}/arming
cd ${GUARD_ROOT}/arming
printf '%s\n' ${runId} > run
printf '%s\n' "$PV_KEEP" > keep
printf '%s\n' ${mark} > mark
printf '%s\n' $$ > worker
${SNAPSHOT}
printf '%s' ${REVERT.bytes()} > revert
printf '%s' ${BOOT_UNIT} > /etc/systemd/system/pvectl-guard.service
mkdir -p /etc/systemd/system/sysinit.target.wants
ln -sfn /etc/systemd/system/pvectl-guard.service /etc/systemd/system/sysinit.target.wants/pvectl-guard.service
sync -f . 2>/dev/null || :
mv ${GUARD_ROOT}/arming "$pv_guard"
systemd-run -q --unit=${guardUnit(runId)} --on-active=${timeoutSeconds} --timer-property=AccuracySec=100ms \
	-p Restart=no sh ${GUARD_ROOT}/armed/revert timer
)
[ $? -eq 0 ] || pv_end unguarded
${holdFunction(runId)}
`
}

/** Ends the worker while an earlier run's guard is armed: its revert would put back files under the hands of this run. */
export const REFUSE_WHILE_ARMED = sh`[ ! -e ${GUARD_ROOT}/armed ] || pv_end guarded "$(cat ${GUARD_ROOT}/armed/run 2>/dev/null)"`

/**
 * Confirms over a new connection. Prints `confirmed`, or `reverted` and why: the rename has one winner. When it prints
 * `confirmed`, the timer and the boot unit are gone.
 */
export function confirmScript(runId: string): Script {
  return sh`if [ "$(cat ${GUARD_ROOT}/armed/run 2>/dev/null)" = ${runId} ] && mv ${GUARD_ROOT}/armed ${GUARD_ROOT}/${runId}.confirmed 2>/dev/null; then
	systemctl stop ${guardUnit(runId)}.timer 2>/dev/null || :
	${DISARM_BOOT}
	rm -rf ${GUARD_ROOT}/${runId}.confirmed
	echo confirmed
else
	echo reverted
	${reportScript(runId)}
fi
`
}

/** Waits for a revert that has begun to end, and prints its report. */
function reportScript(runId: string): Script {
  return sh`if [ -d ${GUARD_ROOT}/${runId}.reverted ]; then
		n=0
		while [ ! -e ${GUARD_ROOT}/${runId}.reverted/done ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done
		cat ${GUARD_ROOT}/${runId}.reverted/report
	else echo 'nothing was armed'; fi`
}

/** Reverts at once instead of waiting for the timer: the run itself failed after it was armed. Prints the report. */
export function revertNowScript(runId: string): Script {
  return sh`if [ "$(cat ${GUARD_ROOT}/armed/run 2>/dev/null)" = ${runId} ]; then sh ${GUARD_ROOT}/armed/revert failure; fi
${reportScript(runId)}
`
}

/**
 * Defines `pv_hold SECONDS`, which starts the timer anew when that long has passed since it was: a run that makes
 * progress is not reverted, however long it takes.
 */
function holdFunction(runId: string): Script {
  // systemctl costs a hundred times as much as reading a file, and steps are many.
  return sh`pv_clock() { read -r pv_now pv_idle < /proc/uptime; pv_now=${rawScript('${pv_now%%.*}')}; }
pv_clock
pv_held=$pv_now
pv_hold() {
	pv_clock
	[ $((pv_now - pv_held)) -ge $1 ] || return 0
	systemctl restart ${guardUnit(runId)}.timer 2>/dev/null || :
	pv_held=$pv_now
}`
}

/**
 * Holds the timer while a step runs that cannot cut the link and may take long: packages come over slow lines, and
 * wait for other package managers. Ends with the worker, by {@link HOLD_NO_MORE}, and after a quarter of an hour.
 */
export function holdMeanwhile(runId: string, timeoutSeconds: number): Script {
  return sh`( pv_n=0
while [ $pv_n -lt 900 ] && sleep ${Math.max(1, Math.floor(timeoutSeconds / 3))} && kill -0 $$; do
	systemctl restart ${guardUnit(runId)}.timer
	pv_n=$((pv_n+${Math.max(1, Math.floor(timeoutSeconds / 3))}))
done ) </dev/null >/dev/null 2>&1 9>&- &
pv_meanwhile=$!`
}

/** Ends {@link holdMeanwhile}, and starts the timer anew. */
export const HOLD_NO_MORE = rawScript('kill "$pv_meanwhile" 2>/dev/null || :; pv_hold 0')

/** Name of the timer and its service; one a run, since systemd keeps a name until its service has ended. */
function guardUnit(runId: string): string {
  return `pvectl-guard-${runId}`
}

const DISARM_BOOT = rawScript(
  'rm -f /etc/systemd/system/sysinit.target.wants/pvectl-guard.service /etc/systemd/system/pvectl-guard.service',
)

const BOOT_UNIT = `[Unit]
Description=Undo a network change that nobody confirmed before the node went down
DefaultDependencies=no
ConditionPathExists=${GUARD_ROOT}/armed/revert
After=local-fs.target
Before=network-pre.target networking.service ssh.service pvenetcommit.service
Wants=network-pre.target

[Service]
Type=oneshot
ExecStart=/bin/sh ${GUARD_ROOT}/armed/revert boot
`

/** Live state, as commands read it back. */
const SNAPSHOT = rawScript(String.raw`ip -o address show > addresses
ip -o link show > links
awk '{ n = $2; sub(/[:@].*/, "", n); m = ""; for (i = 3; i < NF; i++) if ($i == "master") m = $(i + 1); print n, m }' links > masters
ip -4 route show table main > routes4
ip -6 route show table main > routes6
ip -4 rule show > prules4
ip -6 rule show > prules6
iptables-save > rules4 2>/dev/null || :
ip6tables-save > rules6 2>/dev/null || :
nft list tables > tables 2>/dev/null || :
systemctl show -p Id -p ActiveState -p UnitFileState ssh.service dnsmasq.service nginx.service 2>/dev/null |
	awk -v RS= '{ n = $0; sub(/.*Id=/, "", n); sub(/[.]service.*/, "", n); print > ("unit." n) }' || :
if grep -qxE 'ActiveState=(active|reloading)' unit.ssh 2>/dev/null; then : > ssh-was-active; fi
for f in /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding; do
	if read -r v < "$f"; then printf '%s %s\n' "$f" "$v"; fi
done > forwarding 2>/dev/null
cp -p /etc/network/interfaces interfaces 2>/dev/null || :`)

/**
 * Runs on the node with nobody watching. The first thing it does is to win the rename; what it finds then it puts back:
 * files, links that the change made, addresses, ports, routes, rules, forwarding, daemons that read the files.
 */
const REVERT = rawScript(String.raw`#!/bin/sh
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
