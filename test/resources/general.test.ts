import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { sysctlNamed, sysctlPath } from '../../src/facts/sysctl.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { userNamed } from '../../src/facts/user.ts'
import { directory } from '../../src/resources/directory.ts'
import { file, fileAbsent } from '../../src/resources/file.ts'
import { debianPackage } from '../../src/resources/package.ts'
import { symlink } from '../../src/resources/symlink.ts'
import { liveSysctl } from '../../src/resources/sysctl.ts'
import { unit } from '../../src/resources/unit.ts'
import { user } from '../../src/resources/user.ts'
import { fact, fileState, modelOf, planChange, summaries, unitState } from '../helpers/model.ts'

const test = suite('general resources')
const ABSENT = { type: 'absent' } as const

test('file: mode and owner of an existing file are kept unless named', () => {
  const model = modelOf(fact(fileAt('/x'), fileState('a', { mode: '0600', owner: 'www:www' })))
  assert.is(file({ path: '/x', content: Buffer.from('a') }).plan(model).kind, 'ok')
  const plan = planChange(file({ path: '/x', content: Buffer.from('a'), mode: '0644' }), model)
  assert.equal(summaries(plan), ['mode 0600 → 0644'])
})

test('file: a sensitive file never shows content', () => {
  const plan = planChange(
    file({ path: '/x', content: Buffer.from('pw'), sensitive: true }),
    modelOf(fact(fileAt('/x'), ABSENT)),
  )
  assert.is(plan.changes[0]?.diff, undefined)
})

test('what can cut the connection is risky whatever task it comes from', () => {
  const risk = (path: string) =>
    planChange(file({ path, content: Buffer.from('x') }), modelOf(fact(fileAt(path), ABSENT))).risk
  assert.is(risk('/etc/ssh/sshd_config.d/x.conf'), 'link')
  assert.is(risk('/etc/network/interfaces.d/x'), 'link')
  for (const path of ['/root/.ssh/authorized_keys', '/home/ada/.ssh/authorized_keys', '/etc/pve/priv/authorized_keys'])
    assert.is(risk(path), 'link', path)
  for (const path of ['/etc/passwd', '/etc/pam.d/sshd', '/etc/nologin', '/root/.bashrc', '/etc/hosts.deny'])
    assert.is(risk(path), 'link', path)
  for (const path of ['/etc/motd', '/etc/hosts', '/root/.vimrc', '/home/ada/.ssh/config', '/etc/passwd-'])
    assert.is(risk(path), undefined, path)
  const linked = (path: string) =>
    planChange(symlink(path, '/x'), modelOf(fact(fileAt(path), ABSENT), fact(fileAt('/x'), ABSENT))).risk
  assert.is(linked('/etc/ssh/sshd_config.d/x.conf'), 'link')
  assert.is(linked('/etc/nginx/sites-enabled/x'), undefined)
  const stopped = (name: string) =>
    planChange(unit({ unit: name, running: false }), modelOf(fact(unitNamed(name), unitState()))).risk
  assert.is(stopped('ssh.service'), 'link')
  assert.is(stopped('nginx.service'), undefined)
})

test('file: a directory in its place blocks', () => {
  const model = modelOf(fact(fileAt('/x'), fileState('', { type: 'directory' })))
  assert.is(file({ path: '/x', content: Buffer.alloc(0) }).plan(model).kind, 'blocked')
  assert.is(fileAbsent('/x').plan(model).kind, 'blocked')
})

test('symlink: repointed, made, and a real file in its place blocks', () => {
  const target = fact(fileAt('/t'), fileState('t'))
  const wrong = modelOf(fact(fileAt('/l'), fileState('o', { link: '/other' })), target)
  assert.equal(summaries(planChange(symlink('/l', '/t'), wrong)), ['link /l → /t (was → /other)'])
  assert.is(symlink('/l', '/t').plan(modelOf(fact(fileAt('/l'), fileState('x')), target)).kind, 'blocked')
})

test('directory: made, adjusted', () => {
  planChange(directory('/d'), modelOf(fact(fileAt('/d'), ABSENT)))
  const model = modelOf(fact(fileAt('/d'), fileState('', { type: 'directory', mode: '0755' })))
  assert.equal(summaries(planChange(directory('/d', { mode: '0700' }), model)), ['mode 0755 → 0700'])
})

test('package: its units are held, so a later start is planned, not assumed', () => {
  const model = modelOf(
    fact(packageNamed('nginx'), { installed: false }),
    fact(unitNamed('nginx.service'), unitState({ load: 'not-found', active: 'inactive', enabled: '' })),
  )
  const plan = planChange(debianPackage({ name: 'nginx', state: 'present', units: ['nginx.service'] }), model)
  const start = planChange(unit({ unit: 'nginx.service', running: true, enabled: true }), model.with(plan.after))
  assert.equal(summaries(start), ['enable nginx.service', 'start nginx.service'])
})

test('sysctl: written only on a difference; an unknown parameter blocks', () => {
  const ref = sysctlNamed('net.ipv4.ip_forward')
  assert.is(liveSysctl('net.ipv4.ip_forward', '1').plan(modelOf(fact(ref, '1'))).kind, 'ok')
  const plan = planChange(liveSysctl('net.ipv4.ip_forward', '1'), modelOf(fact(ref, '0')))
  assert.equal(summaries(plan), ['net.ipv4.ip_forward: 0 → 1'])
  assert.is(liveSysctl('net.ipv4.ip_forward', '1').plan(modelOf(fact(ref, undefined))).kind, 'blocked')
})

test('sysctl paths: VLAN interfaces have dots in their names', () => {
  assert.is(sysctlPath('net.ipv4.conf.eno1/50.forwarding'), '/proc/sys/net/ipv4/conf/eno1.50/forwarding')
  assert.is(sysctlPath('net/ipv4/conf/eno1.50/forwarding'), '/proc/sys/net/ipv4/conf/eno1.50/forwarding')
})

test('user: created locked without shell; an existing one is only brought in line', () => {
  const ref = userNamed('jump')
  const wanted = user({ name: 'jump', system: true, shell: '/usr/sbin/nologin' })
  const created = planChange(wanted, modelOf(fact(ref, { exists: false })))
  assert.match(created.script.display, 'useradd -d /nonexistent -s /usr/sbin/nologin -M -r -- jump')
  const account = {
    exists: true,
    uid: 1000,
    gecos: '',
    home: '/home/jump',
    shell: '/bin/bash',
    locked: true,
    groups: [],
  } as const
  const modified = planChange(wanted, modelOf(fact(ref, account)))
  assert.equal(summaries(modified), ['shell of jump: /bin/bash → /usr/sbin/nologin'])
})

test.run()
