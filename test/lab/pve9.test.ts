import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labUp, pvectl, pvectlEvents, type TestLab } from '../helpers/pvectl.ts'
import { testSite } from '../helpers/site.ts'

const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
const lab = bringUp()
const test = suite('a node like Proxmox VE 9')

/** The lab; undefined where this machine can fetch no Debian 13. */
function bringUp(): TestLab | undefined {
  try {
    return labUp('pve9', 1, dir, ['--pve', '9'])
  } catch (error) {
    const { message } = error as Error
    if (!message.includes('the base image could not be built')) throw error
    process.stdout.write(`SKIPPED: there is no image of Debian 13: ${message}\n`)
    return undefined
  }
}

function present(): TestLab {
  if (lab === undefined) throw new Error('there is no lab')
  return lab
}

test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

if (lab === undefined) test.skip('needs an image of Debian 13', () => {})
else {
  testSite(test, ['node1'], present)

  test('it is Debian 13', () => {
    assert.match(present().ssh('node1', 'cat /etc/debian_version'), /^13/)
  })

  test('what guests and visitors get is there', () => {
    const { code, stdout } = pvectl(['verify', '-i', present().inventory])
    assert.is(code, 0, stdout)
    assert.match(stdout, /passed {3}DHCP offers an address on vmbr1/)
  })

  test('a run is undone as a whole', () => {
    assert.is(pvectl(['rollback', 'node1', '-i', present().inventory, '--yes']).code, 0)
    const { code, events } = pvectlEvents(['check', '-i', present().inventory, '--exit-code'])
    assert.is(code, 6, JSON.stringify(events.filter((e) => e.event === 'host:finished')))
  })
}

test.run()
