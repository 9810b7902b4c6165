/** Nodes as VMs of QEMU: with a kernel of their own, for VLANs, bonds and Open vSwitch. */
import { cgroupProcesses } from '../cgroup.ts'
import { checkVmHost } from '../host-check.ts'
import type { NodeKind } from '../kinds.ts'
import { labNames, nodeNames } from '../names.ts'
import { ensureCabling } from './cables.ts'
import { ensureVmImage } from './image.ts'
import { bootVm, createVmDisk, hasVmDisk, stopVm, vmPaths, writeVmBootScript } from './node.ts'

/** What a lab does with VMs. */
export const vmKind: NodeKind = {
  checkHost: checkVmHost,
  ensureImage: ensureVmImage,
  patienceMs: 60_000,
  async prepare(state) {
    await ensureCabling(state)
    await writeVmBootScript(state)
  },
  async ensureDisk(state, node, onProgress) {
    if (!(await hasVmDisk(state, node))) await createVmDisk(state, node, onProgress)
  },
  hostKeyFile: (state, node) => `${vmPaths(state, node).hostKey}.pub`,
  boot: bootVm,
  stop: stopVm,
  async leader({ name: lab }, { name, number }) {
    const [pid] = await cgroupProcesses(nodeNames(labNames(lab), name, number).cgroup)
    return pid
  },
}
