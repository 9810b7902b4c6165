/** Turns connection settings into targets: defaults, paths, jump hosts. */
import path from 'node:path'
import type { OpenSetting, Target } from '../connection/target.ts'
import type { Problem } from '../errors.ts'
import type { Setting, Settings } from './sources.ts'

/** Connection settings of one host, from both levels. */
export interface HostConnection {
  readonly name: string
  /** Group settings and the host's own, merged. */
  readonly effective: Settings
  /** The host's own. */
  readonly own: Settings
}

/** Surroundings that paths depend on. */
export interface PathBase {
  /** Folder of the inventory file. */
  readonly dir: string
  /** What `~` stands for. */
  readonly home: string
}

/** Targets by host, and what is wrong with jump hosts. */
export interface Targets {
  readonly targets: ReadonlyMap<string, Target>
  readonly problems: readonly Problem[]
}

/** Makes the targets of all hosts. Settings must fit the schema. */
export function makeTargets(hosts: ReadonlyMap<string, HostConnection>, base: PathBase): Targets {
  return new TargetMaker(hosts, base).make()
}

const OPEN: readonly OpenSetting[] = ['address', 'port', 'user', 'key', 'known_hosts', 'jump']
const DEFAULT_PORT = 22
const DEFAULT_USER = 'root'
const DEFAULT_TIMEOUT_S = 15

class TargetMaker {
  readonly #hosts: ReadonlyMap<string, HostConnection>
  readonly #base: PathBase
  readonly #targets = new Map<string, Target>()
  readonly #problems: Problem[] = []

  constructor(hosts: ReadonlyMap<string, HostConnection>, base: PathBase) {
    this.#hosts = hosts
    this.#base = base
  }

  make(): Targets {
    for (const host of this.#hosts.values()) this.#target(host, [])
    return { targets: this.#targets, problems: this.#problems }
  }

  #target(host: HostConnection, chain: readonly string[]): Target {
    const known = this.#targets.get(host.name)
    if (known !== undefined) return known
    const jump = this.#jump(host, [...chain, host.name])
    const { effective } = host
    const target: Target = {
      name: host.name,
      address: text(effective, 'address') ?? host.name,
      port: number(effective, 'port') ?? DEFAULT_PORT,
      user: text(effective, 'user') ?? DEFAULT_USER,
      ...this.#trust(effective),
      ...(jump === undefined ? {} : { jump }),
      become: effective.get('become')?.value === true,
      open: OPEN.filter((setting) => !effective.has(setting)),
    }
    this.#targets.set(host.name, target)
    return target
  }

  #trust(settings: Settings): Pick<Target, 'keyFiles' | 'knownHostsFiles' | 'connectTimeoutMs'> {
    return {
      keyFiles: paths(settings, 'key', this.#base),
      knownHostsFiles: paths(settings, 'known_hosts', this.#base),
      connectTimeoutMs: Math.round((number(settings, 'connect_timeout') ?? DEFAULT_TIMEOUT_S) * 1000),
    }
  }

  #jump(host: HostConnection, chain: readonly string[]): Target | undefined {
    const setting = host.effective.get('jump')
    if (setting === undefined || setting.value === false) return undefined
    const name = String(setting.value)
    const next = this.#hosts.get(name)
    if (next === undefined) return this.#outsideJump(name, host.effective, setting)
    const inherited = !host.own.has('jump')
    // A group's jump host, and what that one jumps through in turn, cannot be reached through itself.
    if (inherited && this.#ownChain(name).includes(host.name)) return undefined
    if (chain.includes(name)) {
      const cycle = [...chain.slice(chain.indexOf(name)), name].join(' → ')
      this.#problems.push({
        message: `jump hosts go round in a circle: ${cycle}`,
        hint: 'one of them has to be reached directly: `jump: false`',
        location: setting.location,
      })
      return undefined
    }
    return this.#target(next, chain)
  }

  /** A host and those it names as jump hosts in its own entry, one after the other. */
  #ownChain(first: string): readonly string[] {
    const chain: string[] = []
    for (let name: unknown = first; typeof name === 'string' && !chain.includes(name); ) {
      chain.push(name)
      name = this.#hosts.get(name)?.own.get('jump')?.value
    }
    return chain
  }

  /** A jump host that is not in the inventory shares keys, known_hosts and timeout with the host behind it. */
  #outsideJump(spec: string, settings: Settings, { location }: Setting): Target | undefined {
    const match = /^(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(spec)
    const [, user, bracketed, plain, port] = match ?? []
    const address = bracketed ?? plain
    const portNumber = port === undefined ? DEFAULT_PORT : Number(port)
    if (address === undefined || portNumber < 1 || portNumber > 65535) {
      this.#problems.push({ message: `\`${spec}\` is no jump host: port out of range`, location })
      return undefined
    }
    return {
      name: spec,
      address,
      port: portNumber,
      user: user ?? DEFAULT_USER,
      ...this.#trust(settings),
      become: false,
      open: [
        'address',
        ...(port === undefined ? (['port'] as const) : []),
        ...(user === undefined ? (['user'] as const) : []),
        ...(['key', 'known_hosts', 'jump'] as const).filter((setting) => !settings.has(setting)),
      ],
    }
  }
}

function text(settings: Settings, key: string): string | undefined {
  const value = settings.get(key)?.value
  return typeof value === 'string' ? value : undefined
}

function number(settings: Settings, key: string): number | undefined {
  const value = settings.get(key)?.value
  return typeof value === 'number' ? value : undefined
}

function paths(settings: Settings, key: string, base: PathBase): readonly string[] {
  const value = settings.get(key)?.value
  const list: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((entry) => expandPath(String(entry), base))
}

/** `~/x` from the home folder, relative paths from the folder of the inventory. */
function expandPath(file: string, { dir, home }: PathBase): string {
  if (file === '~') return home
  return file.startsWith('~/') ? path.join(home, file.slice(2)) : path.resolve(dir, file)
}
