import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'

/** Shows a lab. */
export default class LabStatus extends BaseCommand {
  static override summary = 'Show the nodes of a lab: address, state, time since boot, and whether sshd answers.'
  static override description = 'A node that is stopped is started again by `pvectl lab up`.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']
  static override enableJsonFlag = true
  static override flags = { name: labNameFlag }

  override async run(): Promise<unknown> {
    const { flags } = await this.parse(LabStatus)
    const { formatStatus, labStatus } = await import('../../lab/status.ts')
    const status = await labStatus(flags.name)
    this.log(formatStatus(status))
    return status
  }
}
