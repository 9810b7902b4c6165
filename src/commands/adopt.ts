import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { inventoryFlag } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Writes the playbook that describes a node as it is. */
export default class Adopt extends BaseCommand {
  static override summary = 'Read a node that was set up by hand, and write the playbook that describes it as it is.'
  static override description = prose`
Reads networks, NAT, kernel parameters, DHCP and DNS, reverse proxy, accounts, SSH settings, packages and files that no
package brought, and changes nothing on the node. Writes playbooks/NODE.yml, copies of configuration files below
playbooks/files/NODE, and variables of the host; never over a file that is there.

Only tasks that would change nothing are active in that playbook: it is loaded and planned against what was read before it
is written. What pvectl would write otherwise is commented out with what would change, and what no task describes is
named at its end. Secrets are not written: private keys, password files and whatever looks like one stay on the node.

Exit codes: 0 written, 2 files are there already, 3 bad inventory, 4 the node could not be reached, 5 it could not be read.`
  static override examples = [
    {
      description: 'See the playbook, and write nothing:',
      command: '<%= config.bin %> <%= command.id %> node1 --check',
    },
    '<%= config.bin %> <%= command.id %> node1 -i prod && <%= config.bin %> check node1 -i prod',
    '<%= config.bin %> <%= command.id %> node1 --out /tmp/node1',
  ]
  static override enableJsonFlag = true
  static override args = { node: Args.string({ description: 'A host of the inventory.', required: true }) }
  static override flags = {
    inventory: inventoryFlag,
    out: Flags.string({
      char: 'o',
      summary:
        'Folder to write below, variables included; default: the working directory, and host_vars of the inventory.',
      helpValue: 'DIR',
    }),
    force: Flags.boolean({ summary: 'Write over files that are there.' }),
    check: Flags.boolean({ char: 'C', aliases: ['dry-run'], summary: 'Print the playbook, and write nothing.' }),
  }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Adopt)
    const { adopt } = await import('../cli/adopt.ts')
    const { inventory, out, force, check } = flags
    return adopt({ node: args.node, inventory, out, force, check, cwd: process.cwd(), say: (text) => this.log(text) })
  }
}
