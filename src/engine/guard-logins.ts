/** What the guard keeps and puts back of logins beside sshd: accounts, their keys, and what PAM and sshd ask of files. */

/** What each login reads before its command. */
const STARTS = '/etc/environment /etc/bash.bashrc /etc/profile /etc/nsswitch.conf /etc/ssh/sshrc /etc/ld.so.preload'

/**
 * In the folder of the guard, where `snap` exists: of root and of whoever became root, the account, its groups, its keys, and the
 * modes that sshd is strict about; and the files by which PAM lets people in.
 */
export const LOGINS_SNAPSHOT = `for u in root $SUDO_USER; do getent passwd "$u" || :; done | sort -u > logins
for f in passwd shadow; do cut -d: -f1 logins | while IFS= read -r u; do grep "^$u:" "/etc/$f" || :; done > "logins.$f"; done
for f in group gshadow; do cut -d: -f1 logins | while IFS= read -r u; do grep -E "^$u:|[:,]$u(,|$)" "/etc/$f" || :; done | sort -u > "logins.$f"; done
cut -d: -f6 logins | while IFS= read -r h; do echo "$h/.ssh/authorized_keys"; done > logins.keys
cut -d: -f6 logins | while IFS= read -r h; do
	for f in .bashrc .profile .bash_profile .bash_login .ssh/rc .ssh/environment; do printf '%s\\n' "$h/$f"; done
done > logins.starts
{ printf '%s\\n' / /etc /etc/ssh /usr/sbin/sshd; cut -d: -f7 logins; cut -d: -f6 logins; cut -d: -f6 logins | sed 's,$,/.ssh,'; cat logins.keys; } | while IFS= read -r p; do
	stat -L -c '%a %U:%G %n' -- "$p" 2>/dev/null || :
done > logins.modes
{ printf '%s\\n' /etc/pam.d /etc/security/access.conf /etc/nologin /etc/hosts.allow /etc/hosts.deny ${STARTS}; cat logins.keys logins.starts; } | while IFS= read -r p; do
	if [ -e "$p" ] || [ -L "$p" ]; then cp -a --parents "$p" snap/ 2>/dev/null || :; fi
done`

/** Functions of the revert: `login_files` names the files to be as before, `logins_back` does the rest. */
export const LOGINS_REVERT = String.raw`login_files() {
	cat logins.keys logins.starts 2>/dev/null
	for p in /etc/nologin /etc/hosts.allow /etc/hosts.deny /etc/security/access.conf ${STARTS} /etc/pam.d/* snap/etc/pam.d/*; do printf '%s\n' "$p"; done
}
logins_back() {
	for f in passwd shadow group gshadow; do
		[ -s "logins.$f" ] || continue
		while IFS= read -r l; do
			grep -qxF -- "$l" "/etc/$f" && continue
			u=$(printf %s "$l" | cut -d: -f1)
			cp -a "/etc/$f" "/etc/$f.pvectl-revert" && u=$u l=$l awk -F: '
				$1 == ENVIRON["u"] { print ENVIRON["l"]; seen = 1; next } { print } END { if (!seen) print ENVIRON["l"] }
			' "/etc/$f" > "/etc/$f.pvectl-revert" && mv -f "/etc/$f.pvectl-revert" "/etc/$f" &&
				note "$u in /etc/$f is as before the run" || failed "$u in /etc/$f"
		done < "logins.$f"
	done
	while read -r m o p; do
		now=$(stat -L -c '%a %U:%G' -- "$p" 2>/dev/null) || continue
		[ "$now" != "$m $o" ] || continue
		chown -- "$o" "$p" && chmod -- "$m" "$p" && note "set $p to $m $o" || failed "$p, which was $m $o"
	done < logins.modes
}`
