import { BaseCommand } from '../../cli/base-command.ts'
import { inventoryFlag } from '../../cli/flags.ts'
import { prose } from '../../cli/prose.ts'

/** Makes the key of the user. */
export default class SecretsInit extends BaseCommand {
  static override summary = 'Make your key, and list its public part beside the inventory.'
  static override description = prose`
The private key goes to $PVECTL_AGE_IDENTITY, by default ~/.config/pvectl/age.key, and only you may read it. A key that
is there already is kept.`
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --inventory staging',
  ]
  static override enableJsonFlag = true
  static override flags = { inventory: inventoryFlag }

  override async run(): Promise<unknown> {
    const { flags } = await this.parse(SecretsInit)
    const { initSecrets, initText } = await import('../../cli/secrets-init.ts')
    const report = await initSecrets(flags.inventory, process.cwd())
    this.log(initText(report))
    return report
  }
}
