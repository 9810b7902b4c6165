/** Nodes as containers of systemd-nspawn: they start in a second, and share this machine's kernel. */
import { access } from 'node:fs/promises'
import { createDisk, hostKeyFile } from './disk.ts'
import { checkHost, ensureTools } from './host-check.ts'
import { raiseLimits } from './host-limits.ts'
import { ensureImage } from './image.ts'
import { readPublicKey } from './keys.ts'
import type { NodeKind } from './kinds.ts'
import { labNames, nodeNames } from './names.ts'
import { startNode, stopNode, waitForNode, writeBootScript } from './node.ts'
import { keyFile, nodePaths } from './paths.ts'
import { findLeader } from './processes.ts'

/** What a lab does with containers. */
export const containerKind: NodeKind = {
  async checkHost(onProgress) {
    await checkHost()
    await ensureTools(onProgress)
  },
  patienceMs: 10_000,
  ensureImage,
  async prepare({ name }, onProgress) {
    await writeBootScript(name)
    await raiseLimits(onProgress)
  },
  async ensureDisk({ name: lab, network }, { name, number, address }) {
    const paths = nodePaths(lab, name)
    const isReady = await access(paths.ready).then(
      () => true,
      () => false,
    )
    if (isReady) return
    const loginKey = await readPublicKey(`${keyFile(lab)}.pub`)
    await createDisk(paths, { names: nodeNames(labNames(lab), name, number), address, network, loginKey })
  },
  hostKeyFile: ({ name: lab }, { name }) => hostKeyFile(nodePaths(lab, name)),
  async boot(state, node) {
    await startNode(labNames(state.name), node)
    return waitForNode(labNames(state.name), node)
  },
  stop: (state, node) => stopNode(labNames(state.name), node),
  leader: ({ name: lab }, { name, number }) => findLeader(nodeNames(labNames(lab), name, number).cgroup),
}
