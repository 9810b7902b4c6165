import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { inventoryFlag, limitFlag, playbookFlags } from '../cli/flags.ts'
import { prose } from '../cli/prose.ts'

/** Proves that what a playbook describes really works. */
export default class Verify extends BaseCommand {
  static override summary = 'Prove that what a playbook describes works, seen from where it matters.'
  static override description = prose`
For each task that has something to prove, pvectl looks from the place of its users. A throw-away network namespace on the
bridge stands for a guest: DHCP offers it an address (no lease is taken), names resolve, packets get out and back. This
machine stands for the world outside: sites answer with the right certificate, the jump account leads where it should and
nowhere else, ports that should be closed are. What fails is shown with its likely cause; what cannot be tested is skipped,
with the reason, and never counts as passed. Nothing is changed, and nothing is left on the nodes.

Exit codes: 0 nothing failed, 2 wrong flags, 3 bad playbook or inventory, 4 a node could not be reached, 5 a check failed,
130 interrupted.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> internal-network --inventory prod --limit node1',
    { description: 'For a nightly job:', command: '<%= config.bin %> <%= command.id %> --json' },
  ]
  static override enableJsonFlag = true
  static override args = {
    playbook: Args.string({ description: 'A name under playbooks/ or a path.', default: 'site' }),
  }
  static override flags = {
    inventory: inventoryFlag,
    limit: limitFlag,
    tags: playbookFlags.tags,
    'skip-tags': playbookFlags['skip-tags'],
    'extra-vars': playbookFlags['extra-vars'],
    forks: playbookFlags.forks,
  }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Verify)
    const { runVerify } = await import('../cli/run-verify.ts')
    const report = await runVerify({
      playbook: args.playbook,
      inventory: flags.inventory,
      limit: flags.limit,
      tags: flags.tags ?? [],
      skipTags: flags['skip-tags'] ?? [],
      extraVars: flags['extra-vars'] ?? [],
      forks: flags.forks,
      json: this.jsonEnabled(),
    })
    process.exitCode = report.exitCode
    return report
  }
}
