/** What executes a VM's instructions: this machine's processor where KVM works, or QEMU's emulation of one. */
import { spawn } from 'node:child_process'
import { access, constants, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectQmp } from './qmp.ts'

/** Arguments of QEMU that decide about speed. */
export interface Accelerator {
  readonly kind: 'kvm' | 'emulation'
  readonly accel: string
  readonly cpu: string
}

/** The processor of this machine. */
export const KVM: Accelerator = { kind: 'kvm', accel: 'kvm', cpu: 'host' }

/** A plain model plus what Debian's programs use most: emulating more of a processor takes twice the time. */
export const EMULATION: Accelerator = {
  kind: 'emulation',
  accel: 'tcg,thread=multi,tb-size=256',
  cpu: 'qemu64,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt',
}

/** KVM where a machine really runs with it: in nested VMs the device may be there and fail at the first instruction. */
export async function chooseAccelerator(): Promise<Accelerator> {
  const isThere = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  return isThere && (await runsWithKvm()) ? KVM : EMULATION
}

/** Lets a machine without a disk run for a moment. */
async function runsWithKvm(): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pvectl-kvm-'))
  const control = path.join(folder, 'qmp')
  const machine = [
    '-machine',
    'pc',
    '-accel',
    KVM.accel,
    '-cpu',
    KVM.cpu,
    '-m',
    '64',
    '-nodefaults',
    '-display',
    'none',
  ]
  const qemu = ['qemu-system-x86_64', ...machine, '-qmp', `unix:${control},server=on,wait=off`]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...qemu], { stdio: 'ignore' })
  child.on('error', () => {
    // Its socket never appears then.
  })
  try {
    const qmp = await connectQmp(control, { isAlive: () => child.exitCode === null && child.signalCode === null })
    await sleep(300)
    const status = (await qmp.execute('query-status')) as { status?: string }
    qmp.close()
    return status.status === 'running'
  } catch {
    return false
  } finally {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}
