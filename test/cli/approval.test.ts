import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { approvalQuestion } from '../../src/cli/approval.ts'

const test = suite('question before risky changes')
const REASON = 'does not touch the path of this connection (192.0.2.5 on vmbr0, eno1)'

test('what touches the connection comes first, with the reason', () => {
  const text = approvalQuestion(
    'node1',
    [
      { changes: ['vmbr1: add port eno2'], wayIn: { touches: false, reasons: [REASON] } },
      { changes: ['something'] },
      { changes: ['vmbr0: remove port eno1'], wayIn: { touches: true, reasons: ['takes port eno1 out of vmbr0'] } },
    ],
    true,
  )
  assert.equal(text.split('\n'), [
    'This can cut the connection to the nodes. On node1:',
    '  vmbr0: remove port eno1',
    '    → takes port eno1 out of vmbr0',
    '  vmbr1: add port eno2',
    '  something',
    'Each node puts it back by itself unless a new connection confirms it.',
  ])
})

test('what touches nothing of it is said to', () => {
  const text = approvalQuestion(
    'node1',
    [{ changes: ['vmbr1: add port eno2'], wayIn: { touches: false, reasons: [REASON] } }],
    false,
  )
  assert.match(text, `This changes links, but ${REASON}. On node1:`)
  assert.match(text, 'There is no guard')
})

test('a long list is cut, and control characters are shown', () => {
  const changes = Array.from({ length: 30 }, (_, i) => `change ${i}\u001b[2J`)
  const text = approvalQuestion('node1', [{ changes }], true)
  assert.match(text, '… and 14 more lines')
  assert.not.match(text, '\u001b')
})

test.run()
