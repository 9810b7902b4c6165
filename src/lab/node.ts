/** A node's life: start, wait until it can be worked with, stop. */
import { spawn } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../errors.ts'
import { BOOT_SCRIPT } from './boot-script.ts'
import { cgroupProcesses, createCgroup, removeCgroup } from './cgroup.ts'
import { mountDisk } from './disk.ts'
import { type LabNames, nodeNames } from './names.ts'
import { listLinks } from './network.ts'
import { labDir, nodePaths } from './paths.ts'
import { killAll, namespaceProcesses } from './processes.ts'
import { tryRun } from './run.ts'
import { sshArguments } from './ssh-client.ts'
import type { LabNode } from './state.ts'

/** What systemd says of a node that has booted. */
export interface Readiness {
  /** `running`, or `degraded` when units failed. */
  readonly system: string
  readonly failedUnits: readonly string[]
}

/** Writes the script that runs nodes. */
export async function writeBootScript(lab: string): Promise<void> {
  await writeFile(bootScript(lab), BOOT_SCRIPT, { mode: 0o755 })
}

/** Boots a node that is not running, without waiting for it. */
export async function startNode(lab: LabNames, node: LabNode): Promise<void> {
  const paths = nodePaths(lab.lab, node.name)
  const names = nodeNames(lab, node.name, node.number)
  await mountDisk(paths, node.image)
  const cgroups = await createCgroup(names.cgroup)
  const { netns, veth, mac, machine, hostname } = names
  const args = [bootScript(lab.lab), netns, veth, mac, lab.bridge, paths.root, machine, hostname, ...cgroups]
  const log = await open(paths.console, 'w')
  try {
    const child = spawn('sh', args, { cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] })
    child.unref()
    // It counts as running from the moment it is in its control group.
    while (child.exitCode === null && !(await isRunning(lab, node))) await sleep(10)
  } finally {
    await log.close()
  }
}

/** Ends a node at once, as a power cut does. Its disk stays. */
export async function stopNode(lab: LabNames, node: LabNode): Promise<void> {
  const names = nodeNames(lab, node.name, node.number)
  await killAll(() => cgroupProcesses(names.cgroup))
  await killAll(() => namespaceProcesses(names.netns))
  await tryRun('ip', ['link', 'delete', names.veth])
  await tryRun('ip', ['netns', 'delete', names.netns])
  await removeCgroup(names.cgroup)
}

/** True while anything of a node runs. */
export async function isRunning(lab: LabNames, node: LabNode): Promise<boolean> {
  return (await cgroupProcesses(nodeNames(lab, node.name, node.number).cgroup)).length > 0
}

/** False when a node's cable is gone, as after its systemd-nspawn was killed and its processes were not. */
export async function isPluggedIn(lab: LabNames, node: LabNode): Promise<boolean> {
  return (await listLinks()).includes(nodeNames(lab, node.name, node.number).veth)
}

/** Waits until a node has finished booting and lets the lab's key log in. Rejects with LAB_FAILED. */
export async function waitForNode(lab: LabNames, node: LabNode, timeoutMs = 90_000): Promise<Readiness> {
  const deadline = Date.now() + timeoutMs
  let problem = 'sshd does not answer'
  while (Date.now() < deadline) {
    if (!(await isRunning(lab, node))) return notBooting(lab, node)
    if (await answers(node.address)) {
      const args = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', ...sshArguments(lab.lab, node.address), 'sh']
      const { code, stdout, stderr } = await tryRun('ssh', args, { input: READINESS, timeoutMs: 60_000 })
      const [system = '', ...failedUnits] = stdout.split('\n').filter(Boolean)
      if (code === 0 && system !== '') return { system, failedUnits }
      problem = stderr.trim()
    }
    await sleep(50)
  }
  throw new PvectlError('LAB_FAILED', `${node.name} booted, but nobody can log in: ${problem}`, {
    host: node.name,
    hint: `look into ${nodePaths(lab.lab, node.name).console}`,
  })
}

/** True when something at port 22 of an address greets as an SSH server does. */
export function answers(address: string, timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: address, port: 22 })
    const end = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('data', (data) => end(data.toString('latin1').startsWith('SSH-')))
  })
}

const READINESS =
  'systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend | cut -d" " -f1'

async function notBooting(lab: LabNames, node: LabNode): Promise<never> {
  const { console } = nodePaths(lab.lab, node.name)
  const log = await readFile(console, 'utf8').catch(() => '')
  throw new PvectlError('LAB_FAILED', `${node.name} does not boot`, {
    host: node.name,
    hint: `the end of ${console}:\n${log.trim().split('\n').slice(-10).join('\n')}`,
  })
}

function bootScript(lab: string): string {
  return path.join(labDir(lab), 'boot')
}
