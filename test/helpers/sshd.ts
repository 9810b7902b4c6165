/** A private OpenSSH server on loopback, with its own keys and log, for tests of the transport. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Target } from '../../src/connection/target.ts'

const exec = promisify(execFile)

/** What a test may want different from a plain server. */
export interface SshdOptions {
  /** Further lines of sshd_config; they replace the helper's own of the same keyword. Keep LogLevel at INFO or above. */
  readonly config?: readonly string[]
  /** Environment of sessions, such as a PATH with stubs in front. HOME is a fresh directory unless given. */
  readonly env?: Readonly<Record<string, string>>
  /** Default ed25519 only. */
  readonly hostKeys?: readonly string[]
  /** Take this port instead of a free one. */
  readonly port?: number
}

/** A running server; stop it in the end. */
export interface PrivateSshd {
  readonly port: number
  readonly pid: number
  /** Scratch directory, gone after `stop`; also HOME of sessions. */
  readonly dir: string
  readonly user: string
  /** Unencrypted ed25519 private key that may log in. */
  readonly key: string
  /** known_hosts with all host keys of the server. */
  readonly knownHosts: string
  /** Public host keys, `type base64`, in the order of `hostKeys`. */
  readonly hostKeyLines: readonly string[]
  /** Everything the server logged so far. */
  log(): string
  /** How often a pattern occurs in the log. */
  count(pattern: RegExp): number
  /** Processes that serve one connection each. */
  sessionPids(): Promise<number[]>
  /** A target that logs in by key, with changes. */
  target(changes?: Partial<Target>): Target
  stop(): Promise<void>
}

/** Makes a key pair and returns the path of the private key. */
export async function makeKey(path: string, ...args: readonly string[]): Promise<string> {
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'pvectl-test', ...args, '-f', path])
  return path
}

/** Starts a server and waits until it listens. */
export async function startSshd(options: SshdOptions = {}): Promise<PrivateSshd> {
  const dir = await mkdtemp(join(tmpdir(), 'pvectl-sshd-'))
  const port = options.port ?? (await freePort())
  const types = options.hostKeys ?? ['ed25519']
  const key = join(dir, 'id_test')
  await Promise.all([makeKey(key), ...types.map((type) => makeKey(hostKeyFile(dir, type), '-t', type))])
  const hostKeyLines = await Promise.all(types.map((type) => publicKey(hostKeyFile(dir, type))))
  const knownHosts = join(dir, 'known_hosts')
  await writeFile(knownHosts, hostKeyLines.map((line) => `[127.0.0.1]:${port} ${line}\n`).join(''))
  await writeFile(join(dir, 'authorized_keys'), await readFile(`${key}.pub`))
  await writeFile(join(dir, 'sshd_config'), config(dir, port, types, options))
  const server = await launch(dir)
  const user = userInfo().username
  return {
    port,
    pid: server.process.pid ?? 0,
    dir,
    user,
    key,
    knownHosts,
    hostKeyLines,
    log: server.log,
    count: (pattern) => server.log().match(new RegExp(pattern, 'g'))?.length ?? 0,
    sessionPids: () => childrenOf(server.process.pid ?? 0),
    target: (changes) => ({
      name: 'node1',
      address: '127.0.0.1',
      port,
      user,
      keyFiles: [key],
      knownHostsFiles: [knownHosts],
      become: false,
      connectTimeoutMs: 10_000,
      ...changes,
    }),
    stop: () => stop(server.process, dir),
  }
}

/** A port nothing listens on. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Processes whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(
    all.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return { pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) }
    }),
  )
  return parents.filter((entry) => entry.parent === pid).map((entry) => entry.pid)
}

function config(dir: string, port: number, types: readonly string[], options: SshdOptions): string {
  const env = Object.entries({ HOME: dir, ...options.env }).map(([name, value]) => `${name}="${value}"`)
  const own = options.config ?? []
  const keyword = (line: string) => line.split(' ')[0]?.toLowerCase()
  const defaults = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${hostKeyFile(dir, type)}`),
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PrintMotd no',
    'LogLevel VERBOSE',
    'MaxStartups 100',
    `SetEnv ${env.join(' ')}`,
  ]
  // The first setting of a keyword wins, but for MaxStartups the last one.
  const rest = defaults.filter((line) => !own.some((given) => keyword(given) === keyword(line)))
  return [...own, ...rest, ''].join('\n')
}

async function launch(dir: string): Promise<{ process: ChildProcess; log: () => string }> {
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(dir, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const chunks: Buffer[] = []
  const log = () => Buffer.concat(chunks).toString()
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill()
      reject(new Error(`sshd did not get ready:\n${log()}`))
    }, 5000)
    child.on('exit', (code) => reject(new Error(`sshd ended with ${code}:\n${log()}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (!chunk.includes('Server listening')) return
      clearTimeout(timer)
      resolve()
    })
  })
  return { process: child, log }
}

async function stop(server: ChildProcess, dir: string): Promise<void> {
  const sessions = await childrenOf(server.pid ?? 0)
  for (const pid of [server.pid ?? 0, ...sessions]) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch {
      // gone already
    }
  }
  server.stderr?.destroy()
  server.unref()
  await rm(dir, { recursive: true, force: true })
}

async function publicKey(file: string): Promise<string> {
  return (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ').trim()
}

function hostKeyFile(dir: string, type: string): string {
  return join(dir, `host_${type}`)
}
