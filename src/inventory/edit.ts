/**
 * Adds hosts to the text of an inventory file, or adds to what it says of them. Comments, order and formatting of what
 * is there stay as they are; a value that is there and differs is reported, and only replaced when that is asked for.
 */
import { isDeepStrictEqual } from 'node:util'
import { formatLocation, type Location, PvectlError } from '../errors.ts'
import { parseYaml, type YamlDocument } from '../yaml/document.ts'
import { explainIssues } from '../yaml/explain.ts'
import { insertEntry, replaceScalar, SpliceProblem } from '../yaml/splice.ts'
import { isMapping, pathText } from '../yaml/words.ts'
import { inventorySchema } from './schema.ts'
import { type GroupEntry, type InventoryTree, ROOT, readTree } from './tree.ts'

/** A setting or variable of a host, as plain data. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

/** A host that the inventory should have. */
export interface HostAddition {
  readonly name: string
  /** Group that should list it; default: `all` for a new host, no matter which for one that is there. */
  readonly group?: string
  /** Connection settings by their names in the file: `address`, `port`, `user`, `key`, `jump`, … */
  readonly settings?: Readonly<Record<string, Plain>>
  readonly vars?: Readonly<Record<string, Plain>>
}

/** Something that the file says otherwise, or that has no place in it. */
export interface InventoryConflict {
  readonly host: string
  /** `address`, `vars.external_bridge`; empty when it is about the host as such. */
  readonly setting: string
  readonly message: string
  readonly location: Location
}

/** Outcome of {@link mergeHosts}. */
export interface InventoryEdit {
  /** The new text; the same text when there was nothing to add. */
  readonly text: string
  /** Names of hosts that were not there. */
  readonly added: readonly string[]
  /** Names of hosts that were there and got something new. */
  readonly extended: readonly string[]
  readonly conflicts: readonly InventoryConflict[]
}

/** How to merge. */
export interface MergeOptions {
  /** Path of the file, for messages. */
  readonly file: string
  /** Put new scalars in place of those that differ, instead of reporting them. Default false. */
  readonly replace?: boolean
}

/**
 * Merges hosts into the text of an inventory file (`hosts.yml`, `prod.yml`). Pure. Throws INVENTORY_INVALID when the
 * text is no valid YAML, when it is written in a way that nothing can be added to without a change elsewhere, and when
 * a name or setting is not valid.
 */
export function mergeHosts(
  text: string,
  hosts: readonly HostAddition[],
  { file, replace = false }: MergeOptions,
): InventoryEdit {
  const conflicts: InventoryConflict[] = []
  const added: string[] = []
  const extended: string[] = []
  let current = text
  for (const host of hosts) {
    const merge = new HostMerge(current, host, file, replace)
    merge.run()
    conflicts.push(...merge.conflicts)
    if (merge.text !== current) (merge.isNew ? added : extended).push(host.name)
    current = merge.text
  }
  if (current !== text) assertValid(current, file)
  return { text: current, added, extended, conflicts }
}

/** True when the text of an inventory file has a group, be it without hosts. Throws INVENTORY_INVALID when it is no valid YAML. */
export function hasGroup(text: string, group: string, file: string): boolean {
  return groupPaths(parseYaml(text, file, 'INVENTORY_INVALID').value).some(({ name }) => name === group)
}

/** What was asked for may be no name of a host or group, or no value of a setting. */
function assertValid(text: string, file: string): void {
  const { value } = parseYaml(text, file, 'INVENTORY_INVALID')
  const parsed = inventorySchema.safeParse(value)
  if (parsed.success) return
  const [finding] = explainIssues(parsed.error.issues, { schema: inventorySchema, input: value })
  const message = finding === undefined ? 'not valid' : `${pathText(finding.path)}: ${finding.message}`
  throw new PvectlError('INVENTORY_INVALID', `the new entry would not be valid: ${message}`, {
    hint: 'nothing was written',
    location: { file },
  })
}

