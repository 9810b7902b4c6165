import { BaseCommand } from '../../cli/base-command.ts'
import { inventoryFlag, limitFlag } from '../../cli/flags.ts'

/** Lists groups and hosts. */
export default class InventoryList extends BaseCommand {
  static override summary = 'List the hosts of an inventory in their groups.'
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    "<%= config.bin %> <%= command.id %> -i prod --limit 'pve,!node3'",
  ]
  static override enableJsonFlag = true
  static override flags = { inventory: inventoryFlag, limit: limitFlag }

  override async run(): Promise<unknown> {
    const { flags } = await this.parse(InventoryList)
    const { loadInventory } = await import('../../inventory/load.ts')
    const { selectHosts } = await import('../../inventory/select.ts')
    const { listing, listText } = await import('../../inventory/list.ts')
    const inventory = await loadInventory(flags.inventory, { cwd: process.cwd() })
    const hosts = flags.limit === undefined ? inventory.hosts : selectHosts(inventory, flags.limit)
    this.log(listText(inventory, hosts))
    return listing(inventory, hosts)
  }
}
