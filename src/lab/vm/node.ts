/** The life of a VM node: its disk, start, stop. */
import { spawn } from 'node:child_process'
import { access, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../../errors.ts'
import { createCgroup } from '../cgroup.ts'
import { identityFiles } from '../identity.ts'
import { ensureKey, readPublicKey } from '../keys.ts'
import { removeTree } from '../mounts.ts'
import { labNames, nodeNames } from '../names.ts'
import { isRunning, type Readiness, stopNode, waitForNode } from '../node.ts'
import { keyFile, labDir, nodePaths } from '../paths.ts'
import type { OnProgress } from '../progress.ts'
import { hashOf } from '../recipe.ts'
import type { LabNode, LabState } from '../state.ts'
import { type Accelerator, chooseAccelerator } from './accelerator.ts'
import { controlSocket, GUEST_NICS, plugIn, portsOf, unplug } from './cables.ts'
import { createIdentityDrive, createOverlay } from './disk.ts'
import { imageDisk } from './image.ts'
import { machineArguments, VM_BOOT_SCRIPT } from './machine.ts'
import { ensureSnapshot } from './snapshot.ts'

/** A boot under emulation, with others beside it. */
const BOOT_MS = 300_000
/** A start from saved memory. */
const RESTORE_MS = 240_000

/** Files of a VM node. */
export function vmPaths(state: LabState, node: LabNode) {
  const { dir, ready, console } = nodePaths(state.name, node.name)
  const at = (name: string) => path.join(dir, name)
  return {
    dir,
    ready,
    console,
    disk: at('disk.qcow2'),
    identity: at('identity.img'),
    hostKey: at('ssh_host_ed25519_key'),
    /** Holds the path of the saved memory that the disk belongs to, until the node has been started. */
    memory: at('memory'),
  }
}

/** Writes the script that starts nodes; before the first starts, since a shell may be reading it from then on. */
export async function writeVmBootScript(state: LabState): Promise<void> {
  await writeFile(bootScript(state), VM_BOOT_SCRIPT, { mode: 0o755 })
}

/** Creates a node's disk and identity. Under emulation it stands on a snapshot, which its first start restores. */
export async function createVmDisk(state: LabState, node: LabNode, onProgress: OnProgress): Promise<void> {
  const accelerator = await chooseAccelerator()
  if (accelerator.kind === 'kvm') return createDisk(state, node)
  const { disk, memory } = await ensureSnapshot(node.image, accelerator, onProgress)
  await createDisk(state, node, { disk, memory })
}

/** Boots a node that is not running, and waits until it lets one log in. Rejects with LAB_FAILED. */
export async function bootVm(state: LabState, node: LabNode, onProgress: OnProgress): Promise<Readiness> {
  const paths = vmPaths(state, node)
  const lab = labNames(state.name)
  const accelerator = await chooseAccelerator()
  const memory = await readFile(paths.memory, 'utf8').catch(() => undefined)
  if (memory === undefined) {
    await start(state, node, accelerator)
    return waitForNode(lab, node, BOOT_MS)
  }
  // The memory fits the disk only as long as nothing has been written to that.
  await rm(paths.memory)
  await start(state, node, accelerator, memory)
  try {
    return await waitForNode(lab, node, RESTORE_MS)
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    onProgress(`booting ${node.name}, since it does not come up from saved memory: ${error.problems[0]?.hint ?? ''}`)
    await stopVm(state, node)
    await createDisk(state, node)
    await start(state, node, accelerator)
    return waitForNode(lab, node, BOOT_MS)
  }
}

/** Ends a node at once, as a power cut does. Its disk stays. */
export async function stopVm(state: LabState, node: LabNode): Promise<void> {
  await stopNode(labNames(state.name), node)
  await unplug(state, node)
}

async function createDisk(state: LabState, node: LabNode, snapshot?: { disk: string; memory: string }): Promise<void> {
  const paths = vmPaths(state, node)
  const names = nodeNames(labNames(state.name), node.name, node.number)
  const hostKey = await readFile(paths.hostKey, 'utf8').catch(() => undefined)
  const hostKeyPublic = await readFile(`${paths.hostKey}.pub`, 'utf8').catch(() => undefined)
  await removeTree(paths.dir)
  await mkdir(paths.dir, { recursive: true })
  // Inventories know the key already, should the disk be made anew.
  if (hostKey !== undefined && hostKeyPublic !== undefined) {
    await writeFile(paths.hostKey, hostKey, { mode: 0o600 })
    await writeFile(`${paths.hostKey}.pub`, hostKeyPublic)
  }
  await ensureKey(paths.hostKey, `root@${names.hostname}`)
  const { address } = node
  const loginKey = await readPublicKey(`${keyFile(state.name)}.pub`)
  const files = [
    ...identityFiles({ names, address, network: state.network, loginKey, nics: GUEST_NICS }),
    await hostKeyFile(paths.hostKey, '', 0o600),
    await hostKeyFile(paths.hostKey, '.pub', 0o644),
  ]
  await createIdentityDrive(paths.identity, hashOf(files), files)
  await createOverlay(paths.disk, snapshot?.disk ?? imageDisk(node.image), snapshot === undefined ? 'raw' : 'qcow2')
  if (snapshot !== undefined) await writeFile(paths.memory, snapshot.memory)
  await writeFile(paths.ready, '')
}

async function hostKeyFile(file: string, suffix: string, mode: number) {
  return { path: `etc/ssh/ssh_host_ed25519_key${suffix}`, content: await readFile(`${file}${suffix}`, 'utf8'), mode }
}

async function start(state: LabState, node: LabNode, accelerator: Accelerator, memory = ''): Promise<void> {
  const paths = vmPaths(state, node)
  const lab = labNames(state.name)
  await plugIn(state, node)
  const cgroups = await createCgroup(nodeNames(lab, node.name, node.number).cgroup)
  const machine = machineArguments({
    accelerator,
    image: node.image,
    // Relative, since QEMU reads a comma in a path as the end of it.
    disk: path.basename(paths.disk),
    identity: path.basename(paths.identity),
    control: controlSocket(state, node),
    ports: portsOf(state, node),
    start: memory === '' ? 'cold' : 'restored',
  })
  const log = await open(paths.console, 'w')
  try {
    const args = [bootScript(state), memory, ...cgroups, '--', ...machine]
    const child = spawn('sh', args, { cwd: paths.dir, detached: true, stdio: ['ignore', log.fd, log.fd] })
    child.unref()
    // It counts as running from the moment it is in its control group.
    while (child.exitCode === null && !(await isRunning(lab, node))) await sleep(10)
  } finally {
    await log.close()
  }
}

function bootScript(state: LabState): string {
  return path.join(labDir(state.name), 'boot')
}

/** True when a node's disk is complete. */
export async function hasVmDisk(state: LabState, node: LabNode): Promise<boolean> {
  return access(vmPaths(state, node).ready).then(
    () => true,
    () => false,
  )
}
