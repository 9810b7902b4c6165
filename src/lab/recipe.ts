/** What a lab node is made of: Debian as a fresh PVE node has it, as far as Debian goes. */
import { createHash } from 'node:crypto'
import type { Release } from './releases.ts'

/** Packages in the base image. Python is there for comparisons with Ansible only; pvectl needs none. */
export const PACKAGES = [
  'bridge-utils',
  'ca-certificates',
  'curl',
  'dbus',
  'e2fsprogs',
  'ifupdown2',
  'iproute2',
  'iptables',
  'iputils-ping',
  'kmod',
  'nftables',
  'openssh-server',
  'openssl',
  'perl',
  'procps',
  'python3',
  'sudo',
  'systemd',
  'systemd-sysv',
  'util-linux',
] as const

/**
 * Packages that nodes don't have yet but can install without a network, with all they depend on. python3-apt is for
 * Ansible in the benchmark.
 */
export const OFFERED = ['dnsmasq', 'nginx', 'nginx-light', 'python3-apt'] as const

/** A container shares the clock of the host, which its chronyd must look at only (`-x`). */
const CHRONY_LOOKS_ONLY = `
printf 'DAEMON_OPTS="-F 1 -x"\\n' >"$root/etc/default/chrony"
`

/** Units that have nothing to do in a node, or would touch the host's kernel. */
export const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'console-getty.service',
  'dev-hugepages.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'modprobe@configfs.service',
  'modprobe@dm_mod.service',
  'modprobe@drm.service',
  'modprobe@efi_pstore.service',
  'modprobe@fuse.service',
  'modprobe@loop.service',
  'systemd-journal-flush.service',
] as const

/** Runs as mmdebstrap's customize hook: on this machine, with the image's root as its argument. */
export const CUSTOMIZE = customizeHook({
  offered: ['chrony', ...OFFERED],
  masked: MASKED,
  first: CHRONY_LOOKS_ONLY,
})

/** What a kind of node has of its own. */
export interface Customization {
  /** Packages that can be installed without a network. */
  readonly offered: readonly string[]
  /** Units that never start. */
  readonly masked: readonly string[]
  /** More of the hook, for where the packages' own repositories can still be reached. */
  readonly first?: string
}

/** A customize hook: the local repository, units that never start, nothing that makes a node an individual. */
export function customizeHook({ offered, masked, first = '' }: Customization): string {
  return `#!/bin/sh
set -eu
root=$1
repository=/var/lib/lab-packages
${first}
# A local repository of the packages on offer; nodes have no other.
mkdir -p "$root$repository/partial"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install -qy --download-only -o APT::Install-Recommends=true \\
	-o Dir::Cache::Archives="$root$repository" ${offered.join(' ')}
rm -rf "$root$repository/partial" "$root$repository/lock"
cd "$root$repository"
for deb in *.deb; do
	# apt would look for the decoded name of a file with an epoch in it.
	file=$(printf %s "$deb" | sed 's/_[0-9]*%3a/_/')
	[ "$deb" = "$file" ] || mv "$deb" "$file"
	dpkg-deb --field "$file"
	printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$file" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
done >Packages
chmod -R a+rX .
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/* "$root/etc/apt/apt.conf.d/99mmdebstrap"
echo "deb [trusted=yes] file:$repository ./" >"$root/etc/apt/sources.list"
chroot "$root" apt-get update -q

# iproute2 of Debian 13 has none, and Debian's ifupdown2 fails without.
mkdir -p "$root/etc/iproute2/rt_tables.d"

chroot "$root" systemctl mask -q ${masked.join(' ')}
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\\nStorage=volatile\\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# What each node gets for itself.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/machine-id"
`
}

/** Identifies the recipe: a changed recipe gets a new image. */
export function recipeHash(release: Release): string {
  return hashOf([release, process.arch, PACKAGES, CUSTOMIZE])
}

/** Short digest of anything that decides what is built, for the name of what is built from it. */
export function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
