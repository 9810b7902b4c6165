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
    await handle(error as Error)
  }
}
