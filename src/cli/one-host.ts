/** Commands about one node name it as the inventory does. */
import { PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { loadInventory } from '../inventory/load.ts'
import { selectHosts } from '../inventory/select.ts'

/** The host of this very name. Throws USAGE for a name that none or several bear. */
export async function oneHost(name: string, inventory: string): Promise<Host> {
  const hosts = selectHosts(await loadInventory(inventory, { cwd: process.cwd() }), name)
  const [host] = hosts
  if (host !== undefined && hosts.length === 1) return host
  throw new PvectlError('USAGE', `\`${name}\` is not one host but ${hosts.length}`, {
    hint: 'name a single host; this command is about one node',
  })
}
