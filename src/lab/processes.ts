/** Processes of nodes, seen from the host. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { PvectlError } from '../errors.ts'
import { cgroupProcesses } from './cgroup.ts'
import { tryRun } from './run.ts'

/** The process that is number 1 in a node, as the host numbers it; undefined when the node is not running. */
export async function findLeader(cgroup: string): Promise<number | undefined> {
  for (const pid of await cgroupProcesses(cgroup)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    if (/^NSpid:\t\d+\t1$/m.test(status)) return pid
  }
  return undefined
}

/** Seconds for which a process has been running. */
export async function uptimeOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in brackets may hold spaces; field 22, the start time, counts in hundredths of a second since boot.
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) / 100
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0])
  return Math.max(0, uptime - started)
}

/** Processes whose command line holds a text; for those of a lab, the path of its state. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return line.replaceAll('\0', ' ').includes(text) ? pid : undefined
    }),
  )
  return found.filter((pid) => pid !== undefined)
}

/** Processes in a network namespace, such as what a test started there with `ip netns exec`. */
export async function namespaceProcesses(netns: string): Promise<readonly number[]> {
  const { stdout } = await tryRun('ip', ['netns', 'pids', netns])
  return stdout.split('\n').filter(Boolean).map(Number)
}

/**
 * Kills processes until a search finds none. systemd-nspawn gets a moment to end by itself, since it clears its lock
 * files away then. Rejects with LAB_FAILED after ten seconds.
 */
export async function killAll(search: () => Promise<readonly number[]>): Promise<void> {
  const start = Date.now()
  for (;;) {
    const elapsed = Date.now() - start
    const pids = (await search()).filter((pid) => pid !== process.pid)
    if (pids.length === 0) return
    if (elapsed > 10_000) throw new PvectlError('LAB_FAILED', `processes do not end: ${pids.join(', ')}`)
    for (const pid of pids) if (elapsed > 2000 || (await nameOf(pid)) !== 'systemd-nspawn') kill(pid)
    await sleep(30)
  }
}

async function nameOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
