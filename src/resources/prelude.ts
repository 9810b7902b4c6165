/** The sh functions that step scripts may use. Sent once a run; kept small, since every byte goes to every node. */
import { rawScript } from '../connection/script.ts'

/** A parameter expansion of the shell, whose braces a template of this language would take for its own. */
const v = (expansion: string) => `\${${expansion}}`

/**
 * Functions for step scripts (all run as root under `set -e`):
 *
 * - `pv_fail MESSAGE…`: ends the step with that message.
 * - `pv_backup PATH`: keeps what stands at PATH, once a run, for `rollback`.
 * - `pv_expect PATH SHA256|absent|packaged`: fails when the content is no longer what the plan was made from. `packaged`:
 *   there was no file, and this run installs packages, so one that a package brought is nobody's work.
 * - `pv_write PATH MODE OWNER:GROUP CONTENT EXPECTED`: all of the above, then writes beside PATH and renames.
 *   A symlink is written through, never replaced; below /etc/pve (pmxcfs knows no owners) mode and owner are left alone.
 * - `pv_undo PATH`: puts back what the last `pv_write` or `pv_remove` of PATH replaced.
 * - `pv_remove PATH EXPECTED`: the counterpart for removal of a file or link.
 * - `pv_validate PATH WHAT COMMAND…`: runs COMMAND; when it fails, undoes PATH and fails with its output.
 * - `pv_holders PATH`: prints ` by pid N (NAME)` for processes that hold a lock on PATH, by flock(2) or fcntl(2).
 * - `pv_parameter FILE VALUE`: sets a kernel parameter; a guard learns what it was, and puts it back.
 * - `pv_unit VERB UNIT`: `systemctl VERB UNIT`; on failure adds the unit's last log lines. A start is done
 *   also where there were several within seconds, which systemd would refuse (StartLimitBurst). Links of SysV init stay as they are
 *   where there is a unit file: to bring them along, systemctl reloads systemd twice more.
 *
 * Processes are what a step costs, and files are many, so what the shell can do by itself it does: the functions set
 * `pv_p` (path behind a symlink) and `pv_u` (copy for undo) instead of printing them.
 *
 * `PV_RUN` is the run's directory under /run, `PV_KEEP` the one that keeps previous content.
 */
