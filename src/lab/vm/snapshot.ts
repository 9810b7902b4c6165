/**
 * The memory of a VM that has booted until just before it touches the network. Restoring it takes a quarter of the time
 * of a boot under emulation; what comes after is the same for both.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../../errors.ts'
import { buildOnce } from '../image.ts'
import type { OnProgress } from '../progress.ts'
import { hashOf } from '../recipe.ts'
import { run } from '../run.ts'
import type { Accelerator } from './accelerator.ts'
import { createEmptyDrive, createOverlay } from './disk.ts'
import { imageDisk } from './image.ts'
import { type Machine, machineArguments, NICS, VM_BOOT_SCRIPT } from './machine.ts'
import { connectQmp, type Qmp } from './qmp.ts'
import { WAITING } from './recipe.ts'

/** Saved memory, and the disk as it was at that moment. */
export interface Snapshot {
  readonly memory: string
  /** Disks of restored nodes stand on it. */
  readonly disk: string
}

const BOOT_MS = 240_000

/** The snapshot of an image for a kind of machine; made first where it is missing. Rejects with LAB_FAILED. */
export async function ensureSnapshot(
  image: string,
  accelerator: Accelerator,
  onProgress: OnProgress,
): Promise<Snapshot> {
  const machine = (folder: string): Machine => ({
    accelerator,
    image,
    disk: path.join(folder, 'disk.qcow2'),
    identity: path.join(folder, 'identity.img'),
    control: 'qmp',
    // Cables are not part of what is saved; these lead nowhere.
    ports: NICS.map((nic, i) => ({
      nic,
      mac: `02:00:00:00:00:0${i + 1}`,
      cable: { kind: 'direct', here: nic, there: 'nowhere' },
    })),
    start: 'template',
  })
  // Other versions of QEMU, and other arguments, make machines that this memory does not fit.
  const version = (await run('qemu-system-x86_64', ['--version'])).split('\n')[0]
  const folder = path.join(image, `snapshot-${hashOf([version, machineArguments(machine('')), VM_BOOT_SCRIPT])}`)
  const build = (draft: string) => save(draft, machine(draft))
  await buildOnce(folder, { about: 'the memory of a booted VM (once, about 40 s)', onProgress, build })
  return { memory: path.join(folder, 'memory'), disk: path.join(folder, 'disk.qcow2') }
}

async function save(draft: string, machine: Machine): Promise<void> {
  await mkdir(draft)
  await createOverlay(machine.disk, imageDisk(machine.image), 'raw')
  await createEmptyDrive(machine.identity)
  const console = path.join(draft, 'console.log')
  const log = await open(console, 'w')
  // Sockets lie there, whose paths must be short.
  const cwd = await mkdtemp(path.join(tmpdir(), 'pvectl-vm-'))
  // It must not outlive a pvectl that is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...machineArguments(machine)], {
    cwd,
    env: { ...process.env, PVECTL_MEMORY: path.join(draft, 'memory') },
    stdio: ['ignore', log.fd, log.fd],
  })
  const isAlive = () => child.exitCode === null && child.signalCode === null
  child.on('error', () => {
    // Its socket never appears then.
  })
  try {
    await waitFor(console, isAlive)
    const qmp = await connectQmp(path.join(cwd, machine.control), { isAlive })
    await migrate(qmp)
    qmp.close()
  } finally {
    child.kill('SIGTERM')
    while (isAlive()) await sleep(20)
    await log.close()
    await rm(cwd, { recursive: true, force: true })
  }
}

async function waitFor(console: string, isAlive: () => boolean): Promise<void> {
  const deadline = Date.now() + BOOT_MS
  while (!(await readFile(console, 'utf8')).includes(WAITING)) {
    if (isAlive() && Date.now() < deadline) await sleep(100)
    else {
      const said = (await readFile(console, 'utf8')).trim().split('\n').slice(-10).join('\n')
      const what = isAlive() ? `does not boot within ${BOOT_MS / 1000} s` : 'ends while it boots'
      throw new PvectlError('LAB_FAILED', `the VM whose memory is to be saved ${what}`, { hint: `it said:\n${said}` })
    }
  }
}

async function migrate(qmp: Qmp): Promise<void> {
  await qmp.execute('migrate', { uri: 'exec:cat >"$PVECTL_MEMORY"' })
  for (;;) {
    const { status } = (await qmp.execute('query-migrate')) as { status?: string }
    if (status === 'completed') return
    if (status === 'failed' || status === 'cancelled')
      throw new PvectlError('LAB_FAILED', 'QEMU could not save the memory of a VM')
    await sleep(100)
  }
}
