/** Entry point: hands the command line to oclif. */
import { flush, handle, type Interfaces, run, settings } from '@oclif/core'
import { packageRoot } from './package-root.ts'

/** Runs one command line; sets the exit code of the process. `load` is for running from sources. */
export async function main(
  argv: readonly string[],
  load: Interfaces.LoadOptions = { root: packageRoot() },
): Promise<void> {
  settings.enableAutoTranspile = false
  try {
    await run([...argv], load)
    await flush()
  } catch (error) {
    await end(error)
  }
}

/** Ends on an error that no command has dealt with: oclif knows its own, anything else is a bug. */
async function end(error: unknown): Promise<void> {
  if (error instanceof Error && 'oclif' in error) return handle(error as Error)
  const { describeError, printError } = await import('./cli/print-error.ts')
  const reported = describeError(error)
  printError(reported, { json: false })
  process.exitCode = reported.exitCode
}