class HostMerge {
  readonly conflicts: InventoryConflict[] = []
  readonly isNew: boolean
  text: string
  readonly #host: HostAddition
  readonly #file: string
  readonly #replace: boolean

  constructor(text: string, host: HostAddition, file: string, replace: boolean) {
    this.text = text
    this.#host = host
    this.#file = file
    this.#replace = replace
    this.isNew = !this.#read().tree.hosts.has(host.name)
  }

  run(): void {
    if (this.#hasTakenName() || (this.isNew && this.#hasTakenAddress())) return
    const { name, group, settings = {}, vars = {} } = this.#host
    if (this.isNew) {
      const body = { ...settings, ...(Object.keys(vars).length === 0 ? {} : { vars }) }
      this.#insertHost(group ?? ROOT, Object.keys(body).length === 0 ? null : body)
      return
    }
    for (const [key, value] of Object.entries(settings)) this.#merge([key], value)
    for (const [key, value] of Object.entries(vars)) this.#merge(['vars', key], value)
    if (group !== undefined && !isMember(this.#read().tree, group, name)) this.#insertHost(group, null)
  }

  /** A name stands for one thing: `pve` is the usual name of a node and of the group of all of them. */
  #hasTakenName(): boolean {
    const { tree } = this.#read()
    const { name, group } = this.#host
    const location = tree.groups.get(name)?.location
    if (location !== undefined) {
      this.#conflict('', `\`${name}\` is a group of this inventory, so no host can be called so`, location)
      return true
    }
    const taken = group === undefined || group === name ? undefined : tree.hosts.get(group)?.location
    if (taken === undefined && group !== name) return false
    const where = taken ?? { file: this.#file }
    this.#conflict('', `\`${group}\` is a host, so no group can be called so`, where)
    return true
  }

  #hasTakenAddress(): boolean {
    const address = this.#host.settings?.address
    if (address === undefined) return false
    for (const [name, { settings, location }] of this.#read().tree.hosts) {
      const setting = settings.get('address')
      if ((setting?.value ?? name) !== address) continue
      this.#conflict('address', `${String(address)} is the address of ${name} already`, setting?.location ?? location)
      return true
    }
    return false
  }

  #merge(key: readonly [string] | readonly ['vars', string], wanted: Plain): void {
    const { document, tree } = this.#read()
    const { name } = this.#host
    const entry = tree.hosts.get(name)
    const setting = key[0] === 'vars' ? entry?.vars.get(key[1] ?? '') : entry?.settings.get(key[0])
    const isImplied = key[0] === 'address' && setting === undefined && wanted === name
    if (isImplied || isDeepStrictEqual(setting?.value, wanted)) return
    const shown = key.join('.')
    const places = placesOf(document, name)
    if (setting === undefined) {
      const place = places.find((path) => isMapping(at(document.value, path))) ?? places[0] ?? []
      const parent = [...place, ...key.slice(0, -1)]
      this.#edit((text) => insertEntry(text, parent, key.at(-1) ?? '', wanted))
      return
    }
    if (!this.#replace || typeof wanted === 'object') {
      const is = JSON.stringify(setting.value) ?? String(setting.value)
      this.#conflict(
        shown,
        `${shown} of ${name} is ${is} in the inventory, not ${JSON.stringify(wanted)}`,
        setting.location,
      )
      return
    }
    for (const place of places.filter((path) => at(document.value, [...path, ...key]) !== undefined)) {
      this.#edit((text) => replaceScalar(text, [...place, ...key], wanted))
    }
  }

