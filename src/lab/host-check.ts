/** What this machine must offer before a lab can run on it. */
import { access, readFile } from 'node:fs/promises'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import type { OnProgress } from './progress.ts'
import { run, tryRun } from './run.ts'

/** Programs and the Debian packages that bring them. */
const TOOLS = [
  { program: 'ip', package: 'iproute2' },
  { program: 'systemd-nspawn', package: 'systemd-container' },
  { program: 'ssh', package: 'openssh-client' },
  { program: 'ssh-keygen', package: 'openssh-client' },
] as const

/** Programs that only the build of the base image needs. */
const BUILD_TOOLS = [
  { program: 'mmdebstrap', package: 'mmdebstrap' },
  { program: 'dpkg-deb', package: 'dpkg' },
] as const

/** Makes sure of Linux, root and the kernel's part. Rejects with LAB_FAILED that says what is missing. */
export async function checkHost(): Promise<void> {
  checkRoot()
  if (!(await hasOverlay())) {
    throw new PvectlError('LAB_FAILED', 'this kernel has no overlayfs', { hint: 'run the lab on a usual Linux kernel' })
  }
  if (!(await exists('/proc/self/ns/net')))
    throw new PvectlError('LAB_FAILED', 'this kernel has no network namespaces', {
      hint: 'run the lab on a usual Linux kernel',
    })
}

/** Throws LAB_FAILED unless the process is root on Linux. */
export function checkRoot(): void {
  if (process.platform !== 'linux') {
    throw new PvectlError('LAB_FAILED', 'a lab needs Linux', { hint: 'run it on a Debian 12 machine or VM' })
  }
  if (process.getuid?.() !== 0) {
    throw new PvectlError('LAB_FAILED', 'a lab needs root: its nodes are containers with their own network', {
      hint: 'run the command with sudo',
    })
  }
}

/** Installs what running nodes needs and this machine lacks, saying so. */
export async function ensureTools(onProgress: OnProgress): Promise<void> {
  await ensure(TOOLS, onProgress)
}

/** Programs that VMs need. */
const VM_TOOLS = [
  { program: 'ip', package: 'iproute2' },
  { program: 'mke2fs', package: 'e2fsprogs' },
  { program: 'qemu-img', package: 'qemu-utils' },
  { program: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { program: 'ssh', package: 'openssh-client' },
  { program: 'ssh-keygen', package: 'openssh-client' },
] as const

/** Programs for a lab of VMs that this machine lacks. */
export async function missingVmTools(): Promise<readonly { readonly program: string; readonly package: string }[]> {
  return missingOf(VM_TOOLS)
}

/** Makes sure of what VMs need. Rejects with LAB_FAILED: QEMU is too large to be installed without being asked. */
export async function checkVmHost(): Promise<void> {
  checkRoot()
  if (process.arch !== 'x64')
    throw new PvectlError(
      'LAB_FAILED',
      `a lab of VMs needs a machine with an x86-64 processor, this one has ${process.arch}`,
    )
  const missing = await missingVmTools()
  if (missing.length > 0) {
    throw new PvectlError(
      'LAB_FAILED',
      `a lab of VMs needs ${missing.map((tool) => tool.program).join(', ')}, not found`,
      {
        hint: `apt-get install --no-install-recommends ${[...new Set(missing.map((tool) => tool.package))].join(' ')}`,
      },
    )
  }
  if (await exists('/dev/net/tun')) return
  await tryRun('modprobe', ['tun']).catch(() => undefined)
  if (await exists('/dev/net/tun')) return
  throw new PvectlError('LAB_FAILED', 'this machine has no /dev/net/tun, which the cables of VMs need', {
    hint: 'in a container: pass that device in; elsewhere the kernel lacks the module tun',
  })
}

/** Installs what building the image needs and this machine lacks, saying so. */
export async function ensureBuildTools(onProgress: OnProgress): Promise<void> {
  await ensure(BUILD_TOOLS, onProgress)
}

async function ensure(tools: readonly { program: string; package: string }[], onProgress: OnProgress): Promise<void> {
  const missing = await missingOf(tools)
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((tool) => tool.package))]
  const programs = missing.map((tool) => tool.program).join(', ')
  if (!(await exists('/etc/debian_version')) || !(await onPath('apt-get'))) {
    throw new PvectlError('LAB_FAILED', `a lab needs ${programs}, not found on this machine`, {
      hint: `install them with the system's package manager (in Debian: ${packages.join(' ')})`,
    })
  }
  onProgress(`installing ${packages.join(', ')} on this machine for ${programs}`)
  const apt = (...args: string[]) =>
    run('apt-get', args, { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 600_000 })
  await apt('update', '-q')
  await apt('install', '-qy', '--no-install-recommends', ...packages)
}

async function missingOf<T extends { program: string }>(tools: readonly T[]): Promise<T[]> {
  const missing = []
  for (const tool of tools) if (!(await onPath(tool.program))) missing.push(tool)
  return missing
}

async function hasOverlay(): Promise<boolean> {
  if (await knowsOverlay()) return true
  await tryRun('modprobe', ['overlay']).catch(() => undefined)
  return knowsOverlay()
}

async function knowsOverlay(): Promise<boolean> {
  return /\boverlay$/m.test(await readFile('/proc/filesystems', 'utf8'))
}

async function onPath(program: string): Promise<boolean> {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => folder !== '')
  for (const folder of folders) if (await exists(path.join(folder, program))) return true
  return false
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
