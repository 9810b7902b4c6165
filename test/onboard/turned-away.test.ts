import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SshConnector } from '../../src/connection/ssh-connector.ts'
import { PvectlError } from '../../src/errors.ts'
import { comingBack } from '../../src/onboard/turned-away.ts'
import { testHost } from '../helpers/job.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('a node that turns this machine away')

/** A node that answers so in turn. */
function node(...answers: readonly unknown[]) {
  const left = [...answers]
  const next = async () => {
    const answer = left.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  return { left, connector: { connect: next, hostKey: next } as unknown as SshConnector }
}

const away = () => new PvectlError('HOST_UNREACHABLE', 'turned away', { backOffMs: 2 })
const { target } = testHost('pve1')

test('it is come back to after the time that it takes, and the wait is told', async () => {
  const waits: number[] = []
  const { connector, left } = node(away(), away(), 'connection', away(), 'key')
  const patient = comingBack(connector, (seconds) => waits.push(seconds))
  assert.is(await patient.connect(target), 'connection')
  assert.is(await patient.hostKey(target), 'key')
  assert.equal(waits, [0.002, 0.002, 0.002])
  assert.is(left.length, 0)
})

test('nothing else is repeated, and the patience ends', async () => {
  const refused = new PvectlError('AUTH_FAILED', 'no')
  const { connector, left } = node(refused, ...Array.from({ length: 7 }, away))
  const patient = comingBack(connector, () => undefined)
  assert.is(await failureOf(patient.connect(target)), refused)
  assert.is((await failureOf(patient.connect(target))).code, 'HOST_UNREACHABLE')
  assert.is(left.length, 1)
})

test.run()
