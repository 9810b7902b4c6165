import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { playbookFlags, playbookOptions } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Says what `apply` would change. */
export default class Check extends BaseCommand {
  static override summary = 'Say what `apply` would change, and change nothing.'
  static override description = prose`
Makes the same plan as \`apply\` from the same observation, prints it, and stops there. Later tasks are planned against
what earlier ones will have done, so that the first look at a fresh node shows all that would happen to it.

Exit codes: 0 looked, 2 wrong flags, 3 bad playbook or inventory, 4 a node could not be reached, 5 a task cannot be done,
6 something would change (with --exit-code), 130 interrupted.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> internal-network --inventory prod --limit node1',
    {
      description: 'Fail where a node is not as described, for a nightly job:',
      command: '<%= config.bin %> <%= command.id %> --exit-code --no-diff',
    },
  ]
  static override args = {
    playbook: Args.string({ description: 'A name under playbooks/ or a path.', default: 'site' }),
  }
  static override flags = {
    ...playbookFlags,
    diff: Flags.boolean({ char: 'D', summary: 'Show what would change inside files.', allowNo: true, default: true }),
    'exit-code': Flags.boolean({ summary: 'End with 6 when something would change.' }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Check)
    const { runPlaybook } = await import('../cli/run-playbook.ts')
    const driftExit = flags['exit-code']
    process.exitCode = await runPlaybook({
      ...playbookOptions(flags),
      mode: 'check',
      playbook: args.playbook,
      driftExit,
    })
  }
}