export const PRELUDE = rawScript(String.raw`
pv_fail() { printf '%s\n' "$*" >&2; exit 1; }
pv_real() { if [ -L "$1" ]; then readlink -f -- "$1" || printf '%s' "$1"; else printf '%s' "$1"; fi; }
pv_follow() { pv_p=$1; [ ! -L "$1" ] || pv_p=$(pv_real "$1"); }
pv_there() { [ -e "$1" ] || [ -L "$1" ]; }
pv_kept() {
	[ -e "$PV_KEEP/.paths" ] || return 1
	while IFS= read -r pv_l; do [ "$pv_l" != "$1" ] || return 0; done < "$PV_KEEP/.paths"
	return 1
}
pv_backup() {
	if pv_kept "$1"; then return 0; fi
	[ -d "$PV_KEEP" ] || mkdir -p "$PV_KEEP"
	if pv_there "$1"; then
		[ -d "$PV_KEEP/files${v('1%/*')}" ] || mkdir -p "$PV_KEEP/files${v('1%/*')}"
		cp -a -- "$1" "$PV_KEEP/files$1"
	fi
	printf '%s\n' "$1" >> "$PV_KEEP/.paths"
}
pv_expect() {
	if [ -f "$1" ]; then pv_now=$(sha256sum < "$1"); pv_now=${v('pv_now%% *')}
	elif pv_there "$1"; then pv_now=other
	else pv_now=absent; fi
	[ "$pv_now" != "$2" ] || return 0
	case "$pv_now $2" in
	'absent packaged') return 0 ;;
	*' packaged') ! dpkg-query -S "$1" >/dev/null 2>&1 || return 0 ;;
	esac
	pv_fail "$1 was changed by somebody else since it was read; nothing written. Run again."
}
pv_undo_at() {
	pv_u=$PV_RUN/undo pv_r=$1
	while [ "$pv_r" != "${v('pv_r#*/')}" ]; do pv_u=${v('pv_u')}${v('pv_r%%/*')}_ pv_r=${v('pv_r#*/')}; done
	pv_u=$pv_u$pv_r
}
pv_save_undo() {
	pv_undo_at "$1"
	if pv_there "$pv_u"; then rm -rf -- "$pv_u"; fi
	if pv_there "$1"; then cp -a -- "$1" "$pv_u"; fi
}
pv_write() {
	pv_follow "$1"
	pv_expect "$pv_p" "$5"
	pv_backup "$pv_p"
	pv_save_undo "$pv_p"
	pv_d=${v('pv_p%/*')}
	[ -d "$pv_d/" ] || mkdir -p -m 755 -- "$pv_d"
	pv_t="$pv_d/.${v('pv_p##*/')}.pvectl-new"
	if pv_there "$pv_t"; then rm -f -- "$pv_t"; fi
	pv_m="$2 $3"
	if [ -g "$pv_d/" ]; then pv_m=inherited; fi
	case "$pv_p" in /etc/pve/*) pv_m='0644 root:root' ;; esac
	case "$pv_m" in
	'0644 root:root') printf '%s' "$4" > "$pv_t" ;;
	'0600 root:root') (umask 077; printf '%s' "$4" > "$pv_t") ;;
	*) (umask 077; printf '%s' "$4" > "$pv_t") && chown -- "$3" "$pv_t" && chmod -- "$2" "$pv_t" ;;
	esac || { rm -f -- "$pv_t"; pv_fail "cannot write beside $pv_p (disk full or read-only?)"; }
	sync -d -- "$pv_t" 2>/dev/null || :
	mv -f -- "$pv_t" "$pv_p" || { rm -f -- "$pv_t"; pv_fail "cannot replace $pv_p"; }
}
pv_remove() {
	pv_expect "$1" "$2"
	pv_backup "$1"
	pv_save_undo "$1"
	rm -f -- "$1"
}
pv_undo() {
	pv_follow "$1"
	pv_undo_at "$pv_p"
	if pv_there "$pv_u"; then
		cp -a -- "$pv_u" "$pv_p.pvectl-undo" && mv -f -- "$pv_p.pvectl-undo" "$pv_p"
	else rm -f -- "$pv_p"; fi
}
pv_validate() {
	pv_path=$1 pv_what=$2
	shift 2
	if ! pv_out=$("$@" 2>&1); then
		pv_undo "$pv_path"
		printf '%s\n' "$pv_out" >&2
		pv_fail "$pv_what rejects the new $pv_path; the previous state is back"
	fi
}
pv_holders() {
	awk -v i=":$(stat -c %i -- "$1" 2>/dev/null)" '$2 != "->" && $5 > 0 && substr($6, length($6) - length(i) + 1) == i { print $5 }' /proc/locks | sort -u |
		while read -r pv_q; do printf ' by pid %s (%s)' "$pv_q" "$(cat "/proc/$pv_q/comm" 2>/dev/null || echo gone)"; done
}
pv_parameter() {
	if [ -n "${v('pv_guard-')}" ] && ! grep -qsF "$1:" "$pv_guard/parameters"; then
		printf '%s:%s\n' "$1" "$(cat "$1")" >> "$pv_guard/parameters"
	fi
	printf '%s\n' "$2" > "$1"
}
pv_unit() {
	case "$1" in enable | disable) SYSTEMCTL_SKIP_SYSV=1 systemctl "$1" "$2" 2>/dev/null && return ;; esac
	# It may have failed over and over, or several tasks may each have made it start within seconds.
	case "$1" in start | restart) systemctl reset-failed "$2" 2>/dev/null || : ;; esac
	systemctl "$1" "$2" && return
	journalctl -u "$2" -n 15 --no-pager -o cat >&2 2>/dev/null || :
	pv_fail "systemctl $1 $2 failed; its last log lines are above"
}
`)
