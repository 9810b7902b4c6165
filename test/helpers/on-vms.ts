/** Suites that need VMs, and are counted as skipped where there can be none. */
import { suite } from 'uvu'
import { PvectlError } from '../../src/errors.ts'
import { checkVmHost } from '../../src/lab/host-check.ts'

/** Runs a suite if this machine can run VMs; says why not otherwise. */
export async function runOnVms(test: ReturnType<typeof suite>): Promise<void> {
  const reason = await whyNot()
  if (reason === undefined) return test.run()
  process.stdout.write(`SKIPPED: ${reason}\n`)
  const skipped = suite('on VMs')
  skipped.skip('needs VMs', () => {})
  skipped.run()
}

async function whyNot(): Promise<string | undefined> {
  try {
    await checkVmHost()
    return undefined
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    return error.problems.map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`)).join('; ')
  }
}
