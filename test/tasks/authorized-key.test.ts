import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type AuthorizedKeysState, authorizedKeysFact, authorizedKeysOf } from '../../src/facts/authorized-keys.ts'
import { type UserState, userNamed } from '../../src/facts/user.ts'
import type { Plan, PlanChange, Resource } from '../../src/resources/resource.ts'
import { authorizedKeyTask } from '../../src/tasks/authorized-key.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, modelOf, planChange, summaries } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('authorized_key')
const [A, B, C] = [keyOf(1), keyOf(2), keyOf(3)]

function keyOf(seed: number): string {
  const type = Buffer.from('ssh-ed25519')
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), type, Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, seed)])
  return `ssh-ed25519 ${blob.toString('base64')}`
}

function expand(params: unknown): Resource {
  const [resource] = authorizedKeyTask.resources(authorizedKeyTask.params.parse(params), hostContext())
  assert.ok(resource)
  return resource
}

function model(content: string | undefined, more: Partial<AuthorizedKeysState> = {}, home = '/home/ada') {
  const account = { exists: true, uid: 1000, gecos: '', home, shell: '/bin/bash', locked: true, groups: [] } as const
  const state: AuthorizedKeysState = {
    home: '/home/ada',
    real: '/home/ada/.ssh/authorized_keys',
    content: content === undefined ? undefined : Buffer.from(content),
    mode: content === undefined ? '' : '0600',
    ...more,
  }
  return modelOf(fact(userNamed('ada'), account as UserState), fact(authorizedKeysOf('ada'), state))
}

function change(params: object, content: string | undefined, more: Partial<AuthorizedKeysState> = {}): PlanChange {
  return planChange(expand({ user: 'ada', ...params }), model(content, more))
}

function plan(params: object, content: string | undefined, more: Partial<AuthorizedKeysState> = {}): Plan {
  return expand({ user: 'ada', ...params }).plan(model(content, more))
}

const CASES: [string, object, string | undefined, string][] = [
  ['no file', { key: `${A} ada` }, undefined, `${A} ada\n`],
  ['added after what is there, the comment too', { key: A }, `# mine\n${B} bob\n`, `# mine\n${B} bob\n${A}\n`],
  ['a last line without its end', { key: A }, B, `${B}\n${A}\n`],
  ['options are set on the same key', { key: `no-pty ${A} ada` }, `${A} x\n${B}\n`, `no-pty ${A} ada\n${B}\n`],
  ['removed', { key: A, state: 'absent' }, `${B}\nfrom="10.0.0.0/8" ${A} x\n`, `${B}\n`],
  [
    'exclusive: others go, remarks stay',
    { key: [A, C], exclusive: true },
    `# mine\n${B}\n${A} x\n`,
    `# mine\n${A} x\n${C}\n`,
  ],
]
for (const [name, params, before, after] of CASES) {
  test(name, () => assert.is(change(params, before).changes[0]?.diff?.after?.toString(), after))
}

test('nothing to do: there with other options or comment, or absent without a file', () => {
  assert.is(plan({ key: `${A} new` }, `no-pty ${A} old\n`).kind, 'ok')
  assert.is(plan({ key: A, state: 'absent' }, undefined).kind, 'ok')
  assert.is(plan({ key: A, state: 'absent' }, `${B}\n`).kind, 'ok')
})

test('removing a key can cut the way in, adding one cannot', () => {
  assert.is(change({ key: A, state: 'absent' }, `${A}\n`).risk, 'link')
  assert.is(change({ key: A, exclusive: true }, `${B}\n`).risk, 'link')
  assert.is(change({ key: A }, `${B}\n`).risk, undefined)
})

test('where /etc/pve is not mounted, nothing is written below it, since it would not be mounted again', () => {
  const real = '/etc/pve/priv/authorized_keys'
  const blocked = plan({ key: A }, undefined, { real })
  assert.is(blocked.kind, 'blocked')
  assert.match(blocked.kind === 'blocked' ? blocked.reason : '', /\/etc\/pve is not mounted/)
  assert.is(plan({ key: A, state: 'absent' }, undefined, { real }).kind, 'ok')
})

