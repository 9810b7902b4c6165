import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { inventoryFlag } from '../../cli/flags.ts'
import { prose } from '../../cli/prose.ts'

/** Encrypts a value or a file. */
export default class SecretsEncrypt extends BaseCommand {
  static override summary = 'Encrypt a value for YAML, or a file of variables.'
  static override description = prose`
Without FILE, a value is asked for on the terminal or read from standard input, and printed as YAML to paste. With FILE,
the encrypted file is written beside it as FILE.age, and FILE is left to you. Both are encrypted for all public keys of
the nearest .age-recipients.`
  static override examples = [
    { description: 'A value, typed without echo:', command: '<%= config.bin %> <%= command.id %> --name db_password' },
    {
      description: 'A new password that nobody ever sees, added to the variables of a group:',
      command:
        'openssl rand -base64 24 | <%= config.bin %> <%= command.id %> --name db_password >> inventory/group_vars/pve.yml',
    },
    {
      description: 'A file of variables as a whole:',
      command: '<%= config.bin %> <%= command.id %> inventory/group_vars/pve.yml',
    },
  ]
  static override args = {
    file: Args.string({
      description: 'File to encrypt; without it, or with `-`, a value.',
      default: '-',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    inventory: inventoryFlag,
    name: Flags.string({ char: 'n', summary: 'Variable to write in front of a value.', helpValue: 'NAME' }),
  }

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(SecretsEncrypt)
    const { encryptFile, encryptValue } = await import('../../cli/secrets-encrypt.ts')
    const cwd = process.cwd()
    this.log(
      args.file === '-' ? await encryptValue({ ...flags, name: flags.name, cwd }) : await encryptFile(args.file, cwd),
    )
  }
}
