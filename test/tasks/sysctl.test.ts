import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { sysctlTask } from '../../src/tasks/sysctl.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, summaries } from '../helpers/model.ts'
import { planAll } from '../helpers/plan-all.ts'

const test = suite('sysctl')
const FILE = '/etc/sysctl.d/99-zz-pvectl-settings.conf'
const HEADER = '# Managed by pvectl: changes made here will be overwritten.\n'

function expand(params: unknown) {
  return sysctlTask.resources(sysctlTask.params.parse(params), hostContext())
}

test('file and live value; white space is as the kernel shows it', () => {
  const resources = expand({ settings: { 'net.ipv4.tcp_rmem': '4096\t87380   6291456', 'vm.swappiness': 10 } })
  const model = modelOf(
    fact(fileAt(FILE), { type: 'absent' }),
    fact(sysctlNamed('net.ipv4.tcp_rmem'), '4096 87380 6291456'),
    fact(sysctlNamed('vm.swappiness'), '60'),
  )
  const plans = planAll(resources, model)
  assert.equal(plans.flatMap(summaries), [`create ${FILE} (0644 root:root)`, 'vm.swappiness: 60 → 10'])
  const text = plans[0]?.changes[0]?.diff?.after?.toString()
  assert.is(text, `${HEADER}net.ipv4.tcp_rmem = 4096 87380 6291456\nvm.swappiness = 10\n`)
})

test('the file comes after the link to /etc/sysctl.conf, so that it wins at boot', () => {
  assert.ok(FILE > '/etc/sysctl.d/99-sysctl.conf')
})

test('absent removes the file and leaves the live value', () => {
  const plans = planAll(
    expand({ settings: { 'vm.swappiness': 10 }, state: 'absent' }),
    modelOf(fact(fileAt(FILE), fileState('x'))),
  )
  assert.equal(plans.flatMap(summaries), [`remove ${FILE}`])
})

test('a parameter that the kernel lacks blocks', () => {
  const [, live] = expand({ settings: { 'net.nope': 1 } })
  assert.is(live?.plan(modelOf(fact(sysctlNamed('net.nope'), undefined))).kind, 'blocked')
})

test('mistakes', () => {
  const bad = (params: object) => !sysctlTask.params.safeParse(params).success
  assert.ok(bad({ settings: {} }))
  assert.ok(bad({ settings: { '../x': 1 } }))
  assert.ok(bad({ settings: { swappiness: 1 } }))
  assert.ok(bad({ settings: { 'vm.swappiness': '1\nkernel.panic=1' } }))
  assert.ok(bad({ settings: { 'vm.swappiness': 1 }, file: '/etc/passwd' }))
})

test.run()
