/** Loads an inventory: finds, reads, checks, merges. */
import { homedir } from 'node:os'
import { type Problem, PvectlError } from '../errors.ts'
import type { SecretStore } from '../secrets/store.ts'
import { displayPath } from '../yaml/display-path.ts'
import type { YamlDocument } from '../yaml/document.ts'
import { explainIssues } from '../yaml/explain.ts'
import { isMapping, valueText } from '../yaml/words.ts'
import { settingHint } from './ansible.ts'
import type { Host, Inventory } from './host.ts'
import { type InventoryPlace, locateInventory } from './locate.ts'
import { type Membership, membership } from './membership.ts'
import { mergeVars, overlay } from './precedence.ts'
import { inventorySchema } from './schema.ts'
import { type EncryptedFiles, encryptedFiles, readMain, readVarsFolder, type Settings } from './sources.ts'
import { type HostConnection, makeTargets } from './targets.ts'
import { type InventoryTree, ROOT, readTree } from './tree.ts'

/** Surroundings of an inventory. */
export interface LoadInventoryOptions {
  /** Folder in which names and relative paths are looked up, and to which messages relate. */
  readonly cwd: string
  /** What `~` in `key` and `known_hosts` stands for; default the home folder of the user. */
  readonly home?: string
  /** What the main file is going to say; default: what it says. */
  readonly text?: string
  /** Opens encrypted variables. Without it values with `!age` stay closed, and encrypted files are left out. */
  readonly secrets?: SecretStore
}

/** A group with what it contains directly, as nested in the file. */
export interface GroupTree {
  readonly name: string
  readonly hosts: readonly string[]
  readonly children: readonly GroupTree[]
}

/** An inventory that still knows how its groups are nested. */
export interface LoadedInventory extends Inventory {
  readonly tree: GroupTree
}

/**
 * Loads an inventory by name or path. Throws INVENTORY_INVALID with everything that is wrong at once, and SECRET_FAILED
 * with all that cannot be decrypted.
 */
export async function loadInventory(nameOrPath: string, options: LoadInventoryOptions): Promise<LoadedInventory> {
  const { cwd, home = homedir(), secrets } = options
  const place = locateInventory(nameOrPath, cwd)
  const show = (file: string) => displayPath(file, cwd)
  const document = readMain(place.main, show(place.main), options.text)
  const shape = shapeProblems(document)
  const tree = readTree(document)
  const files = readFolders(place, tree, show, await openFiles(place, tree, show, secrets))
  const problems = [...shape, ...tree.problems, ...files.problems, ...emptiness(document, tree, shape)]
  if (problems.length > 0) throw PvectlError.of('INVENTORY_INVALID', problems)
  const groups = membership(tree)
  const targets = makeTargets(connections(tree, groups), { dir: place.dir, home })
  if (targets.problems.length > 0) throw PvectlError.of('INVENTORY_INVALID', targets.problems)
  const hosts = [...tree.hosts.values()].flatMap(({ name }): readonly Host[] => {
    const target = targets.targets.get(name)
    const memberOf = groups.groupsOf.get(name) ?? []
    return target === undefined
      ? []
      : [{ name, target, groups: memberOf, ...mergeVars(layers(name, memberOf, tree, files)) }]
  })
  const opened = secrets === undefined ? hosts : await openVars(hosts, secrets)
  return {
    name: place.name,
    file: show(place.main),
    hosts: opened,
    groups: groups.hostsOf,
    tree: groupTree(ROOT, tree),
  }
}

async function openFiles(
  place: InventoryPlace,
  tree: InventoryTree,
  show: (file: string) => string,
  secrets: SecretStore | undefined,
): Promise<EncryptedFiles | undefined> {
  if (secrets === undefined) return undefined
  const { groups, hosts } = knownNames(tree)
  const files = [...encryptedFiles(place.dir, 'group', groups), ...encryptedFiles(place.dir, 'host', hosts)]
  return { texts: await secrets.openFiles(files, show), protect: (value, where) => secrets.protect(value, where) }
}

