import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { inventoryFlag, yesFlag } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Takes a run back on one node. */
export default class Rollback extends BaseCommand {
  static override summary = 'Put the files that a run changed on a node back to what they were.'
  static override description = prose`
By default the newest run that still stands. Daemons that read the files are restarted or reloaded once they accept
them, bridges that the run added are taken down, NAT rules follow the hooks that come and go, and the node reverts all
of it when it can't be reached afterwards, as with \`apply\`. Packages, accounts and live kernel parameters stay.

A run is not rolled back over later runs that touched the same files, nor over changes that others made since: that
ends with 5 and the list of them, unless --force is given.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> node1 --inventory prod --check',
    '<%= config.bin %> <%= command.id %> node1 --inventory prod --run 20261121T043006',
  ]
  static override args = { host: Args.string({ description: 'Host of the inventory.', required: true }) }
  static override flags = {
    inventory: inventoryFlag,
    run: Flags.string({ summary: 'Which run: its id or the beginning of it.', helpValue: 'ID' }),
    check: Flags.boolean({ char: 'C', summary: 'Change nothing, only show what would change.' }),
    yes: yesFlag,
    force: Flags.boolean({ summary: 'Also over later runs, changes by others, and guests on a bridge that goes.' }),
    pending: Flags.option({
      options: ['refuse', 'discard'] as const,
      summary: 'A network change pending in the web interface: `refuse` to write beside it, or `discard` it.',
      default: 'refuse' as const,
    })(),
    diff: Flags.boolean({ char: 'D', summary: 'Show what changes inside files; --check always does.' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Also show what is ok already, and what steps print on the node.' }),
    json: Flags.boolean({ summary: 'Write every event as one line of JSON to stdout.' }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Rollback)
    const { runRollback } = await import('../cli/run-rollback.ts')
    process.exitCode = await runRollback({ ...flags, host: args.host, run: flags.run })
  }
}
