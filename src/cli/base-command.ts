/** What all commands share: how errors end, on screen and as exit codes. */
import { Command } from '@oclif/core'

/** Base of every command. Prints errors itself, since oclif loses exit codes under `--json`. */
export abstract class BaseCommand extends Command {
  /** True when the user asked for JSON, also where a command writes it line by line and not through oclif. */
  protected get wantsJson(): boolean {
    const end = this.argv.indexOf('--')
    return this.jsonEnabled() || (end === -1 ? this.argv : this.argv.slice(0, end)).includes('--json')
  }

  /** Called by oclif with whatever `run` threw. */
  protected override async catch(error: Error & { code?: string }): Promise<void> {
    if (error.code === 'EEXIT') throw error
    const { describeError, printError } = await import('./print-error.ts')
    const reported = describeError(error)
    printError(reported, { json: this.wantsJson })
    process.exitCode = reported.exitCode
  }
}
