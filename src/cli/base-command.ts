/** What all commands share: how errors end, on screen and as exit codes. */
import { Command, type Interfaces } from '@oclif/core'

/** Base of every command. Prints errors itself, since oclif loses exit codes under `--json`. */
export abstract class BaseCommand extends Command {
  /** True when the user asked for JSON, also where a command writes it line by line and not through oclif. */
  protected get wantsJson(): boolean {
    const end = this.argv.indexOf('--')
    return this.jsonEnabled() || (end === -1 ? this.argv : this.argv.slice(0, end)).includes('--json')
  }

  /**
   * Arguments never come from standard input unless a command asks for it: oclif takes what is piped for a missing
   * argument, so a loop that feeds hosts to `pvectl` would make it run another playbook.
   */
  protected override parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    const args: readonly { ignoreStdin?: boolean }[] = Object.values(options?.args ?? {})
    for (const arg of args) arg.ignoreStdin ??= true
    return super.parse(options, argv)
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
