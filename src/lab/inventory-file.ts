/** Writes the inventory of a lab, so that every other command works on it as on real nodes. */
import { access, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import { PvectlError } from '../errors.ts'
import type { GroupTree, LoadedInventory } from '../inventory/load.ts'
import { labVariables } from './example-vars.ts'
import { keyFile } from './paths.ts'
import type { LabState } from './state.ts'

const MARK = '# Written by `pvectl lab up`, which writes over it. `pvectl lab down` removes it.'

/** What an inventory is written from. */
export interface LabInventory {
  readonly state: LabState
  /** Lines of a known_hosts file. */
  readonly knownHosts: string
  /** Public key that may use the jump account of every node. */
  readonly jumpKey: string
  /** The inventory that the lab rehearses: its groups and variables are copied. */
  readonly source?: LoadedInventory
}

/** Writes `hosts.yml` and `known_hosts` to a folder. Rejects with LAB_FAILED when a file there is someone's own. */
export async function writeInventory(folder: string, inventory: LabInventory): Promise<string> {
  const file = path.join(folder, 'hosts.yml')
  await checkOurs(file)
  // A folder of our own keeps itself out of the user's repository.
  if ((await mkdir(folder, { recursive: true })) !== undefined) await writeFile(path.join(folder, '.gitignore'), '*\n')
  const schema = await schemaFrom(folder)
  // Variables copied from production may be nobody else's business.
  await writeFile(file, `${schema}${MARK}\n${stringify(inventoryData(inventory), { lineWidth: 0 })}`, { mode: 0o600 })
  await chmod(file, 0o600)
  await writeFile(path.join(folder, 'known_hosts'), inventory.knownHosts)
  return file
}

/** Removes what {@link writeInventory} wrote, and nothing else. */
export async function removeInventory(folder: string): Promise<void> {
  if (!(await isOurs(path.join(folder, 'hosts.yml')))) return
  await rm(path.join(folder, 'hosts.yml'))
  await rm(path.join(folder, 'known_hosts'), { force: true })
  const rest = await readdir(folder)
  if (rest.length === 1 && rest[0] === '.gitignore') await rm(folder, { recursive: true })
}

/** The inventory as data: the nodes in group `pve`, or in the groups of the rehearsed inventory. */
export function inventoryData({ state, jumpKey, source }: Omit<LabInventory, 'knownHosts'>): Record<string, unknown> {
  const connection = { user: 'root', key: keyFile(state.name), known_hosts: 'known_hosts' }
  if (source === undefined) {
    const hosts = state.nodes.map(({ name, number, address }) => {
      return [name, { address, vars: labVariables(number, { jumpKeys: [jumpKey] }) }]
    })
    return { all: { connection, children: { pve: { hosts: Object.fromEntries(hosts) } } } }
  }
  const addresses = new Map(state.nodes.map((node) => [node.name, node.address]))
  const hosts = source.hosts.map(({ name, vars }) => [name, { address: addresses.get(name), vars }])
  const { children } = groupData(source.tree)
  return { all: { connection, hosts: Object.fromEntries(hosts), ...(children === undefined ? {} : { children }) } }
}

interface GroupData {
  readonly hosts?: Readonly<Record<string, null>>
  readonly children?: Readonly<Record<string, GroupData>>
}

/** A group as it was nested. Variables stand with the hosts, merged, which outranks all groups. */
function groupData({ hosts, children }: GroupTree): GroupData {
  return {
    ...(hosts.length === 0 ? {} : { hosts: Object.fromEntries(hosts.map((name) => [name, null])) }),
    ...(children.length === 0
      ? {}
      : { children: Object.fromEntries(children.map((child) => [child.name, groupData(child)])) }),
  }
}

async function checkOurs(file: string): Promise<void> {
  if (!(await exists(file)) || (await isOurs(file))) return
  throw new PvectlError('LAB_FAILED', `${file} is there already and was not written by \`pvectl lab up\``, {
    hint: 'give another folder with --out',
  })
}

async function isOurs(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n', 2).includes(MARK)
}

/** Points editors to the schema, where the project has one. */
async function schemaFrom(folder: string): Promise<string> {
  const schema = path.join(path.dirname(path.dirname(folder)), 'schemas/inventory.schema.json')
  if (!(await exists(schema))) return ''
  return `# yaml-language-server: $schema=${path.relative(folder, schema)}\n`
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
