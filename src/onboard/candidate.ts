/** A node to be onboarded, as a host of the inventory: one that is there already, or one that is going to be. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { type HostAddition, hasGroup, mergeHosts, type Plain } from '../inventory/edit.ts'
import type { Host } from '../inventory/host.ts'
import { type LoadedInventory, loadInventory } from '../inventory/load.ts'
import { locateInventory } from '../inventory/locate.ts'
import { replaceInventoryFile } from '../inventory/write.ts'
import type { SecretStore } from '../secrets/store.ts'
import type { NodeAddress } from './address.ts'

/** How new hosts are to be entered. */
export interface EntryWishes {
  /** Group for new hosts; default `pve` where the inventory has it, else `all`. */
  readonly group: string | undefined
  /** Private key file that is to log in, where the inventory names none. */
  readonly key: string | undefined
  /** Non-root user to log in as. */
  readonly adminUser: string | undefined
}

/** The inventory on disk, with hosts that are not in it yet. */
export class GrowingInventory {
  /** As the user named it. */
  readonly name: string
  /** Absolute path of the main file. */
  readonly file: string
  readonly #cwd: string
  readonly #wishes: EntryWishes
  readonly #secrets: SecretStore
  /** What the file says. */
  #saved: string
  #text: string

  private constructor(place: { name: string; main: string }, text: string, options: InventoryOptions) {
    this.name = place.name
    this.file = place.main
    this.#saved = text
    this.#text = text
    this.#cwd = options.cwd
    this.#wishes = options.wishes
    this.#secrets = options.secrets
  }

  /** Opens an inventory. Throws INVENTORY_INVALID when there is none; it may be without hosts. */
  static async open(name: string, options: InventoryOptions): Promise<GrowingInventory> {
    const place = locateInventory(name, options.cwd)
    return new GrowingInventory(place, await readFile(place.main, 'utf8'), options)
  }

  /** The text of the main file with the hosts added so far. */
  get text(): string {
    return this.#text
  }

  /** The inventory with the hosts added so far; undefined when it has none yet. */
  async load(): Promise<LoadedInventory | undefined> {
    try {
      return await this.#load(this.#text)
    } catch (error) {
      if (error instanceof PvectlError && /has no hosts/.test(error.message) && error.problems.length === 1)
        return undefined
      throw error
    }
  }

  /** The host of an address, as it is in the inventory. */
  async find({ address, port }: NodeAddress): Promise<Host | undefined> {
    const inventory = await this.load()
    return inventory?.hosts.find(
      ({ name, target }) =>
        (name === address || target.address === address) && (port === undefined || target.port === port),
    )
  }

  /** The host that a node would be with this name and these variables; nothing is written. */
  async preview(name: string, at: NodeAddress, vars: Readonly<Record<string, Plain>>): Promise<Host> {
    const inventory = await this.#load(this.#merged(name, await this.#addition(name, at, vars)))
    const host = inventory.hosts.find((candidate) => candidate.name === name)
    if (host === undefined) throw new PvectlError('INTERNAL', `${name} did not get into the inventory`)
    return host
  }

  /** Adds a host for all that follows; {@link save} writes it. Throws INVENTORY_INVALID on a name or address in use. */
  async add(name: string, at: NodeAddress, vars: Readonly<Record<string, Plain>>): Promise<Host> {
    const addition = await this.#addition(name, at, vars)
    const host = await this.preview(name, at, vars)
    this.#text = this.#merged(name, addition)
    return host
  }

  /** Adds variables to a host that is there; those that it has stay as they are. True when any were added. */
  async extend(name: string, vars: Readonly<Record<string, Plain>>): Promise<boolean> {
    const { text } = mergeHosts(this.#text, [{ name, vars }], { file: this.file })
    if (text === this.#text) return false
    await this.#load(text)
    this.#text = text
    return true
  }

  /** Writes the file whole, if there is something new; the old one is kept beside it. Throws INVENTORY_INVALID. */
  save(): void {
    if (this.#text !== this.#saved) replaceInventoryFile(this.file, this.#saved, this.#text)
    this.#saved = this.#text
  }

  /** Group that a new host gets into. */
  async group(): Promise<string> {
    if (this.#wishes.group !== undefined) return this.#wishes.group
    // The first node of all comes into an inventory whose groups have no hosts, and which cannot be loaded yet.
    const has = (await this.load())?.groups.has('pve') ?? hasGroup(this.#text, 'pve', this.file)
    return has ? 'pve' : 'all'
  }

  #load(text: string): Promise<LoadedInventory> {
    return loadInventory(this.name, { cwd: this.#cwd, secrets: this.#secrets, text })
  }

  #merged(name: string, addition: HostAddition): string {
    const { text, conflicts } = mergeHosts(this.#text, [addition], { file: this.file })
    if (conflicts.length === 0) return text
    const hint = `give the node another name with --name, or take ${name} out of the inventory if it is gone for good`
    throw PvectlError.of(
      'INVENTORY_INVALID',
      conflicts.map(({ message, location }) => ({ message, location, hint })),
    )
  }

  async #addition(name: string, at: NodeAddress, vars: Readonly<Record<string, Plain>>): Promise<HostAddition> {
    const group = await this.group()
    const bare = mergeHosts(this.#text, [{ name, group, settings: { address: at.address } }], { file: this.file })
    const inherited = (await this.#load(bare.text)).hosts.find((host) => host.name === name)?.target
    const { key, adminUser } = this.#wishes
    const settings: Record<string, Plain> = { address: at.address }
    if (at.port !== undefined && at.port !== inherited?.port) settings.port = at.port
    if (adminUser !== undefined && adminUser !== inherited?.user) settings.user = adminUser
    if (adminUser !== undefined && inherited?.become !== true) settings.become = true
    if (key !== undefined && !inherited?.keyFiles.includes(path.resolve(this.#cwd, key))) {
      settings.key = this.#keyPath(path.resolve(this.#cwd, key))
    }
    return { name, group, settings, ...(Object.keys(vars).length === 0 ? {} : { vars }) }
  }

  /** The home folder is another one for each admin. */
  #keyPath(file: string): string {
    const relative = path.relative(homedir(), file)
    return relative.startsWith('..') || path.isAbsolute(relative) ? file : `~/${relative}`
  }
}

/** Surroundings of an inventory that grows. */
export interface InventoryOptions {
  readonly cwd: string
  readonly wishes: EntryWishes
  readonly secrets: SecretStore
}
