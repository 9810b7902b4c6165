import path from 'node:path'
import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'

/** Starts a folder of playbooks. */
export default class Init extends BaseCommand {
  static override summary = 'Start a folder with an example inventory, playbooks and templates.'
  static override description =
    'Files that are there already are kept as they are. What to do next is printed at the end.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> my-cluster']
  static override enableJsonFlag = true
  static override args = {
    directory: Args.string({ description: 'Folder to fill, made where it is missing.', default: '.' }),
  }

  override async run(): Promise<unknown> {
    const { args } = await this.parse(Init)
    const { scaffold, scaffoldText } = await import('../cli/scaffold.ts')
    const report = await scaffold(path.resolve(args.directory))
    this.log(scaffoldText(report, process.cwd()))
    return report
  }
}
