import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection, RunResult } from '../../src/connection/connection.ts'
import { PvectlError } from '../../src/errors.ts'
import { parseProgress, startCreate, startJoin } from '../../src/onboard/join-script.ts'
import { isMember, waitForMembership } from '../../src/onboard/membership.ts'
import { COROSYNC_PORTS, parseWay } from '../../src/onboard/ports.ts'
import { skew } from '../../src/onboard/survey.ts'
import { within } from '../helpers/within.ts'

const test = suite('joining a cluster')

const ALONE = '{\n"nodename": "pve4",\n"version": 1\n}\n'

function members(quorate: 0 | 1, online: 0 | 1, cluster = 'prod'): string {
  return `{
"nodename": "pve4",
"version": 7,
"cluster": { "name": "${cluster}", "version": 2, "nodes": 2, "quorate": ${quorate} },
"nodelist": {
  "pve1": { "id": 1, "online": 1, "ip": "192.0.2.11"},
  "pve4": { "id": 2, "online": ${online}, "ip": "192.0.2.14"}
  }
}
`
}

/** What the poll script prints. */
function poll(
  state: 'active' | 'inactive',
  more: { rc?: number; conf?: boolean; log?: string; members?: string },
): string {
  const conf = more.conf === true ? 'conf\n' : ''
  return `running ${state}\nrc ${more.rc ?? ''}\n${conf}log\n${more.log ?? ''}\n\npvectl-members\n${more.members ?? ALONE}`
}

/** A connection that answers one after the other; the last answer stays. Undefined: it breaks off. */
function answering(answers: readonly (string | undefined)[]): () => Promise<Connection> {
  let next = 0
  const run = async (): Promise<RunResult> => {
    const text = answers[Math.min(next++, answers.length - 1)]
    if (text === undefined) throw new PvectlError('CONNECTION_LOST', 'broke off')
    return { code: 0, signal: null, stdout: Buffer.from(text), stderr: Buffer.alloc(0) }
  }
  return async () => ({ peer: 'node', run, close: async () => undefined })
}

const question = (
  node: readonly (string | undefined)[],
  member: readonly (string | undefined)[],
  timeoutMs = 20_000,
) => {
  const progress: string[] = []
  const wait = waitForMembership({
    node: 'pve4',
    cluster: 'prod',
    connectNode: answering(node),
    connectMember: answering(member),
    timeoutMs,
    onProgress: (text) => progress.push(text),
  })
  return { wait: within(30_000, wait), progress }
}

test('membership is being online in a quorate cluster of this name, and nothing less', () => {
  const wanted = { node: 'pve4', cluster: 'prod' }
  assert.is(isMember(members(1, 1), wanted), true)
  for (const text of [members(0, 1), members(1, 0), members(1, 1, 'other'), ALONE, '', '{"nodename": "pv', 'null']) {
    assert.is(isMember(text, wanted), false, text)
  }
})

test('a poll is read back, whatever pvecm printed', () => {
  const log = 'running active\nrc 7\nlog\npvectl-members is a word'
  const read = parseProgress(poll('inactive', { rc: 0, conf: true, log, members: members(1, 1) }))
  assert.equal([read.running, read.exitStatus, read.hasConf, read.hasCertificate], [false, 0, true, false])
  assert.equal(read.log.at(-1), 'pvectl-members is a word')
  assert.is(isMember(read.members, { node: 'pve4', cluster: 'prod' }), true)
})

test('both sides must see the node, and pvecm must have ended', async () => {
  const node = [
    poll('active', { log: 'Request addition of this node' }),
    undefined,
    poll('active', { conf: true, log: 'waiting for quorum...', members: members(1, 1) }),
    poll('inactive', { conf: true, rc: 0, members: members(1, 1) }),
  ]
  const { wait, progress } = question(node, [members(1, 0), members(1, 1)])
  assert.is((await wait).kind, 'member')
  assert.ok(progress.includes('Request addition of this node'), progress.join('|'))
})

test('an end with 0 and without membership is an end, not a success', async () => {
  const { wait } = question([poll('inactive', { rc: 0, log: 'EOF while reading password' })], [members(1, 0)], 30_000)
  const outcome = await wait
  assert.is(outcome.kind, 'ended')
  assert.is(outcome.progress?.exitStatus, 0)
  assert.equal(outcome.progress?.log, ['EOF while reading password'])
})

test('what waits for ever is given up in time', async () => {
  const waiting = poll('active', { conf: true, log: 'waiting for quorum...', members: members(0, 1) })
  const outcome = await question([waiting], [members(1, 0)], 2500).wait
  assert.is(outcome.kind, 'timeout')
  assert.is(outcome.progress?.hasConf, true)
})

test('pvecm is called with words that cannot become options or commands', () => {
  const text = startJoin(
    '192.0.2.11',
    new Map([
      [0, '192.0.2.14'],
      [1, "x'; reboot #"],
    ]),
  ).display
  assert.match(text, "sh add 192.0.2.11 --use_ssh 1 --link0 192.0.2.14 --link1 'x'\\''; reboot #'")
  assert.match(startCreate('prod', new Map([[0, '192.0.2.14']])).display, 'sh create prod --link0 192.0.2.14')
})

test('ports that nobody heard are blocked, those in use were not tried', () => {
  const way = parseWay('open 5406\nopen 5407\nbusy 5405\n')
  assert.equal(way.open, [5406, 5407])
  assert.equal(way.busy, [5405])
  assert.equal(way.blocked, [5408, 5409, 5410, 5411, 5412])
  assert.equal(parseWay('').blocked, [...COROSYNC_PORTS])
})

test('a clock is only wrong as far as the exchange shows it', () => {
  assert.is(skew(1000, 1500, 2000), 0)
  assert.is(skew(1000, 400, 2000), -600)
  assert.is(skew(1000, 5000, 2000), 3000)
})

test.run()