/** Opens what hosts really have: a value that a stronger one replaces needs no key. */
async function openVars(hosts: readonly Host[], secrets: SecretStore): Promise<readonly Host[]> {
  const opened = await secrets.open(hosts.map(({ vars }) => vars))
  return hosts.map((host, i): Host => {
    const vars = opened[i] ?? host.vars
    const origins = new Map([...host.origins].map(([name, origin]) => [name, { ...origin, value: vars[name] }]))
    return { ...host, vars, origins }
  })
}

function shapeProblems(document: YamlDocument): readonly Problem[] {
  const { value } = document
  if (value === null) return []
  if (!isMapping(value)) {
    const message = `an inventory is a mapping of groups, not ${valueText(value)}`
    return [{ message, hint: 'begin with `all:` and `hosts:` below it', location: document.locate([]) }]
  }
  const parsed = inventorySchema.safeParse(value)
  const findings = parsed.success ? [] : explainIssues(parsed.error.issues, { schema: inventorySchema, input: value })
  return findings.map(({ path, atKey, message, hint }) => {
    const key = String(path.at(-1))
    const better = message.startsWith('unknown key') ? (settingHint(key) ?? placeHint(path) ?? hint) : hint
    const location = atKey ? document.locateKey(path) : document.locate(path)
    return { message, location, ...(better === undefined ? {} : { hint: better }) }
  })
}

/** Someone wrote the contents of a group where groups belong. */
function placeHint(path: readonly PropertyKey[]): string | undefined {
  const top = String(path[0])
  return ['hosts', 'vars', 'children', 'connection'].includes(top) ? `\`${top}:\` belongs below \`all:\`` : undefined
}

interface VarsFiles {
  readonly groups: ReadonlyMap<string, Settings>
  readonly hosts: ReadonlyMap<string, Settings>
  readonly problems: readonly Problem[]
}

function knownNames(tree: InventoryTree): { readonly groups: readonly string[]; readonly hosts: readonly string[] } {
  return { groups: [...tree.groups.keys(), 'ungrouped'], hosts: [...tree.hosts.keys()] }
}

function readFolders(
  place: InventoryPlace,
  tree: InventoryTree,
  show: (file: string) => string,
  encrypted: EncryptedFiles | undefined,
): VarsFiles {
  const common = { dir: place.dir, strict: place.ownsDir, show, encrypted }
  const known = knownNames(tree)
  const groups = readVarsFolder({ ...common, kind: 'group', known: known.groups })
  const hosts = readVarsFolder({ ...common, kind: 'host', known: known.hosts })
  return { groups: groups.vars, hosts: hosts.vars, problems: [...groups.problems, ...hosts.problems] }
}

function emptiness(document: YamlDocument, tree: InventoryTree, shape: readonly Problem[]): readonly Problem[] {
  if (tree.hosts.size > 0 || shape.length > 0) return []
  const hint = 'name at least one: `all: {hosts: {node1: {address: 203.0.113.10}}}`'
  return [{ message: 'the inventory has no hosts', hint, location: { file: document.file } }]
}

function layers(
  host: string,
  groups: readonly string[],
  tree: InventoryTree,
  files: VarsFiles,
): readonly (Settings | undefined)[] {
  return [
    ...groups.flatMap((group) => [tree.groups.get(group)?.vars, files.groups.get(group)]),
    tree.hosts.get(host)?.vars,
    files.hosts.get(host),
  ]
}

function connections(tree: InventoryTree, { groupsOf }: Membership): ReadonlyMap<string, HostConnection> {
  const entries = [...tree.hosts.values()].map(({ name, settings }): [string, HostConnection] => {
    const inherited = (groupsOf.get(name) ?? []).map((group) => tree.groups.get(group)?.connection)
    return [name, { name, own: settings, effective: overlay([...inherited, settings]) }]
  })
  return new Map(entries)
}

function groupTree(name: string, tree: InventoryTree): GroupTree {
  const entry = tree.groups.get(name)
  return {
    name,
    hosts: [...(entry?.hosts ?? [])],
    children: [...(entry?.children ?? [])].map((child) => groupTree(child, tree)),
  }
}
