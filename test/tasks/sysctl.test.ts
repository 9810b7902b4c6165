import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DirectoryFile, filesIn } from '../../src/facts/directory-files.ts'
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

/** Files of sysctl.d besides pvectl's own, by path. */
function sysctlDirectories(files: Record<string, string> = {}) {
  const all = Object.entries(files).map(([path, text]): DirectoryFile => ({ path, content: Buffer.from(text) }))
  return ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d'].map((directory) =>
    fact(
      filesIn(directory),
      all.filter(({ path }) => path.startsWith(`${directory}/`)),
    ),
  )
}

test('file and live value; white space is as the kernel shows it', () => {
  const resources = expand({ settings: { 'net.ipv4.tcp_rmem': '4096\t87380   6291456', 'vm.swappiness': 10 } })
  const model = modelOf(
    ...sysctlDirectories(),
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

test('a file that is read later and says otherwise blocks, since it would win at the next boot', () => {
  const [lasting] = expand({ settings: { 'net.ipv4.ip_forward': 1, 'vm.swappiness': 10 } })
  const reason = (files: Record<string, string>) => {
    const plan = lasting?.plan(modelOf(...sysctlDirectories(files)))
    return plan?.kind === 'blocked' ? plan.reason : undefined
  }
  const late = '/etc/sysctl.d/zzz.conf'
  assert.match(reason({ [late]: '# x\n\nvm.swappiness=60\n' }) ?? '', `${late}:3 sets vm.swappiness = 60`)
  assert.match(reason({ '/usr/lib/sysctl.d/zzz.conf': '-vm/swappiness = 60' }) ?? '', 'sets vm/swappiness = 60')
  assert.ok(reason({ [late]: 'net.ipv4.conf.all.forwarding = 0' }), 'another name of the same')
  for (const fine of ['vm.swappiness = 10', '#vm.swappiness=60', 'vm.*=60', 'vm.dirty_ratio = 5', ''])
    assert.is(reason({ [late]: fine }), undefined, fine)
  assert.is(reason({ '/etc/sysctl.d/10-first.conf': 'vm.swappiness = 60' }), undefined, 'read before')
  assert.is(reason({ '/etc/sysctl.d/zzz.bak': 'vm.swappiness = 60' }), undefined, 'not read at all')
  assert.is(reason({ [late]: '', '/usr/lib/sysctl.d/zzz.conf': 'vm.swappiness = 60' }), undefined, 'overridden')
})

test('what can cut the connection is guarded, in either spelling', () => {
  const risks = (name: string) => {
    const resources = expand({ settings: { [name]: 8 } })
    const model = modelOf(...sysctlDirectories(), fact(fileAt(FILE), { type: 'absent' }), fact(sysctlNamed(name), '0'))
    return planAll(resources, model).map((plan) => (plan.kind === 'change' ? plan.risk : undefined))
  }
  for (const name of ['net.ipv4.conf.all.arp_ignore', 'net/ipv4/conf/vmbr0.5/arp_ignore', 'kernel.threads-max'])
    assert.is(risks(name).at(-1), 'link', name)
  for (const name of ['vm.swappiness', 'net.ipv4.ip_forward']) assert.not.ok(risks(name).includes('link'), name)
})

test('absent removes the file and leaves the live value', () => {
  const plans = planAll(
    expand({ settings: { 'vm.swappiness': 10 }, state: 'absent' }),
    modelOf(fact(fileAt(FILE), fileState('x'))),
  )
  assert.equal(plans.flatMap(summaries), [`remove ${FILE}`])
})

test('a parameter that the kernel lacks blocks', () => {
  const [, , live] = expand({ settings: { 'net.nope': 1 } })
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
