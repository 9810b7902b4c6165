import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatDuration, formatStatus } from '../../src/lab/status.ts'

const test = suite('lab status')

test('durations show their two largest units', () => {
  const cases = [
    [0.4, '0 s'],
    [59.9, '59 s'],
    [60, '1 min 0 s'],
    [3725, '1 h 2 min'],
    [90_061, '1 d 1 h'],
  ] as const
  for (const [seconds, text] of cases) assert.is(formatDuration(seconds), text)
})

test('the table lines up', () => {
  const text = formatStatus({
    lab: 'lab',
    kind: 'container',
    network: '198.18.0.0/24',
    rehearses: null,
    nodes: [
      { name: 'node1', address: '198.18.0.11', state: 'running', uptime: 61, ssh: true },
      { name: 'pve-with-a-name', address: '198.18.0.12', state: 'stopped', uptime: null, ssh: false },
    ],
  })
  assert.is(
    text,
    `node             address      state    uptime     ssh
node1            198.18.0.11  running  1 min 1 s  answers
pve-with-a-name  198.18.0.12  stopped  -          silent`,
  )
})

test.run()
