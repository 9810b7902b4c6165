import path from 'node:path'
import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'

/** Removes a lab. */
export default class LabDown extends BaseCommand {
  static override summary = 'End the nodes of a lab and remove everything that belongs to it.'
  static override description = [
    'Processes, mounts, network namespaces, links, control groups, disks, keys and the inventory it wrote; also what a',
    'lab left that crashed half-way. The base image stays in the cache for the next lab.',
  ].join(' ')
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --name demo']
  static override flags = { name: labNameFlag }

  override async run(): Promise<void> {
    const { flags } = await this.parse(LabDown)
    const { labDown } = await import('../../lab/down.ts')
    const { createProgress } = await import('../../lab/progress.ts')
    const progress = createProgress()
    try {
      await labDown({ lab: flags.name, onProgress: progress.show, out: path.resolve('inventory', flags.name) })
    } finally {
      progress.end()
    }
    this.log(`lab ${flags.name} is gone`)
  }
}