  #insertHost(group: string, body: Plain): void {
    const { document, tree } = this.#read()
    const path = groupPath(document.value, group) ?? (group === ROOT ? [ROOT] : [ROOT, 'children', group])
    const { name } = this.#host
    this.#edit((text) =>
      insertEntry(text, [...path, 'hosts'], name, body, { flow: isFlow(text, document, tree.groups.get(group)) }),
    )
  }

  /** Makes an edit, and reads the result again: it must say what it said before and the new thing, nothing else. */
  #edit(change: (text: string) => string): void {
    try {
      const text = change(this.text)
      assertKept(
        parseYaml(this.text, this.#file, 'INVENTORY_INVALID').value,
        parseYaml(text, this.#file, 'INVENTORY_INVALID').value,
        this.#replace,
      )
      this.text = text
    } catch (error) {
      if (!(error instanceof SpliceProblem) && !(error instanceof PvectlError)) throw error
      const reason = error instanceof SpliceProblem ? `: ${error.message}` : ''
      throw new PvectlError('INVENTORY_INVALID', `nothing can be added here for ${this.#host.name}${reason}`, {
        hint: 'add the host by hand',
        location: { file: this.#file },
        cause: error,
      })
    }
  }

  #conflict(setting: string, message: string, location: Location): void {
    this.conflicts.push({ host: this.#host.name, setting, message, location })
  }

  #read(): { readonly document: YamlDocument; readonly tree: InventoryTree } {
    const document = parseYaml(this.text, this.#file, 'INVENTORY_INVALID')
    return { document, tree: readTree(document) }
  }
}

/** One line a conflict, as editors make clickable. */
export function conflictText({ message, location }: InventoryConflict): string {
  return `${formatLocation(location)}: ${message}`
}

function isMember({ groups }: InventoryTree, group: string, host: string): boolean {
  if (group === ROOT) return true
  const entry = groups.get(group)
  if (entry === undefined) return false
  return (
    entry.hosts.has(host) || [...entry.children].some((child) => isMember({ groups } as InventoryTree, child, host))
  )
}

/** All places of the file that list a host. */
function placesOf(document: YamlDocument, host: string): readonly (readonly string[])[] {
  return groupPaths(document.value)
    .map(({ path }) => [...path, 'hosts', host])
    .filter((path) => at(document.value, path) !== undefined)
}

function groupPath(data: unknown, group: string): readonly string[] | undefined {
  const places = groupPaths(data).filter(({ name }) => name === group)
  return (places.find(({ path }) => isMapping(at(data, [...path, 'hosts']))) ?? places[0])?.path
}

function groupPaths(
  data: unknown,
  base: readonly string[] = [],
): readonly { readonly name: string; readonly path: readonly string[] }[] {
  if (!isMapping(data)) return []
  return Object.entries(data).flatMap(([name, body]) => {
    const path = [...base, name]
    const inner = isMapping(body) ? groupPaths(body.children, [...path, 'children']) : []
    return [{ name, path }, ...inner]
  })
}

function at(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    data,
  )
}

/** New hosts are written as their neighbours are: on one line each, or not. Without neighbours: on one line. */
function isFlow(text: string, document: YamlDocument, group: GroupEntry | undefined): boolean {
  const last = [...(group?.hosts ?? [])].findLast((host) =>
    placesOf(document, host).some((path) => isMapping(at(document.value, path))),
  )
  if (last === undefined) return true
  const place = placesOf(document, last).find((path) => isMapping(at(document.value, path))) ?? []
  const { line = 1, column = 1 } = document.locate(place)
  return text.split('\n')[line - 1]?.[column - 1] === '{'
}

/** Throws when something of the old data is gone or, unless scalars are replaced, different. */
function assertKept(before: unknown, after: unknown, replace: boolean): void {
  if (before === null || before === undefined) return
  if (isMapping(before) && isMapping(after)) {
    for (const [key, value] of Object.entries(before)) assertKept(value, after[key], replace)
    return
  }
  const isScalarChange = replace && typeof before !== 'object' && typeof after !== 'object'
  if (!isScalarChange && !isDeepStrictEqual(before, after))
    throw new SpliceProblem('the text would come to mean something else')
}
