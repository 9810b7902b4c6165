/** What a VM node is made of: what a container node has, and what takes a machine of its own: kernel, udev, NICs. */
import { customizeHook, hashOf, MASKED, OFFERED, PACKAGES } from '../recipe.ts'
import type { Release } from '../releases.ts'

/** Packages of a VM image beside those of a container. tcpdump is there to see what arrives on a cable. */
export const VM_PACKAGES = [...PACKAGES, 'ethtool', 'tcpdump', 'udev'] as const

/** Can be installed without a network. */
const VM_OFFERED = [...OFFERED, 'openvswitch-switch'] as const

/** Units that only cost time: a boot under emulation is twenty times slower than on a real processor. */
const VM_MASKED = [
  ...MASKED,
  'cryptsetup.target',
  'dev-mqueue.mount',
  'e2scrub_all.service',
  'getty-static.service',
  'getty.target',
  'getty@tty1.service',
  'kmod-static-nodes.service',
  'ldconfig.service',
  'proc-sys-fs-binfmt_misc.automount',
  'proc-sys-fs-binfmt_misc.mount',
  'remote-fs.target',
  'serial-getty@ttyS0.service',
  'sys-fs-fuse-connections.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-boot-update.service',
  'systemd-firstboot.service',
  'systemd-hwdb-update.service',
  'systemd-journal-catalog-update.service',
  'systemd-machine-id-commit.service',
  'systemd-pstore.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-rfkill.socket',
  'systemd-update-done.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-update-utmp.service',
  'uuidd.socket',
  'veritysetup.target',
] as const

/** Folder of a node for what only the lab needs. */
export const LAB_FOLDER = 'usr/local/lib/pvectl-lab'

/** Which identity a disk has; compared with the identity drive at each boot. */
export const IDENTITY_MARK = `${LAB_FOLDER}/identity`

/** What a node that waits for its identity says on its console. */
export const WAITING = 'pvectl-lab: waiting for an identity'

/** Files of an image's `boot` folder, which QEMU starts a VM with. */
export const BOOT_FILES = { kernel: 'boot/vmlinuz', initrd: 'boot/initrd' } as const

/**
 * Number 1 of the initrd: mounts the disk, gives it the identity on the second drive unless it has that one, goes on
 * with the disk's init.
 */
const INIT = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for module in /modules/*.ko; do $b insmod $module; done
tries=0
while [ ! -b /dev/vdb ] && [ $tries -lt 500 ]; do
	$b usleep 10000
	tries=$((tries + 1))
done
$b mount -t ext4 -o rw,noatime /dev/vda /disk || exec $b sh
wanted=$($b tar -xOf /dev/vdb ${IDENTITY_MARK} 2>/dev/null)
if [ -n "$wanted" ] && [ "$wanted" != "$($b cat /disk/${IDENTITY_MARK} 2>/dev/null)" ]; then
	$b tar -xf /dev/vdb -C /disk
fi
$b umount /proc
exec $b switch_root /disk /sbin/init
`

/**
 * Holds a booting node before it touches the network, so that its memory can be saved there and restored as any node.
 * The identity drive is empty until then. The NICs' driver is loaded only after that. What comes next is read once, to
 * have it in memory.
 */
const IDENTITY_SERVICE = `#!/bin/sh
modprobe -a failover net_failover bridge
ifquery --list >/dev/null 2>&1
cat /usr/sbin/sshd /usr/bin/dbus-daemon /lib/systemd/systemd-logind /lib/systemd/libsystemd-shared-*.so >/dev/null
sync
echo '${WAITING}' >/dev/ttyS0
first() {
	dd if=/dev/vdb iflag=direct bs=512 count=1 2>/dev/null | tr -d '\\000'
}
while [ -z "$(first)" ]; do sleep 0.2; done
date -s "@$(cat /sys/class/rtc/rtc0/since_epoch)" >/dev/null
dd if=/dev/vdb iflag=direct bs=64k 2>/dev/null | tar -xf - -C /
hostname -F /etc/hostname
# All nodes come from the same memory: without a seed of its own each would draw the same random numbers.
perl -e 'open my $r, "+>", "/dev/urandom"; syswrite $r, join "", <STDIN>; ioctl $r, 0x5207, 0' </${LAB_FOLDER}/seed
# The NICs of the saved machine are replaced by those of this one, which have other addresses.
for device in /sys/bus/pci/devices/*; do
	[ "$(cat "$device/class")" = 0x020000 ] || continue
	echo "\${device##*/}" >/sys/bus/pci/drivers/virtio-pci/unbind
	echo "\${device##*/}" >/sys/bus/pci/drivers/virtio-pci/bind
done
modprobe virtio_net
udevadm settle --timeout=30
`

