import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CertificateState, certificateAt, certificateFact } from '../../src/facts/certificate.ts'
import { fileAt } from '../../src/facts/file.ts'
import { certificateOnNode, selfSignedCertificate } from '../../src/resources/certificate.ts'
import { fact, fileState, modelOf, NOW, planChange, summaries } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite<{ root: string }>('certificate')
const DAY = 86_400_000
const files = { certificate: '/etc/nginx/pvectl/a.crt', key: '/etc/nginx/pvectl/a.key' }
const wanted = { ...files, names: ['a.example.org', '*.a.example.org'], days: 825, renewDays: 30 }
const good: CertificateState = {
  present: true,
  notAfter: NOW + 400 * DAY,
  names: ['*.a.example.org', 'a.example.org'],
  keyMatches: true,
  keyAccess: '0600 root:root',
}

test.before.each((context) => {
  context.root = mkdtempSync(path.join(tmpdir(), 'pvectl-certificate-'))
})

test.after.each(({ root }) => rmSync(root, { recursive: true }))

const model = (state: CertificateState) =>
  modelOf(fact(certificateAt(files), state), fact(fileAt(files.certificate), fileState('')))

test('a good one stays, whatever the order of its names', () => {
  assert.is(selfSignedCertificate(wanted).plan(model(good)).kind, 'ok')
})

const reasons: [string, CertificateState, string][] = [
  ['none', { present: false }, 'valid for 825 days'],
  ['29 days left', { ...good, notAfter: NOW + 29.5 * DAY }, 'the present one expires in 29 days'],
  ['expired', { ...good, notAfter: NOW - DAY }, 'the present one has expired'],
  ['other names', { ...good, names: ['b.example.org'] }, 'the present one is for b.example.org'],
  ['foreign key', { ...good, keyMatches: false }, 'the present one does not belong to its key'],
]
for (const [name, state, reason] of reasons) {
  test(`made: ${name}`, () => {
    const plan = planChange(selfSignedCertificate(wanted), model(state))
    assert.equal(summaries(plan), [`make a self-signed certificate for a.example.org, *.a.example.org (${reason})`])
  })
}

test('30 days left is enough', () => {
  assert.is(selfSignedCertificate(wanted).plan(model({ ...good, notAfter: NOW + 30.5 * DAY })).kind, 'ok')
})

test('a key that others may read is protected, not replaced', () => {
  const plan = planChange(selfSignedCertificate(wanted), model({ ...good, keyAccess: '0644 root:root' }))
  assert.equal(summaries(plan), [`access to ${files.key}: 0644 root:root → 0600 root:root`])
})

test('a certificate that should be on the node and is not blocks', () => {
  const plan = certificateOnNode(files).plan(modelOf(fact(fileAt(files.certificate), { type: 'absent' })))
  assert.is(plan.kind, 'blocked')
})

test('openssl makes what the fact then reads, and leaves nothing else', ({ root }) => {
  const machine = machineBelow(root)
  const at = { certificate: `${root}/tls/a.crt`, key: `${root}/tls/a.key` }
  const names = ['a.example.org', '*.a.example.org', '192.0.2.1', `${'x'.repeat(60)}.${'y'.repeat(60)}.example.org`]
  const desired = { ...wanted, ...at, names }
  const start = modelOf(fact(certificateAt(at), { present: false }), fact(fileAt(at.certificate), { type: 'absent' }))
  assert.equal(machine.step(planChange(selfSignedCertificate(desired), start).script), { code: 0, stderr: '' })
  const [state] = machine.observe(certificateFact, [certificateAt(at).id])
  assert.ok(state?.present)
  assert.equal(state.names, names)
  assert.ok(state.keyMatches)
  assert.ok(Math.abs(state.notAfter - Date.now() - 825 * DAY) < DAY)
  assert.is(statSync(at.key).mode & 0o777, 0o600)
  assert.is(statSync(at.certificate).mode & 0o777, 0o644)
  assert.equal(readdirSync(`${root}/tls`).sort(), ['a.crt', 'a.key'])
})

test('the fact tells a missing file, rubbish and a foreign key apart', ({ root }) => {
  const machine = machineBelow(root)
  const make = (name: string) =>
    execFileSync(
      'openssl',
      [
        ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout'.split(' '),
        `${root}/${name}.key`,
        '-out',
        `${root}/${name}.crt`,
      ],
      { stdio: 'ignore' },
    )
  make('one')
  make('two')
  writeFileSync(`${root}/rubbish.crt`, 'rubbish')
  const id = (certificate: string, key: string) =>
    certificateAt({ certificate: `${root}/${certificate}.crt`, key: `${root}/${key}.key` }).id
  const states = machine.observe(certificateFact, [
    id('none', 'one'),
    id('rubbish', 'one'),
    id('one', 'two'),
    id('one', 'none'),
    id('two', 'two'),
  ])
  const matches = states.map((state) => (state.present ? state.keyMatches : 'absent'))
  assert.equal(matches, ['absent', 'absent', false, false, true])
  assert.is(states[3]?.present && states[3].keyAccess, '')
})

test.run()
