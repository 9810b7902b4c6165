/** Runs the built pvectl as a user does, and commands on lab nodes. */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { RunEvent } from '../../src/engine/events.ts'

/** Root of the project. */
export const ROOT = join(import.meta.dirname, '../..')

/** What a command came to. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `pvectl` without a terminal; at most ten minutes. */
export function pvectl(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync('node', [join(ROOT, 'bin/pvectl.js'), ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 64 << 20,
  })
  if (error !== undefined) throw error
  return { code: status, stdout, stderr }
}

/** Like {@link pvectl}, beside others. */
export function pvectlAsync(args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' }, timeout: 600_000, maxBuffer: 64 << 20 }
    const child = execFile('node', [join(ROOT, 'bin/pvectl.js'), ...args], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: child.exitCode, stdout, stderr })
    })
    child.stdin?.end()
  })
}

/** Runs `pvectl … --json` and reads its events. */
export function pvectlEvents(args: readonly string[], cwd?: string): { code: number | null; events: RunEvent[] } {
  const { code, stdout, stderr } = pvectl([...args, '--json'], cwd === undefined ? {} : { cwd })
  const lines = stdout.split('\n').filter((line) => line !== '')
  if (lines.length === 0) throw new Error(`no events; stderr:\n${stderr}`)
  return { code, events: lines.map((line) => JSON.parse(line) as RunEvent) }
}

/** A running lab, for tests. */
export interface TestLab {
  readonly name: string
  /** Directory with hosts.yml. */
  readonly inventory: string
  readonly addresses: Readonly<Record<string, string>>
  /** Runs a script on a node by ssh and returns what it prints; throws when it fails. */
  ssh(node: string, script: string): string
  /** Like ssh, for scripts that may fail. */
  try(node: string, script: string): Outcome
  down(): void
}

/** A lab that rehearses an inventory: its path. */
export interface Rehearsal {
  readonly inventory: string
}

/** Brings up a lab of its own name, with some nodes or one for each host of an inventory; its own inventory goes to `dir`. */
export function labUp(name: string, nodes: number | Rehearsal, dir: string, flags: readonly string[] = []): TestLab {
  const which = typeof nodes === 'number' ? ['--nodes', String(nodes)] : ['--inventory', nodes.inventory]
  const up = pvectl(['lab', 'up', '--name', name, ...which, '--out', dir, ...flags])
  if (up.code !== 0) throw new Error(`lab up failed:\n${up.stdout}${up.stderr}`)
  const { all } = parse(readFileSync(join(dir, 'hosts.yml'), 'utf8'))
  const groups = [all, ...Object.values<typeof all>(all.children ?? {})]
  // Members of groups that are described elsewhere have no value.
  const hosts = groups.flatMap((group) => Object.entries<{ address: string } | null>(group.hosts ?? {}))
  const addresses = Object.fromEntries(hosts.flatMap(([node, host]) => (host === null ? [] : [[node, host.address]])))
  const options = [`UserKnownHostsFile=${join(dir, all.connection.known_hosts)}`, 'BatchMode=yes', 'ConnectTimeout=10']
  const args = (node: string) => [
    ...options.flatMap((o) => ['-o', o]),
    '-i',
    all.connection.key,
    `root@${addresses[node]}`,
    'sh',
  ]
  return {
    name,
    inventory: join(dir, 'hosts.yml'),
    addresses,
    ssh: (node, script) =>
      execFileSync('ssh', args(node), { input: script, encoding: 'utf8', timeout: 120_000, maxBuffer: 64 << 20 }),
    try(node, script) {
      const { status, stdout, stderr } = spawnSync('ssh', args(node), {
        input: script,
        encoding: 'utf8',
        timeout: 120_000,
      })
      return { code: status, stdout, stderr }
    },
    down: () => {
      pvectl(['lab', 'down', '--name', name])
    },
  }
}

/**
 * Everything about a node that a dry run must not change: each file with size, mode, owner, change time and link;
 * links, addresses, routes, rules; units. Logs, /run and what sshd itself writes on a login are left out.
 */
export const SNAPSHOT = `
find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /dev -o -path /var/log -o -path /var/lib/systemd \\) -prune \\
  -o -printf '%p %y %s %m %U:%G %C@ %l\\n' | sort
ip -o address | sed 's/ tentative//; s/valid_lft.*//'; ip route; ip -6 route; bridge link
iptables-save | grep -v '^#' | sed 's/\\[[0-9:]*\\]//'
nft list ruleset
systemctl list-units --all --plain --no-legend --type=service --state=active,failed | awk '{print $1,$3,$4}' | grep -vE 'session|user@|user-runtime' | sort
sysctl -a 2>/dev/null | grep -E 'forward|accept_ra|rp_filter'
`

/** Fails with only the lines that differ between two snapshots of a node. */
export function assertSame(before: string, after: string): void {
  const [a, b] = [before, after].map((text) => new Set(text.split('\n'))) as [Set<string>, Set<string>]
  const gone = [...a].filter((line) => !b.has(line)).map((line) => `- ${line}`)
  const come = [...b].filter((line) => !a.has(line)).map((line) => `+ ${line}`)
  if (gone.length + come.length > 0) throw new Error(`the node differs:\n${[...gone, ...come].slice(0, 40).join('\n')}`)
}