const UNIT = `[Unit]
Description=Identity of this lab node
DefaultDependencies=no
After=local-fs.target systemd-udevd.service systemd-udev-trigger.service systemd-tmpfiles-setup.service
Before=network-pre.target networking.service ssh.service
Wants=network-pre.target
ConditionKernelCommandLine=lab.template

[Service]
Type=oneshot
ExecStart=/${LAB_FOLDER}/wait-for-identity
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
`

/** As PVE has it: a bridge takes the MAC address of its first port, not one made up from the machine-id. */
const LINK = `[Match]
OriginalName=*

[Link]
NamePolicy=keep kernel database onboard slot path
MACAddressPolicy=none
`

/** Drivers for what these machines don't have, and the NIC's while a snapshot is made. */
const BLACKLIST = ['aesni_intel', 'ata_generic', 'ata_piix', 'button', 'i2c_piix4', 'libata', 'pcspkr', 'psmouse']

/** Fetches the kernel without what a real installation builds its initrd with, and makes a small initrd. */
const KERNEL = `
draft=$root/lab-draft
mkdir -p "$draft/initrd/bin" "$draft/initrd/modules" "$draft/initrd/dev" "$draft/initrd/proc" "$draft/initrd/disk"
cd "$draft"
export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \\(linux-image-[0-9]\\)/\\1/p' | head -n 1)
apt-get download -q "$kernel" busybox-static
unset APT_CONFIG
dpkg-deb -x "$kernel"_*.deb kernel
dpkg-deb -x busybox-static_*.deb busybox
# Debian 13 has them below /usr, the modules packed.
[ ! -d kernel/lib ] || { mkdir -p kernel/usr; mv kernel/lib kernel/usr/; }
[ ! -d busybox/bin ] || { mkdir -p busybox/usr; mv busybox/bin busybox/usr/; }
version=$(ls kernel/usr/lib/modules)
mv "kernel/usr/lib/modules/$version" "$root/usr/lib/modules.new"
mkdir -p "$root/usr/lib/modules"
mv "$root/usr/lib/modules.new" "$root/usr/lib/modules/$version"
mv "kernel/boot/config-$version" "$root/boot/"
mv "kernel/boot/vmlinuz-$version" "$root/${BOOT_FILES.kernel}"
chroot "$root" depmod "$version"

mv busybox/usr/bin/busybox initrd/bin/busybox
number=10
for module in $(chroot "$root" modprobe -a -S "$version" --show-depends virtio_pci virtio_blk ext4 | sed -n 's/^insmod //p' | awk '!seen[$0]++'); do
	case $module in
	*.xz) xz -dc "$root$module" >"initrd/modules/$number.ko" ;;
	*.zst) zstd -qdc "$root$module" >"initrd/modules/$number.ko" ;;
	*) cp "$root$module" "initrd/modules/$number.ko" ;;
	esac
	number=$((number + 1))
done
cat >initrd/init <<'INIT'
${INIT}INIT
chmod 755 initrd/init
chroot "$root" sh -c 'cd /lab-draft/initrd && find . | ./bin/busybox cpio -o -H newc' >"$root/${BOOT_FILES.initrd}"
cd /
rm -rf "$draft"

mkdir -p -m 700 "$root/root/.ssh"
mkdir -p "$root/${LAB_FOLDER}" "$root/etc/systemd/network" "$root/etc/modprobe.d"
cat >"$root/${LAB_FOLDER}/wait-for-identity" <<'SERVICE'
${IDENTITY_SERVICE}SERVICE
chmod 755 "$root/${LAB_FOLDER}/wait-for-identity"
cat >"$root/etc/systemd/system/lab-identity.service" <<'UNIT'
${UNIT}UNIT
chroot "$root" systemctl enable -q lab-identity.service
cat >"$root/etc/systemd/network/99-default.link" <<'LINK'
${LINK}LINK
printf 'blacklist %s\\n' ${BLACKLIST.join(' ')} >"$root/etc/modprobe.d/lab.conf"
printf 'GSSAPIAuthentication no\\nUseDNS no\\n' >"$root/etc/ssh/sshd_config.d/lab.conf"
: >"$root/etc/fstab"
`

/** Runs as mmdebstrap's customize hook. */
export const VM_CUSTOMIZE = customizeHook({ offered: VM_OFFERED, masked: VM_MASKED, first: KERNEL })

/** Identifies the recipe: a changed recipe gets a new image. */
export function vmRecipeHash(release: Release): string {
  return hashOf([release, VM_PACKAGES, VM_CUSTOMIZE])
}
