import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connector } from '../../src/connection/connection.ts'
import type { Target } from '../../src/connection/target.ts'
import { confirm } from '../../src/engine/confirm.ts'
import { Session } from '../../src/engine/session.ts'
import { PvectlError } from '../../src/errors.ts'
import { testHost } from '../helpers/job.ts'

const test = suite('the confirmation of a guarded run')

const BY_TIMER = 'reverted\nreverted by timer at 2026-01-01T00:00:00Z\nrestored /etc/network/interfaces\n'

/** What is told of a run that was not confirmed; the node answers so to the last word. */
async function told(
  look: () => Promise<string | undefined>,
  answer: string,
  timeoutSeconds: number,
  lookedAt?: number,
): Promise<string> {
  const connector: Connector<Target> = {
    close: async () => undefined,
    connect: async ({ name }) => ({
      peer: name,
      run: async () => ({ code: 0, signal: null, stdout: Buffer.from(answer), stderr: Buffer.alloc(0) }),
      close: async () => undefined,
    }),
  }
  const session = new Session(connector, testHost('node1').target)
  try {
    await confirm({ session, runId: 'r', guard: { timeoutSeconds }, look, lookedAt: () => lookedAt })
    return 'confirmed'
  } catch (error) {
    if (!(error instanceof PvectlError) || error.code !== 'ROLLED_BACK') throw error
    return error.message
  }
}

test('all as described', async () => {
  assert.is(await told(async () => undefined, 'confirmed\n', 5), 'confirmed')
})

test('a look that finds something else, in time', async () => {
  const message = await told(async () => 'vmbr1 is not as described', 'reverted by failure at …\n', 5)
  assert.match(message, /^vmbr1 is not as described; the node is back as it was/)
})

test('a look that gets through only after the timer sees the node as it was, and that is not the cause', async () => {
  let tries = 0
  const look = async () => {
    tries += 1
    if (tries === 1) throw new PvectlError('HOST_UNREACHABLE', 'no route')
    return 'vmbr1 is not as described'
  }
  const message = await told(look, BY_TIMER, 0.2)
  assert.match(message, /^no new connection could confirm the change within 0\.2 s; the node is back as it was/)
})

test('a look after the revert, while the timer had run since the connection was lost before', async () => {
  const late = Date.parse('2026-01-01T00:00:01Z')
  const message = await told(async () => 'vmbr1 is not as described', BY_TIMER, 5, late)
  assert.match(message, /^no new connection could confirm the change within 5 s; /)
})

test('a guard that is gone is not told as a rollback', async () => {
  const gone = told(async () => undefined, 'reverted\nnothing was armed\n', 5)
  const error = await gone.then(String, (caught: PvectlError) => caught)
  assert.is((error as PvectlError).code, 'STEP_FAILED')
  assert.match((error as PvectlError).message, /nothing was put back.*what was done stays/)
})

test('a look that finds something else just before the timer', async () => {
  assert.match(await told(async () => 'vmbr1 is not as described', BY_TIMER, 5), /^vmbr1 is not as described; /)
})

test.run()
