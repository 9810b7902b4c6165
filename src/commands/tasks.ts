import { Args } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'

/** Lists task types, or describes one. */
export default class Tasks extends BaseCommand {
  static override summary = 'List what a playbook can ask for, or describe one type of task.'
  static override description = 'The same is in docs/tasks.md. With --json it is data, for editors and other programs.'
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> nginx_vhost']
  static override enableJsonFlag = true
  static override args = { type: Args.string({ description: 'Type of task, such as `dnsmasq`.' }) }

  override async run(): Promise<unknown> {
    const { args } = await this.parse(Tasks)
    const { describeTask, listTasks } = await import('../cli/describe-tasks.ts')
    const { text, data } = args.type === undefined ? listTasks() : describeTask(args.type)
    this.log(text)
    return data
  }
}
