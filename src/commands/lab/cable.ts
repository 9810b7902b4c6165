import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'
import type { CableAction } from '../../lab/cable.ts'

/** Pulls a cable of a lab node. */
export default class LabCable extends BaseCommand {
  static override summary = 'Pull a network cable of a lab node, or plug it in again.'
  static override description = [
    'Both ends lose the carrier. VMs have eno1, eno2 and eno3, containers eno1 alone: without that one nobody reaches the',
    'node. A node that is started has all its cables plugged in.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %> node1 eno2 pull --name vms',
    '<%= config.bin %> <%= command.id %> node1 eno2 plug --name vms',
  ]
  static override enableJsonFlag = true
  static override args = {
    node: Args.string({ description: 'Name of the node, such as `node1`.', required: true }),
    nic: Args.string({ description: 'NIC of the node, such as `eno2`.', required: true }),
    action: Args.string({ description: 'What to do.', required: true, options: ['pull', 'plug'] }),
  }
  static override flags = { name: labNameFlag }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(LabCable)
    const { formatCable, labCable } = await import('../../lab/cable.ts')
    const action = args.action as CableAction
    const report = await labCable({ lab: flags.name, node: args.node, nic: args.nic, action })
    this.log(formatCable(report))
    return report
  }
}
