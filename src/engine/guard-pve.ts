/** The part of the guard's revert that knows Proxmox VE: files of the cluster filesystem, and its firewalls. */

/**
 * sh functions of the revert script, which runs in its own folder:
 *
 * - `pve_put`: puts back the files below /etc/pve that `pve-paths` lists. They take no owners or modes, and no changes
 *   at all while the cluster has no quorum; then it fails. Before pmxcfs is mounted they must not be written either:
 *   pmxcfs does not start over a folder that is not empty.
 * - `pve_stop`: stops the firewalls when one of their files is among them. What cut the node off may have cut off
 *   corosync too, so that the files cannot be put back for now, and the firewalls would only load them again.
 * - `pve_start`: starts what was stopped, once the files are back.
 * - `pve_later`: waits for that, as a unit of its own.
 */
export const PVE_REVERT = String.raw`pve_put() {
	[ -e pve-paths ] || return 0
	[ ! -x /usr/bin/pmxcfs ] || mountpoint -q /etc/pve || return 1
	while IFS= read -r p; do
		if [ -e "$keep/files$p" ]; then
			cmp -s -- "$keep/files$p" "$p" && continue
			{ cat -- "$keep/files$p" > "$p.pvectl-revert"; } 2>/dev/null && mv -f -- "$p.pvectl-revert" "$p" || return 1
			note "restored $p"
		elif [ -e "$p" ]; then
			rm -f -- "$p" 2>/dev/null || return 1
			note "removed $p"
		fi
	done < pve-paths
}
pve_stop() {
	grep -qE '^/etc/pve/(firewall/|(nodes/[^/]*|local)/host[.]fw$)' pve-paths 2>/dev/null || return 0
	for d in pve-firewall proxmox-firewall; do
		systemctl is-active --quiet $d.service || continue
		grep -qxF $d pve-stopped 2>/dev/null || echo $d >> pve-stopped
		systemctl stop $d.service && note "stopped $d"
	done
}
pve_start() {
	[ -e pve-stopped ] || return 0
	while read -r d; do systemctl start $d.service && note "started $d"; done < pve-stopped
	rm -f pve-stopped
}
pve_wait() {
	note "cannot put back yet: $(tr '\n' ' ' < pve-paths)(/etc/pve takes no changes); done as soon as it does"
	systemd-run -q --no-block --unit="pvectl-guard-$run-later" sh "$root/$run.reverted/revert" later
}
pve_later() {
	until pve_put; do pve_stop; sleep 3; done
	pve_start
}`
