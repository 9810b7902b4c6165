/** Entry point: hands the command line to oclif. */
import { Config, flush, handle, type Interfaces, run, settings } from '@oclif/core'
import { ignoreBrokenPipes } from './cli/signals.ts'
import { packageRoot } from './package-root.ts'

/** Runs one command line; sets the exit code of the process. `load` is for running from sources. */
export async function main(
  argv: readonly string[],
  load: Interfaces.LoadOptions = { root: packageRoot() },
): Promise<void> {
  settings.enableAutoTranspile = false
  ignoreBrokenPipes()
  try {
    await run([...argv], load)
    await flush()
  } catch (error) {
    await end(error, load)
  }
}

/** Ends on an error that no command has dealt with: oclif knows its own, anything else is a bug. */
async function end(error: unknown, load: Interfaces.LoadOptions): Promise<void> {
  if (error instanceof Error && 'oclif' in error) {
    const unknown = /^Command (.+) not found\.$/.exec(error.message)?.[1]
    return unknown === undefined ? handle(error as Error) : helpOfNothing(unknown, load)
  }
  const { describeError, printError } = await import('./cli/print-error.ts')
  const reported = describeError(error)
  printError(reported, { json: false })
  process.exitCode = reported.exitCode
}

/** Help was asked for of a command that does not exist, which oclif tells in its own way. */
async function helpOfNothing(id: string, load: Interfaces.LoadOptions): Promise<void> {
  const { sayNotFound } = await import('./cli/command-not-found.ts')
  sayNotFound(id, await Config.load(load))
}
