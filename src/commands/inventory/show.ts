import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { inventoryFlag } from '../../cli/flags.ts'

/** Shows one host with everything that inventory files say of it. */
export default class InventoryShow extends BaseCommand {
  static override summary = 'Show how a host is connected to, its groups, and its variables with where they were set.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> node1',
    '<%= config.bin %> <%= command.id %> node1 -i prod --json',
  ]
  static override enableJsonFlag = true
  static override args = { host: Args.string({ description: 'Name of the host in the inventory.', required: true }) }
  static override flags = { inventory: inventoryFlag }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(InventoryShow)
    const { loadForView } = await import('../../cli/inventory-view.ts')
    const { describeHost, findHost, showText } = await import('../../inventory/show.ts')
    const { inventory, notice } = await loadForView(flags.inventory, process.cwd())
    if (notice !== undefined) this.logToStderr(notice)
    const host = findHost(inventory, args.host)
    this.log(showText(host))
    return describeHost(host)
  }
}
