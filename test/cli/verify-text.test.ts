import { stripVTControlCharacters } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hostText, sumText } from '../../src/cli/verify-text.ts'
import { createPalette } from '../../src/reporters/palette.ts'
import { displayWidth } from '../../src/reporters/text.ts'
import type { HostReport } from '../../src/verify/report.ts'

const test = suite('verification as text')
const palette = createPalette(false)

const REPORT: HostReport = {
  host: 'node1',
  status: 'failed',
  seconds: 4.2,
  checks: [
    {
      kind: 'dhcp_offer',
      title: 'DHCP offers an address on vmbr1',
      proves: '',
      status: 'passed',
      saw: '10.10.10.150, router 10.10.10.1',
    },
    {
      kind: 'nat',
      title: 'guests reach the gateway',
      proves: '',
      status: 'failed',
      saw: 'no answer',
      cause: 'IPv4 forwarding is off',
      hint: 'turn it on',
    },
    {
      kind: 'jump',
      title: 'jump leads to the permitted guests',
      proves: '',
      status: 'skipped',
      saw: 'no key here\u001B[31m',
    },
  ],
}

test('a table: status, what, and what was seen; failures with cause and remedy', () => {
  assert.is(
    hostText(REPORT, { columns: 100, palette }),
    `node1  failed  1 passed, 1 failed, 1 skipped  4.2s
  passed   DHCP offers an address on vmbr1     10.10.10.150, router 10.10.10.1
  failed   guests reach the gateway            no answer
           cause: IPv4 forwarding is off
           hint: turn it on
  skipped  jump leads to the permitted guests  no key here`,
  )
})

test('narrow terminals get more lines, not longer ones', () => {
  for (const columns of [45, 60, 80]) {
    for (const line of hostText(REPORT, { columns, palette }).split('\n'))
      assert.ok(displayWidth(line) <= columns, line)
  }
})

test('colours change nothing but colours', () => {
  const colored = hostText(REPORT, { columns: 100, palette: createPalette(true) })
  assert.is.not(colored, stripVTControlCharacters(colored))
  assert.is(stripVTControlCharacters(colored), hostText(REPORT, { columns: 100, palette }))
})

test('hosts without checks, and hosts that cannot be reached, say so', () => {
  assert.match(hostText({ ...REPORT, status: 'skipped', checks: [] }, { columns: 80, palette }), 'nothing to prove')
  const error = { code: 'HOST_UNREACHABLE', problems: [{ message: 'no answer', hint: 'is it up?' }] }
  const text = hostText({ ...REPORT, status: 'unreachable', checks: [], error }, { columns: 80, palette })
  assert.match(text, /unreachable.*\n +error: no answer\n +hint: is it up\?/)
  assert.is(sumText([REPORT], { columns: 80, palette }), undefined)
  assert.is(sumText([REPORT, { ...REPORT, status: 'passed' }], { columns: 80, palette }), '2 hosts: 1 passed, 1 failed')
})

test.run()
