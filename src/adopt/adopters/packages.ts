/** Adopts the packages that somebody installed on top of the system. */
import { type ManualPackage, manualPackagesRef } from '../../facts/manual-packages.ts'
import type { Adopter } from '../adopter.ts'

/** What the system itself consists of, and what follows from hardware. */
const SYSTEM =
  /^(linux-|proxmox-|pve-|libpve|lib|grub|shim-|systemd|firmware-|intel-microcode|amd64-microcode|debian-|task-|perl|python3|apt|dpkg|ifupdown2?$|openssh-server$|dbus|iproute2$|qemu-server$|ceph)/

/** `package`. */
export const packagesAdopter: Adopter = {
  title: 'Packages',
  reads: [manualPackagesRef],
  adopt({ model }) {
    const names = model
      .get(manualPackagesRef)
      .filter(isAddOn)
      .map(({ name }) => name)
      .sort()
    if (names.length === 0) return { findings: [], leftOvers: [] }
    const tasks = [{ name: 'Packages that were installed by hand', type: 'package', params: { name: names } }]
    return { findings: [{ what: 'packages', ways: [{ tasks }] }], leftOvers: [] }
  },
}

function isAddOn({ name, priority, section }: ManualPackage): boolean {
  return (
    /^(optional|extra)$/.test(priority) && !/^(kernel|libs|oldlibs|metapackages)$/.test(section) && !SYSTEM.test(name)
  )
}
