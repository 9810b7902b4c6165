import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { file } from '../../src/resources/file.ts'
import { debianPackage } from '../../src/resources/package.ts'
import { fact, fileState, modelOf, planChange } from '../helpers/model.ts'

const test = suite('a file that a package brings')
const PATH = '/etc/dnsmasq.conf'

/** What the step of the file expects to find, after the package was or was not to be installed. */
function expectation(installed: boolean, there: string | undefined): string {
  const state = there === undefined ? ({ type: 'absent' } as const) : fileState(there)
  const start = modelOf(
    fact(packageNamed('dnsmasq'), installed ? { installed: true, version: '2.89' } : { installed: false }),
    fact(fileAt(PATH), state),
  )
  const install = debianPackage({ name: 'dnsmasq', state: 'present', units: [] })
  const plan = install.plan(start)
  const model = plan.kind === 'change' ? start.with(plan.after).disturbed(plan.disturbs ?? []) : start
  const { script } = planChange(file({ path: PATH, content: Buffer.from('mine\n') }), model)
  return /pv_write .* (\S+)$/s.exec(script.latin1.trim())?.[1]?.replaceAll("'", '') ?? 'none'
}

test('may stand where there was none; what was there must be as it was', () => {
  assert.is(expectation(true, undefined), 'absent')
  assert.is(expectation(false, undefined), 'packaged')
  assert.match(expectation(false, 'old\n'), /^[0-9a-f]{64}$/)
})

test.run()
