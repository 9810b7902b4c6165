/** Suites that need VMs, and are counted as skipped where there can be none. */
import { suite } from 'uvu'
import { PvectlError } from '../../src/errors.ts'
import { checkVmHost } from '../../src/lab/host-check.ts'

type Suite = ReturnType<typeof suite>

/** A suite if this machine can run VMs; otherwise one that is counted as skipped, with the reason said. */
export async function onVms(test: Suite): Promise<Suite> {
  const reason = await whyNot()
  if (reason === undefined) return test
  process.stdout.write(`SKIPPED: ${reason}\n`)
  const skipped = suite('on VMs')
  skipped.skip('needs VMs', () => {})
  return skipped
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
