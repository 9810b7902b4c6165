/** The sh functions that step scripts may use. Sent once a run; kept small, since every byte goes to every node. */
import { rawScript } from '../connection/script.ts'

/**
 * Functions for step scripts (all run as root under `set -e`):
 *
 * - `pv_fail MESSAGE…`: ends the step with that message.
 * - `pv_backup PATH`: keeps what stands at PATH, once a run, for `rollback`.
 * - `pv_expect PATH SHA256|absent`: fails when the content is no longer what the plan was made from.
 * - `pv_write PATH MODE OWNER:GROUP CONTENT EXPECTED`: all of the above, then writes beside PATH and renames.
 *   A symlink is written through, never replaced; below /etc/pve (pmxcfs knows no owners) mode and owner are left alone.
 * - `pv_undo PATH`: puts back what the last `pv_write` or `pv_remove` of PATH replaced.
 * - `pv_remove PATH EXPECTED`: the counterpart for removal of a file or link.
 * - `pv_validate PATH WHAT COMMAND…`: runs COMMAND; when it fails, undoes PATH and fails with its output.
 * - `pv_holders PATH`: prints ` by pid N (NAME)` for processes that hold a lock on PATH, by flock(2) or fcntl(2).
 * - `pv_unit VERB UNIT`: `systemctl VERB UNIT`; on failure adds the unit's last log lines.
 *
 * `PV_RUN` is the run's directory under /run, `PV_KEEP` the one that keeps previous content.
 */
export const PRELUDE = rawScript(String.raw`
pv_fail() { printf '%s\n' "$*" >&2; exit 1; }
pv_real() { readlink -f -- "$1" 2>/dev/null || printf '%s' "$1"; }
pv_sha() {
	if [ -f "$1" ]; then set -- $(sha256sum < "$1"); printf '%s' "$1"
	elif [ -e "$1" ] || [ -L "$1" ]; then printf other
	else printf absent; fi
}
pv_backup() {
	case "|$(cat "$PV_KEEP/.paths" 2>/dev/null | tr '\n' '|')" in *"|$1|"*) return 0 ;; esac
	mkdir -p "$PV_KEEP"
	if [ -e "$1" ] || [ -L "$1" ]; then
		mkdir -p "$PV_KEEP/files$(dirname -- "$1")"
		cp -a -- "$1" "$PV_KEEP/files$1"
	fi
	printf '%s\n' "$1" >> "$PV_KEEP/.paths"
}
pv_expect() {
	pv_now=$(pv_sha "$1")
	[ "$pv_now" = "$2" ] || pv_fail "$1 was changed by somebody else since it was read; nothing written. Run again."
}
pv_undo_file() { printf '%s/undo%s' "$PV_RUN" "$(printf '%s' "$1" | tr / _)"; }
pv_save_undo() {
	pv_u=$(pv_undo_file "$1")
	rm -rf -- "$pv_u"
	if [ -e "$1" ] || [ -L "$1" ]; then cp -a -- "$1" "$pv_u"; fi
}
pv_write() {
	pv_p=$(pv_real "$1")
	pv_expect "$pv_p" "$5"
	pv_backup "$pv_p"
	pv_save_undo "$pv_p"
	pv_d=$(dirname -- "$pv_p")
	[ -d "$pv_d" ] || mkdir -p -m 755 -- "$pv_d"
	pv_t="$pv_d/.$(basename -- "$pv_p").pvectl-new"
	rm -f -- "$pv_t"
	case "$pv_p" in
	/etc/pve/*) printf '%s' "$4" > "$pv_t" ;;
	*) (umask 077; printf '%s' "$4" > "$pv_t") && chown -- "$3" "$pv_t" && chmod -- "$2" "$pv_t" ;;
	esac || { rm -f -- "$pv_t"; pv_fail "cannot write beside $pv_p (disk full or read-only?)"; }
	sync -d -- "$pv_t" 2>/dev/null || :
	mv -f -- "$pv_t" "$pv_p"
}
pv_remove() {
	pv_expect "$1" "$2"
	pv_backup "$1"
	pv_save_undo "$1"
	rm -f -- "$1"
}
pv_undo() {
	pv_p=$(pv_real "$1")
	pv_u=$(pv_undo_file "$pv_p")
	if [ -e "$pv_u" ] || [ -L "$pv_u" ]; then
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
	awk -v i=":$(stat -c %i -- "$1" 2>/dev/null)" '$2 != "->" && substr($6, length($6) - length(i) + 1) == i { print $5 }' /proc/locks | sort -u |
		while read -r pv_q; do printf ' by pid %s (%s)' "$pv_q" "$(cat "/proc/$pv_q/comm" 2>/dev/null || echo gone)"; done
}
pv_unit() {
	if ! systemctl "$1" "$2"; then
		journalctl -u "$2" -n 15 --no-pager -o cat >&2 2>/dev/null || :
		pv_fail "systemctl $1 $2 failed; its last log lines are above"
	fi
}
`)
