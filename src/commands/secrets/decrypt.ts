import { Args } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'

/** Shows what is encrypted. */
export default class SecretsDecrypt extends BaseCommand {
  static override summary = 'Print an encrypted file, or a YAML file with its encrypted values, as plain text.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> inventory/group_vars/pve.yml.age',
    { description: 'A single value:', command: '<%= config.bin %> <%= command.id %> - < value.txt' },
  ]
  static override args = {
    file: Args.string({
      description: 'Encrypted file, or YAML with values that are; `-`: standard input.',
      required: true,
      ignoreStdin: true,
    }),
  }

  override async run(): Promise<void> {
    const { args } = await this.parse(SecretsDecrypt)
    const { decryptText } = await import('../../cli/secrets-encrypt.ts')
    process.stdout.write(await decryptText(args.file, process.cwd()))
  }
}
