import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { inventoryFlag, yesFlag } from '../../cli/flags.ts'
import { prose } from '../../cli/prose.ts'

/** Adds what a cluster knows of itself to the inventory. */
export default class InventoryDiscover extends BaseCommand {
  static override summary =
    'Ask a node which members, bridges and guests its cluster has, and add them to the inventory.'
  static override description = prose`
Reads the API of Proxmox VE on the node by pvesh, in one exchange, and changes nothing there. Members that the inventory
lacks become hosts of the group that lists NODE; known ones get the variables that the shipped playbooks read, where
nothing sets them yet. The change is shown as a diff first. Comments and order of the file stay, what it says otherwise is
reported and left, and the file as it was is kept beside it.

Exit codes: 0 done or nothing to add, 2 wrong flags, 3 bad inventory, 4 the node could not be reached, 5 it gave no answer.`
  static override examples = [
    { description: 'See what would be added:', command: '<%= config.bin %> <%= command.id %> node1 --check' },
    '<%= config.bin %> <%= command.id %> node1 -i prod --group pve --yes',
    {
      description: 'Members only, quick on clusters with many guests:',
      command: '<%= config.bin %> <%= command.id %> node1 --no-guests --no-vars',
    },
  ]
  static override enableJsonFlag = true
  static override args = { node: Args.string({ description: 'A host of the inventory.', required: true }) }
  static override flags = {
    inventory: inventoryFlag,
    group: Flags.string({
      char: 'g',
      summary: 'Group for new hosts; default: the innermost one of NODE.',
      helpValue: 'NAME',
    }),
    guests: Flags.boolean({ summary: 'Read the network devices of guests.', allowNo: true, default: true }),
    vars: Flags.boolean({ summary: 'Add variables (bridges, addresses, reservations).', allowNo: true, default: true }),
    check: Flags.boolean({ char: 'C', aliases: ['dry-run'], summary: 'Show what would be added, and write nothing.' }),
    yes: yesFlag,
  }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(InventoryDiscover)
    const { discover } = await import('../../cli/discover.ts')
    const { inventory, group, guests, vars, check, yes } = flags
    return discover({
      node: args.node,
      inventory,
      group,
      guests,
      vars,
      check,
      yes,
      cwd: process.cwd(),
      say: (text) => this.log(text),
    })
  }
}
