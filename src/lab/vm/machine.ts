/** The machine that a VM node is: arguments of QEMU. Pure. */
import type { Accelerator } from './accelerator.ts'
import { BOOT_FILES } from './recipe.ts'

/** NICs of a VM node; `eno1` is the way to manage it, the others are for guests. */
export const NICS = ['eno1', 'eno2', 'eno3'] as const

/** Name of a NIC of a VM node. */
export type Nic = (typeof NICS)[number]

/** What a NIC is plugged into. */
export type Cable =
  | { readonly kind: 'tap'; readonly link: string }
  /** Straight to another VM: frames go from socket to socket. */
  | { readonly kind: 'direct'; readonly here: string; readonly there: string }

/** A NIC with its cable. */
export interface Port {
  readonly nic: Nic
  readonly mac: string
  readonly cable: Cable
}

/** One machine. Relative paths count from the folder that QEMU runs in. */
export interface Machine {
  readonly accelerator: Accelerator
  /** Folder of the image. */
  readonly image: string
  readonly disk: string
  /** File with the node's identity. */
  readonly identity: string
  /** Socket of QEMU's control protocol. */
  readonly control: string
  readonly ports: readonly Port[]
  /** `restored`: memory comes from file descriptor 3. `template`: waits for an identity, to be saved. */
  readonly start: 'cold' | 'restored' | 'template'
}

/** Memory of a VM node. */
export const MEMORY_MIB = 384

const PARAMETERS = [
  'console=ttyS0',
  'quiet',
  'loglevel=4',
  // Reboots instead of a halt that nobody sees.
  'panic=-1',
  // What follows saves time under emulation.
  'mitigations=off',
  'nokaslr',
  'no_timer_check',
  'cryptomgr.notests',
  'random.trust_cpu=on',
  'rcupdate.rcu_expedited=1',
  'audit=0',
  'apparmor=0',
  'selinux=0',
  '8250.nr_uarts=1',
  'systemd.show_status=no',
  'systemd.log_level=warning',
]

/**
 * Under emulation on a busy machine the kernel may take the processor's counter for much slower than it is, and its
 * clock then runs away: hours in minutes.
 */
const EMULATION_PARAMETERS = ['tsc=unstable', 'clocksource=hpet']

/** Parameters of the kernel that only a template gets: udev leaves the NIC's driver alone until there is an identity. */
const TEMPLATE_PARAMETERS = ['lab.template', 'modprobe.blacklist=virtio_net']

/** Arguments of QEMU for a machine. */
export function machineArguments(machine: Machine): readonly string[] {
  const { accelerator, image, disk, identity, control, ports, start } = machine
  const parameters = [
    ...PARAMETERS,
    ...(accelerator.kind === 'emulation' ? EMULATION_PARAMETERS : []),
    ...(start === 'template' ? TEMPLATE_PARAMETERS : []),
  ]
  return [
    ...['-machine', 'pc,usb=off,vmport=off', '-accel', accelerator.accel, '-cpu', accelerator.cpu],
    ...['-smp', '1', '-m', String(MEMORY_MIB), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-qmp', `unix:${control},server=on,wait=off`],
    ...['-kernel', `${image}/${BOOT_FILES.kernel}`, '-initrd', `${image}/${BOOT_FILES.initrd}`],
    ...['-append', parameters.join(' ')],
    // A lab need not survive a power cut of this machine.
    ...['-drive', `if=none,id=disk,file=${disk},format=qcow2,cache=unsafe,discard=unmap`],
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-drive', `if=none,id=identity,file=${identity},format=raw,read-only=on`],
    ...['-device', 'virtio-blk-pci,drive=identity', '-device', 'virtio-rng-pci'],
    ...ports.flatMap(portArguments),
    ...(start === 'restored' ? ['-incoming', 'fd:3'] : []),
  ]
}

/** Name of a NIC's device in QEMU, for its control protocol. */
export function deviceOf(nic: Nic): string {
  return `nic-${nic}`
}

function portArguments({ nic, mac, cable }: Port, index: number): string[] {
  const device = [
    `virtio-net-pci,id=${deviceOf(nic)},netdev=cable-${nic},mac=${mac}`,
    // Decides the name that udev gives it.
    `acpi-index=${index + 1}`,
    // Without a speed, LACP takes no two of them for one link.
    'speed=10000,duplex=full,romfile=',
  ]
  return ['-netdev', `${cableArguments(cable)},id=cable-${nic}`, '-device', device.join(',')]
}

function cableArguments(cable: Cable): string {
  if (cable.kind === 'tap') return `tap,ifname=${cable.link},script=no,downscript=no`
  const { here, there } = cable
  return `dgram,local.type=unix,local.path=${here},remote.type=unix,remote.path=${there}`
}

/**
 * Starts QEMU as a process of a node's control groups. `sh SCRIPT MEMORY CGROUP-FOLDER... -- QEMU-ARGUMENT...`, where
 * MEMORY is a saved memory or empty.
 */
export const VM_BOOT_SCRIPT = `#!/bin/sh
[ -z "$1" ] || exec 3<"$1" || exit 1
shift
while [ "$1" != -- ]; do
	echo $$ >"$1/cgroup.procs" || exit 1
	shift
done
shift
exec qemu-system-x86_64 "$@"
`