test('what stands in the place of the file or its folder is named before anything is done', () => {
  const obstacle = '/home/ada/.ssh'
  const blocked = plan({ key: A }, undefined, { obstacle })
  assert.is(blocked.kind, 'blocked')
  assert.match(blocked.kind === 'blocked' ? blocked.reason : '', /^\/home\/ada\/\.ssh is no folder/)
  assert.is(plan({ key: A, state: 'absent' }, undefined, { obstacle }).kind, 'ok')
  const root = mkdtempSync(path.join(tmpdir(), 'pvectl-keys-'))
  try {
    // The home directory of the account is what `getent` says.
    const machine = machineBelow(`${root}/`, ['getent'])
    const seen = (way: string) => {
      writeFileSync(`${root}/getent`, `#!/bin/sh\necho ada:x:1:1::${root}/${way}:/bin/sh\n`, { mode: 0o755 })
      return machine.observe(authorizedKeysFact, ['ada'])[0]?.obstacle
    }
    mkdirSync(`${root}/a`)
    writeFileSync(`${root}/a/.ssh`, '')
    mkdirSync(`${root}/b/.ssh/authorized_keys`, { recursive: true })
    mkdirSync(`${root}/c/.ssh`, { recursive: true })
    assert.equal([seen('a'), seen('b'), seen('c')], [`${root}/a/.ssh`, `${root}/b/.ssh/authorized_keys`, undefined])
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('a file that others may write to is closed, but not below /etc/pve', () => {
  assert.match(summaries(change({ key: A }, `${A}\n`, { mode: '0664' }))[0] ?? '', '0664 → 0600')
  assert.is(plan({ key: A }, `${A}\n`, { mode: '0660', real: '/etc/pve/priv/authorized_keys' }).kind, 'ok')
})

test("the cluster's own file is never emptied of other keys", () => {
  const real = '/etc/pve/priv/authorized_keys'
  assert.is(plan({ key: A, exclusive: true }, `${B}\n`, { real }).kind, 'blocked')
  assert.match(change({ key: A }, `${B}\n`, { real }).script.display, `pv_write ${real} `)
})

test('a user that an earlier task makes, moves, or that nobody makes', () => {
  const fresh = change({ key: A }, undefined, { home: '', real: '' })
  assert.equal(summaries(fresh), ['create /home/ada/.ssh/authorized_keys'])
  assert.is(expand({ user: 'ada', key: A }).plan(model('', {}, '/srv/ada')).kind, 'unknown')
  const none = modelOf(
    fact(userNamed('ada'), { exists: false }),
    fact(authorizedKeysOf('ada'), { home: '', real: '', content: undefined, mode: '' }),
  )
  assert.is(expand({ user: 'ada', key: A }).plan(none).kind, 'blocked')
  assert.is(expand({ user: 'ada', key: A, state: 'absent' }).plan(none).kind, 'ok')
})

test('mistakes', () => {
  const problems = (params: object) =>
    (authorizedKeyTask.params.safeParse(params).error?.issues ?? []).map(
      ({ path: at, message }) => `${at.join('.')}: ${message}`,
    )
  assert.equal(problems({ key: [A, 'nonsense'] }), ['key.1: is not a public key (type, base64, comment)'])
  assert.equal(problems({ key: 'ssh-dss AAAA' }), ['key: is a DSA key, which sshd no longer accepts'])
  assert.equal(problems({ key: A, exclusive: true, state: 'absent' }), [
    'exclusive: means nothing with `state: absent`',
  ])
})

test('observed and written by sh, unless it changed meanwhile', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'pvectl-keys-'))
  try {
    const me = userInfo().username
    const machine = machineBelow(root)
    const [seen, none] = machine.observe(authorizedKeysFact, [me, 'no-such-user'])
    assert.is(seen?.home, userInfo().homedir)
    assert.equal(none, { home: '', real: '', content: undefined, mode: '' })
    mkdirSync(`${root}/home`)
    const account = {
      exists: true,
      uid: 0,
      gecos: '',
      home: `${root}/home`,
      shell: '/bin/sh',
      locked: false,
      groups: [],
    }
    const state = { home: `${root}/home`, real: `${root}/home/.ssh/authorized_keys`, content: undefined, mode: '' }
    const before = modelOf(fact(userNamed(me), account as UserState), fact(authorizedKeysOf(me), state))
    const { script } = planChange(expand({ user: me, key: `${A} it's me` }), before)
    assert.equal(machine.step(script), { code: 0, stderr: '' })
    assert.is(readFileSync(`${root}/home/.ssh/authorized_keys`, 'utf8'), `${A} it's me\n`)
    writeFileSync(`${root}/home/.ssh/authorized_keys`, 'changed\n')
    assert.match(machine.step(script).stderr, 'changed by somebody else')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test.run()
