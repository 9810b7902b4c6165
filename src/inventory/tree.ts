/** Groups and hosts as an inventory file nests them, before variables are merged. */
import { isDeepStrictEqual } from 'node:util'
import { formatLocation, type Location, type Problem } from '../errors.ts'
import type { DataPath, YamlDocument } from '../yaml/document.ts'
import { isMapping } from '../yaml/words.ts'
import { type Setting, type Settings, settingsOf } from './sources.ts'

/** A group as written, possibly in several places of the file. */
export interface GroupEntry {
  readonly name: string
  readonly location: Location
  /** Names of the groups within, in file order. */
  readonly children: ReadonlySet<string>
  /** Names of the hosts that it lists itself, in file order. */
  readonly hosts: ReadonlySet<string>
  readonly connection: Settings
  readonly vars: Settings
}

/** A host as written, possibly in several groups. */
export interface HostEntry {
  readonly name: string
  readonly location: Location
  /** Connection settings and address. */
  readonly settings: Settings
  readonly vars: Settings
}

/** What an inventory file says. Both maps keep file order; `all` comes first. */
export interface InventoryTree {
  readonly groups: ReadonlyMap<string, GroupEntry>
  readonly hosts: ReadonlyMap<string, HostEntry>
  readonly problems: readonly Problem[]
}

/** Name of the group that holds every host. */
export const ROOT = 'all'

/** Reads the tree. Ignores what has the wrong shape, which is for the schema to complain of. */
export function readTree(document: YamlDocument): InventoryTree {
  return new TreeReader(document).read()
}

interface OpenGroup extends GroupEntry {
  readonly children: Set<string>
  readonly hosts: Set<string>
  readonly connection: Map<string, Setting>
  readonly vars: Map<string, Setting>
}

interface OpenHost extends HostEntry {
  readonly settings: Map<string, Setting>
  readonly vars: Map<string, Setting>
}

class TreeReader {
  readonly #document: YamlDocument
  readonly #groups = new Map<string, OpenGroup>()
  readonly #hosts = new Map<string, OpenHost>()
  readonly #problems: Problem[] = []

  constructor(document: YamlDocument) {
    this.#document = document
  }

  read(): InventoryTree {
    const top = isMapping(this.#document.value) ? this.#document.value : {}
    const root = this.#group(ROOT, this.#document.locateKey(Object.hasOwn(top, ROOT) ? [ROOT] : []))
    for (const [name, body] of Object.entries(top)) {
      if (name !== ROOT) root.children.add(name)
      this.#readGroup(name, body, [name], [])
    }
    this.#checkNames()
    return { groups: this.#groups, hosts: this.#hosts, problems: this.#problems }
  }

  #readGroup(name: string, body: unknown, path: DataPath, ancestors: readonly string[]): void {
    const group = this.#group(name, this.#document.locateKey(path))
    if (ancestors.includes(name) || (name === ROOT && path.length > 1)) {
      this.#problems.push({
        message: `group \`${name}\` contains itself: ${[...ancestors, name].join(' → ')}`,
        location: this.#document.locateKey(path),
      })
      return
    }
    if (!isMapping(body)) return
    const { connection, vars, hosts, children } = body
    if (isMapping(connection))
      this.#add(group.connection, this.#settings([...path, 'connection'], connection), `group ${name}`)
    if (isMapping(vars)) this.#add(group.vars, this.#vars([...path, 'vars'], vars, 'group'), `group ${name}`)
    for (const [host, entry] of Object.entries(isMapping(hosts) ? hosts : {})) {
      group.hosts.add(host)
      this.#readHost(host, entry, [...path, 'hosts', host])
    }
    for (const [child, inner] of Object.entries(isMapping(children) ? children : {})) {
      group.children.add(child)
      this.#readGroup(child, inner, [...path, 'children', child], [...ancestors, name])
    }
  }

  #readHost(name: string, body: unknown, path: DataPath): void {
    const existing = this.#hosts.get(name)
    const location = this.#document.locateKey(path)
    const host = existing ?? { name, location, settings: new Map<string, Setting>(), vars: new Map<string, Setting>() }
    this.#hosts.set(name, host)
    if (!isMapping(body)) return
    const { vars, ...settings } = body
    this.#add(host.settings, this.#settings(path, settings), `host ${name}`)
    if (isMapping(vars)) this.#add(host.vars, this.#vars([...path, 'vars'], vars, 'host'), `host ${name}`)
  }

  #group(name: string, location: Location): OpenGroup {
    const group = this.#groups.get(name) ?? {
      name,
      location,
      children: new Set<string>(),
      hosts: new Set<string>(),
      connection: new Map<string, Setting>(),
      vars: new Map<string, Setting>(),
    }
    this.#groups.set(name, group)
    return group
  }

  #settings(path: DataPath, mapping: Readonly<Record<string, unknown>>): Settings {
    const entries = Object.entries(mapping)
    return new Map(entries.map(([key, value]) => [key, { value, location: this.#document.locate([...path, key]) }]))
  }

  #vars(path: DataPath, mapping: Readonly<Record<string, unknown>>, kind: 'group' | 'host'): Settings {
    return settingsOf(this.#document, path, mapping, kind, this.#problems)
  }

  /** A group or host may be written in several places, but must not be given two values for one thing. */
  #add(target: Map<string, Setting>, settings: Settings, owner: string): void {
    for (const [key, setting] of settings) {
      const before = target.get(key)
      if (before !== undefined && !isDeepStrictEqual(before.value, setting.value)) {
        this.#problems.push({
          message: `\`${key}\` of ${owner} has another value at ${formatLocation(before.location)}`,
          hint: 'keep one of the two',
          location: setting.location,
        })
      }
      target.set(key, setting)
    }
  }

  #checkNames(): void {
    for (const [name, { location }] of this.#hosts) {
      if (!this.#groups.has(name)) continue
      this.#problems.push({
        message: `\`${name}\` is both a host and a group`,
        hint: 'a name stands for one thing; rename one of them',
        location,
      })
    }
    const isBroken = this.#problems.some(({ message }) => message.includes('contains itself'))
    const cycle = isBroken ? undefined : findCycle(this.#groups)
    if (cycle !== undefined) {
      const [name = ''] = cycle
      const location = this.#groups.get(name)?.location
      const problem = { message: `group \`${name}\` contains itself: ${cycle.join(' → ')}` }
      this.#problems.push(location === undefined ? problem : { ...problem, location })
    }
  }
}

/** Groups that contain each other through entries in different places of the file. */
function findCycle(groups: ReadonlyMap<string, GroupEntry>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (done.has(name)) return undefined
    for (const child of groups.get(name)?.children ?? []) {
      const cycle = visit(child, [...path, name])
      if (cycle !== undefined) return cycle
    }
    done.add(name)
    return undefined
  }
  for (const name of groups.keys()) {
    const cycle = visit(name, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
