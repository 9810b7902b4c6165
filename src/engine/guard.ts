/**
 * The guard: commit-confirmed changes. Before the first risky step the node itself arms a timed revert; only a new,
 * authenticated connection that has seen the node converged disarms it. `docs/safety.md` states the promises.
 */
import { rawScript, type Script, sh } from '../connection/script.ts'
import { RECORDS_ROOT } from '../facts/run-records.ts'
import { LINKS_SNAPSHOT } from './guard-links.ts'
import { LOGINS_SNAPSHOT } from './guard-logins.ts'
import { NET_SNAPSHOT } from './guard-net.ts'
import { REVERT } from './guard-revert.ts'
import { BOOT } from './record.ts'

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
# Room for the revert on a disk that is full by then; noise, since some file systems keep no zeros.
head -c 262144 /dev/urandom > reserve
${SNAPSHOT}
printf '%s' ${REVERT.bytes()} > revert
printf '%s' ${BOOT_UNIT} > /etc/systemd/system/pvectl-guard.service
mkdir -p /etc/systemd/system/sysinit.target.wants
ln -sfn /etc/systemd/system/pvectl-guard.service /etc/systemd/system/sysinit.target.wants/pvectl-guard.service
sync -f . 2>/dev/null || :
mv ${GUARD_ROOT}/arming "$pv_guard"
systemd-run -q --unit=${guardUnit(runId)} --on-active=${timeoutSeconds} --timer-property=AccuracySec=100ms \
	-p Restart=on-failure -p RestartSec=1 sh -c ${timerScript(runId)}
)
if [ $? -ne 0 ]; then
	${DISARM_BOOT}
	rm -rf -- "$pv_guard" ${GUARD_ROOT}/arming
	pv_end unguarded
fi
${holdFunction(runId)}
`
}

/**
 * What the timer starts, and systemd starts again when it is killed. Without `;`, quotes and line ends: on daemon-reload
 * systemd reads transient units back from /run, and up to version 252 it garbles a `;` in them.
 */
function timerScript(runId: string): string {
  const [armed, begun] = [`${GUARD_ROOT}/armed/revert`, `${GUARD_ROOT}/${runId}.reverted/revert`]
  return `[ ! -e ${begun} ] || exec sh ${begun} systemd && [ ! -e ${armed} ] || exec sh ${armed} timer`
}

/** True in sh while the revert in the folder `$pv_g` is at work. */
const AT_WORK = sh`grep -qs ${GUARD_ROOT} "/proc/$(cat "$pv_g/pid" 2>/dev/null)/cmdline"`

/**
 * Ends the worker while an earlier run's guard is armed: its revert would put back files under the hands of this run.
 * Where the timer of that guard is gone nobody would ever revert, so this is done at once: `recovered`, after the report.
 * So it is where a revert is at work, or was broken off: the plan of this run is of a node in between.
 */
export const REFUSE_WHILE_ARMED = sh`if [ -e ${GUARD_ROOT}/armed ]; then
	pv_r=$(cat ${GUARD_ROOT}/armed/run 2>/dev/null)
	! systemctl is-active --quiet "pvectl-guard-$pv_r.timer" || pv_end guarded "$pv_r"
	sh ${GUARD_ROOT}/armed/revert 'the next run' 9>&-
	[ ! -e ${GUARD_ROOT}/armed ] || mv ${GUARD_ROOT}/armed ${GUARD_ROOT}/"$pv_r.broken"
	cat ${GUARD_ROOT}/"$pv_r.reverted/report"
	pv_end recovered "$pv_r"
fi
${BOOT}
for pv_g in ${GUARD_ROOT}/*.reverted; do
	if [ -e "$pv_g/done" ] || [ ! -e "$pv_g/revert" ]; then continue; fi
	if [ -e "$pv_g/files-back" ] && [ "$(cat "$pv_g/boot" 2>/dev/null)" != "$pv_boot" ]; then continue; fi
	pv_r=$(cat "$pv_g/run")
	pv_n=0
	sleep 0.2
	while [ ! -e "$pv_g/done" ] && ${AT_WORK}; do
		[ $pv_n -lt 300 ] || pv_end guarded "$pv_r"
		sleep 0.2; pv_n=$((pv_n+1))
	done
	[ -e "$pv_g/done" ] || sh "$pv_g/revert" 'the next run' 9>&-
	cat "$pv_g/report"
	[ -e "$pv_g/done" ] || mv "$pv_g" ${GUARD_ROOT}/"$pv_r.broken"
	pv_end recovered "$pv_r" late
done`

/**
 * Confirms over a new connection. Prints `confirmed`, or `reverted` and why: the rename has one winner. When it prints
 * `confirmed`, the timer and the boot unit are gone. Asked once more, since the answer was lost, it answers the same.
 */
export function confirmScript(runId: string): Script {
  const own = `${GUARD_ROOT}/${runId}.confirmed`
  const told = `${RECORDS_ROOT}/${runId}/confirmed`
  return sh`if [ "$(cat ${GUARD_ROOT}/armed/run 2>/dev/null)" = ${runId} ]; then mv ${GUARD_ROOT}/armed ${own} 2>/dev/null; fi
if [ -e ${own} ]; then
	: > ${told}
	systemctl stop ${guardUnit(runId)}.timer 2>/dev/null || :
	[ -e ${GUARD_ROOT}/armed ] || ${DISARM_BOOT}
	rm -rf ${own}
	echo confirmed
elif [ -e ${told} ]; then echo confirmed
else
	echo reverted
	${reportScript(runId)}
fi
`
}

