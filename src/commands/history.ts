import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { inventoryFlag } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Lists past runs, or shows one. */
export default class History extends BaseCommand {
  static override summary = 'List past runs of apply, or show one of them.'
  static override description = prose`
Each \`apply\` leaves a record on the machine that started it and one on each node that it changed. This lists those of
this machine; with --host those that a node keeps, whoever started them. A run may be named by the beginning of its id.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 20261121T043006',
    '<%= config.bin %> <%= command.id %> --host node1 --inventory prod',
  ]
  static override enableJsonFlag = true
  static override args = { run: Args.string({ description: 'Id of a run, or its beginning.' }) }
  static override flags = {
    host: Flags.string({ summary: 'Ask this node for its own records.', helpValue: 'NAME' }),
    inventory: inventoryFlag,
  }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(History)
    const { showHistory, showNodeHistory } = await import('../cli/show-history.ts')
    const { text, data } =
      flags.host === undefined ? showHistory(args.run) : await showNodeHistory(flags.host, flags.inventory, args.run)
    this.log(text)
    return data
  }
}
