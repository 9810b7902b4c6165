import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'

/** Logs in to a lab node. */
export default class LabSsh extends BaseCommand {
  static override summary = 'Log in to a lab node as root, or run a command there.'
  static override description = "Uses the system's ssh with the lab's key and its pinned host keys."
  static override examples = [
    '<%= config.bin %> <%= command.id %> node1',
    '<%= config.bin %> <%= command.id %> node1 -- ip -br address',
  ]
  static override usage = 'lab ssh NODE [--name NAME] [-- COMMAND]'
  // What follows `--` is the command for the node.
  static override strict = false
  static override args = {
    node: Args.string({ description: 'Name of the node, such as `node1`.', required: true }),
  }
  static override flags = { name: labNameFlag }

  override async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(LabSsh)
    const { labSsh } = await import('../../lab/ssh-client.ts')
    process.exitCode = await labSsh(flags.name, args.node, (argv as string[]).slice(1))
  }
}