/** Starts the timer anew from outside the run: while somebody is there who looks on, the time is not up. */
export function holdScript(runId: string): Script {
  return sh`systemctl restart ${guardUnit(runId)}.timer 2>/dev/null || :
`
}

/** Waits for a revert that has begun to end, takes it up again where it was broken off, and prints its report. */
function reportScript(runId: string): Script {
  const own = `${GUARD_ROOT}/${runId}.reverted`
  return sh`pv_g=${own}
	if [ -d ${own} ]; then
		n=0
		while [ ! -e ${own}/done ] && [ $n -lt 300 ] && { [ $n -lt 10 ] || ${AT_WORK}; }; do sleep 0.1; n=$((n+1)); done
		[ -e ${own}/done ] || sh ${own}/revert pvectl
		cat ${own}/report
		[ -e ${own}/done ] || echo 'NOT put back: all that is not named here, since the revert has not come to its end'
	else
		systemctl stop ${guardUnit(runId)}.timer 2>/dev/null || :
		[ -e ${GUARD_ROOT}/armed ] || ${DISARM_BOOT}
		if [ -e ${`/run/pvectl-${runId}.reverted/report`} ]; then
			cat ${`/run/pvectl-${runId}.reverted/report`}
			echo ${`NOT put back: ${GUARD_ROOT}/armed, which is read-only; the next run or boot reverts once more`}
		else echo ${NOTHING_ARMED}; fi
	fi`
}

/** What a node answers that has nothing to put back: its guard is gone. */
export const NOTHING_ARMED = 'nothing was armed'

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
Description=Undo a network change that nobody confirmed before the node went down, or that was being undone
DefaultDependencies=no
ConditionPathExistsGlob=${GUARD_ROOT}/*/revert
After=local-fs.target
Before=systemd-sysctl.service network-pre.target networking.service ssh.service pvenetcommit.service
Wants=network-pre.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for d in ${GUARD_ROOT}/armed ${GUARD_ROOT}/*.reverted; do [ -e $d/done ] || [ -e $d/files-back ] || [ ! -e $d/revert ] || /bin/sh $d/revert boot; done'
`

/** Live state, as commands read it back. */
const SNAPSHOT = rawScript(String.raw`ip -o address show > addresses
ip -o link show > links
awk '{ n = $2; sub(/[:@].*/, "", n); m = ""; for (i = 3; i < NF; i++) if ($i == "master") m = $(i + 1); print n, m }' links > masters
ip -4 route show table all > routes4
ip -6 route show table all > routes6
ip -4 rule show > prules4
ip -6 rule show > prules6
iptables-save > rules4 2>/dev/null || :
ip6tables-save > rules6 2>/dev/null || :
nft list tables > tables 2>/dev/null || :
while read -r _ f n; do
	case "$f $n" in 'ip filter'|'ip nat'|'ip mangle'|'ip raw'|'ip6 filter'|'ip6 nat'|'ip6 mangle'|'ip6 raw'|*' proxmox-firewall'*) continue ;; esac
	nft -s list table "$f" "$n" > "nft.$f.$n"
done < tables
tc qdisc show > qdiscs 2>/dev/null || :
bridge -compressvlans vlan show > vlans 2>/dev/null || :
grep -sH . /sys/class/net/*/bridge/vlan_filtering /sys/class/net/*/bridge/stp_state /sys/class/net/*/bridge/forward_delay > bridges || :
systemctl show -p Id -p ActiveState -p UnitFileState ssh.service dnsmasq.service nginx.service 2>/dev/null |
	awk -v RS= '{ n = $0; sub(/.*Id=/, "", n); sub(/[.]service.*/, "", n); print > ("unit." n) }' || :
if grep -qxE 'ActiveState=(active|reloading)' unit.ssh 2>/dev/null; then : > ssh-was-active; fi
${LINKS_SNAPSHOT}
${NET_SNAPSHOT}
cp -p /etc/network/interfaces interfaces 2>/dev/null || :
mkdir snap
cp -a --parents /etc/network/interfaces /etc/network/interfaces.d /etc/ssh/sshd_config /etc/ssh/sshd_config.d /etc/ssh/ssh_host_* \
	/etc/systemd/system/ssh.service.d /etc/sudoers /etc/sudoers.d snap/ 2>/dev/null || :
${LOGINS_SNAPSHOT}
behind() {
	for f in "$@"; do [ ! -L "$f" ] || readlink -e -- "$f" || :; done | while IFS= read -r f; do
		[ ! -f "$f" ] || cp -a --parents "$f" snap/ 2>/dev/null || :
		printf '%s\n' "$f"
	done
}
behind /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* > behind.sshd
behind /etc/network/interfaces /etc/network/interfaces.d/* /etc/sudoers /etc/sudoers.d/* $(cat logins.keys) > behind.links`)
