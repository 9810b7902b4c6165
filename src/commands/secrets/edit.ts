import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { prose } from '../../cli/prose.ts'

/** Edits what is encrypted. */
export default class SecretsEdit extends BaseCommand {
  static override summary = 'Edit an encrypted file, or a YAML file with encrypted values.'
  static override description = prose`
Opens a copy in $VISUAL or $EDITOR, in memory where the system has such a place, and encrypts again what was changed.
In a YAML file, what stands behind \`!age\` is encrypted: change it, or add more. The file is untouched when the editor
fails.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> inventory/group_vars/pve.yml',
    {
      description: 'Begin a file that is encrypted as a whole:',
      command: '<%= config.bin %> <%= command.id %> inventory/host_vars/node1.yml.age',
    },
  ]
  static override args = { file: Args.string({ description: 'File to edit.', required: true, ignoreStdin: true }) }

  override async run(): Promise<void> {
    const { args } = await this.parse(SecretsEdit)
    const { editFile } = await import('../../cli/secrets-edit.ts')
    this.log(await editFile(args.file, process.cwd()))
  }
}
