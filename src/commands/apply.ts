import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { guardFlags, guardOption, playbookFlags, playbookOptions } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Brings nodes to the state a playbook describes. */
export default class Apply extends BaseCommand {
  static override summary = 'Bring nodes to the state that a playbook describes.'
  static override description = prose`
The playbook and all variables are checked before the first connection. Each node is then observed, compared with the
playbook, changed where it differs, and observed again: a task counts as changed only when the node really is as
described afterwards. A second run changes nothing.

Changes that can cut the way in (a live bridge, sshd settings, a login key taken away, any file below /etc/network or
/etc/ssh) are guarded: the node arms a timer first and puts everything back unless a new connection confirms in time. With
such a plan one node goes first, the others follow when it came through. A command on its own is not guarded.

Exit codes: 0 as described, 2 wrong flags, 3 bad playbook or inventory (no node was touched), 4 a node could not be
reached, 5 a task or (with --verify) a check failed, 7 a node rolled itself back, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> reverse-proxy --inventory prod --limit node1',
    '<%= config.bin %> <%= command.id %> internal-network --extra-vars internal_domain=lab.example.org',
    {
      description: 'Stop a roll-out at the first node that does not work afterwards:',
      command: '<%= config.bin %> <%= command.id %> --verify',
    },
    {
      description: 'Show every line that would change:',
      command: '<%= config.bin %> <%= command.id %> --check --diff',
    },
  ]
  static override args = {
    playbook: Args.string({ description: 'A name under playbooks/ or a path.', default: 'site' }),
  }
  static override flags = {
    ...playbookFlags,
    ...guardFlags,
    diff: Flags.boolean({ char: 'D', summary: 'Show what changes inside files.' }),
    verify: Flags.boolean({
      summary: 'Prove that it works on each node that is done, as `verify`, before the next nodes go.',
      exclusive: ['check'],
    }),
    check: Flags.boolean({ char: 'C', summary: 'Change nothing, only say what would change; as `check`.' }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Apply)
    const { runPlaybook } = await import('../cli/run-playbook.ts')
    const mode = flags.check ? 'check' : 'apply'
    const guard = guardOption(flags, (text) => this.warn(text))
    const lockTimeoutMs = flags['lock-timeout'] * 1000
    const options = {
      ...playbookOptions(flags),
      mode,
      ask: !flags.yes,
      guard,
      lockTimeoutMs,
      playbook: args.playbook,
      driftExit: false,
      verify: flags.verify,
    } as const
    process.exitCode = await runPlaybook(options)
  }
}
